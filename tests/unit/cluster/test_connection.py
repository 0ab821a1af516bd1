"""Where a running cluster is."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from gangline.cluster import connection, standing
from gangline.cluster.connection import ClusterConnection, Place
from gangline.errors import UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANGLINE_CLUSTERS", str(tmp_path / "clusters"))
    return tmp_path / "clusters"


def one(name: str = "default") -> ClusterConnection:
    return ClusterConnection(name, "tls://127.0.0.1:1", "ca", "certificate", "key", 1, 2.0, ("a", "b"))


def kept(name: str) -> Place:
    place = Place(name)
    place.make()
    assert place.take() is not None
    return place


def test_what_is_left_is_found_as_long_as_it_is_kept() -> None:
    place = Place("default")
    place.make()
    place.write(one())
    assert connection.current() is None, "nobody keeps it"
    lock = place.take()
    assert lock is not None
    assert place.take() is None
    assert connection.current() == one()
    assert connection.current(only_ours=True) is None
    place.clear()
    assert connection.current() is None
    assert place.is_kept()


def test_the_innermost_block_counts() -> None:
    place = kept("default")
    place.write(one())
    outer, inner = one("outer"), one("inner")
    with connection.using(outer):
        with connection.using(inner):
            assert connection.current() == inner
        assert connection.current(only_ours=True) == outer
    assert connection.current() == one()


def test_one_that_does_not_run_is_told_with_those_that_do() -> None:
    kept("night").write(one("night"))
    assert connection.find("night") == one("night")
    with pytest.raises(
        UsageError, match=r"profile 'nihgt' is running; there is night; `gangline cluster start --profile"
    ):
        connection.find("nihgt")


def test_one_that_another_host_keeps_is_left_alone() -> None:
    place = kept("default")
    place.write(one())
    place.lock.write_text(f"{os.getpid()} elsewhere")
    assert connection.current() is None
    for do in (standing.status, standing.stop, partial(connection.find, "default")):
        with pytest.raises(UsageError, match="default is kept on host elsewhere, and can be reached from there only"):
            do()
    assert place.is_kept()


def test_who_keeps_it_is_known() -> None:
    place = Place("default")
    place.make()
    assert place.keeper() == (0, "")
    place.lock.write_text("much longer than what will stand there " * 10)
    lock = place.take()
    assert lock is not None
    place.sign(lock)
    assert place.keeper() == (os.getpid(), os.uname().nodename)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "default"}', '{"hosts": 1}'])
def test_damage_is_told(text: str) -> None:
    place = kept("default")
    place.file.write_text(text)
    with pytest.raises(UsageError, match=r"default\.json is damaged"):
        place.read()


def test_looking_for_a_cluster_imports_nothing_that_takes_time() -> None:
    program = "import sys; from gangline.cluster import connection; connection.current(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    modules = set(done.stdout.split())
    assert not modules & {"distributed", "dask", "asyncio", "subprocess", "gangline.cluster.keeper", "cryptography"}
