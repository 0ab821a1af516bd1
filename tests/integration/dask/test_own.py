"""Clients with a Dask cluster of their own: it comes with the client, and goes with it, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gangline import Client
from gangline.backends.dask import own
from gangline.errors import BackendError
from gangline.testing.conformance.lifecycle import Traces
from gangline.views import interactive
from gangline.views.error import EngineError

PATIENCE_S = 60.0

PROGRAM = """
import os, sys
from gangline import Client
from gangline.backends.dask import own
from gangline.errors import BackendError

factor = 3

def times(x):
    return factor * x

rc = Client(backend="dask", n=1)
print(rc.load_balanced_view().map_sync(times, range(3)), flush=True)
print(*rc[:].apply_sync(os.getpid), *rc[:].apply_sync(os.getppid), flush=True)
if sys.argv[1:]:
    os.kill(os.getpid(), int(sys.argv[1]))
"""


def until(question: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def rc() -> Iterator[Client]:
    """A client of two engines, shared by tests that leave it whole."""
    with Client(backend="dask", n=2) as client:
        client.wait_for_engines(2, timeout=PATIENCE_S)
        yield client


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where folders of clusters are made: a place of this test alone, since other tests have clusters meanwhile."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_nothing_is_left(scratch: Path) -> None:
    """Comes first: a client of other tests might get new connections meanwhile."""
    with Client(backend="dask", n=1) as first:  # which has Dask start what it starts once for a whole process
        assert len(first.ids) == 1
    before = Traces()
    with Client(backend="dask", n=1) as other:
        workers = other[:].apply_sync(os.getppid)
        assert len(list(scratch.glob("gangline-dask-*"))) == 1
    before.check_that_nothing_is_new()
    assert list(scratch.glob("gangline-dask-*")) == []
    assert not any(os.path.exists(f"/proc/{worker}") for worker in workers)


def test_each_engine_has_a_worker(rc: Client) -> None:
    assert len(set(rc[:].apply_sync(os.getppid))) == len(rc.ids) == 2


def test_engines_work_in_this_directory_and_import_from_here(rc: Client, tmp_path: Path) -> None:
    """Also from places that came into `sys.path` after the engines had started."""
    assert rc[:].apply_sync(os.getcwd) == [os.getcwd()] * 2
    (tmp_path / "came_late.py").write_text("def answer(): return 42\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import came_late  # type: ignore[import-not-found]

        assert rc[:].apply_sync(came_late.answer) == [42, 42]
    finally:
        sys.path.remove(str(tmp_path))


def test_large_values(rc: Client) -> None:
    data = os.urandom(30_000_000)
    assert rc.load_balanced_view().apply_sync(bytes, data) == data


def test_a_killed_worker_is_replaced(rc: Client) -> None:
    rc[:].push({"kept": 1}, block=True)
    lost = rc.ids[0]
    with pytest.raises(EngineError, match="was lost with its Dask worker"):
        rc[lost].apply_sync(lambda: os.kill(os.getppid(), signal.SIGKILL) or time.sleep(60))
    rc.wait_for_engines(2, timeout=PATIENCE_S)
    assert lost not in rc.ids
    assert sorted(rc[:].apply_sync(interactive(lambda: "kept" in globals()))) == [False, True]


def test_an_engine_whose_worker_does_not_answer_is_killed(rc: Client) -> None:
    """It takes some seconds until its worker is given up."""
    lost = rc.ids[0]
    worker = rc[lost].apply_sync(os.getppid)
    held = rc[lost].apply_async(time.sleep, 60)
    os.kill(worker, signal.SIGSTOP)
    rc.session.kill_engine(lost, "it was time")
    with pytest.raises(EngineError, match="it was time"):
        held.get(timeout=PATIENCE_S)
    until(lambda: not os.path.exists(f"/proc/{worker}"))
    rc.wait_for_engines(2, timeout=PATIENCE_S)


def test_workers_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "_BOOT", "import sys; print('no way'); sys.exit(3)")
    with (
        Client(backend="dask", n=1) as rc,
        pytest.raises(BackendError, match=r"0 of 1 engines .* it could not start: exit code 3; .*\nno way"),
    ):
        assert rc.ids


def test_an_engine_more_and_one_less(rc: Client) -> None:
    rc.session.add_engines(1)
    rc.wait_for_engines(3, timeout=PATIENCE_S)
    new = rc.ids[-1]
    worker = rc[new].apply_sync(os.getppid)
    rc.session.stop_engine(new)
    until(lambda: new not in rc.ids and not os.path.exists(f"/proc/{worker}"))


@pytest.mark.parametrize("ending", ["", "9"])
def test_a_script_that_does_not_close_its_client(tmp_path: Path, scratch: Path, ending: str) -> None:
    """Nor asks whether it is ``__main__``; it ends, or is killed."""
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    done = subprocess.run([sys.executable, str(script), *ending.split()], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    results, pids = done.stdout.splitlines()
    assert results == "[0, 3, 6]"
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids.split()))
    until(lambda: not list(scratch.glob("gangline-dask-*")))
