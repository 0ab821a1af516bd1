"""Clusters that stay: two that start at once, keepers that are killed or hang, bad places, bad requests."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gangline import Client
from gangline.cluster import connection, standing
from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.connection import Place
from gangline.errors import BackendError, UsageError
from tests.hosts import Hosts, wait_until

PATIENCE_S = 60.0
HERE = ClusterConfiguration(hosts=(("localhost", 1),))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_it_leaves_is_for_its_user_only_and_gone_when_it_stops(folder: Path) -> None:
    found, is_new = standing.start(HERE)
    assert is_new
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in [folder, *folder.iterdir()]}
    assert modes == {
        "clusters": 0o700, "default.json": 0o600, "default.lock": 0o600, "default.log": 0o600, "default.socket": 0o600
    }  # fmt: skip
    assert connection.find("default").address == found.address
    with Client(profile="default") as rc:
        assert rc.session.backend.name == "dask"
    with Client(engines=1) as rc:
        assert rc.session.backend.name == "processes", "a number of engines means local ones"
    (engine,) = found.engines
    assert is_alive(engine.pid)
    assert standing.stop()
    assert not is_alive(engine.pid)
    wait_until(lambda: not is_alive(found.pid), PATIENCE_S)  # it ends when all else has, and has let go of the lock
    assert sorted(file.name for file in folder.iterdir()) == ["default.lock", "default.log"]
    with Client(engines=1) as rc:
        assert rc.session.backend.name == "processes"


def test_of_two_that_start_at_once_one_starts() -> None:
    results: list[tuple[standing.ClusterStatus, bool]] = []
    threads = [threading.Thread(target=lambda: results.append(standing.start(HERE))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(is_new for _, is_new in results) == [False, True]
    assert len({found.pid for found, _ in results}) == 1


def test_a_keeper_that_is_killed_leaves_nothing_on_any_host_and_the_next_start_works(hosts: Hosts) -> None:
    name = hosts.names[0]
    configuration = ClusterConfiguration(hosts=((name, 2), ("localhost", 1)), ssh_config=str(hosts.config))
    found, _ = standing.start(configuration)
    local = [engine.pid for engine in found.engines if engine.host == "localhost"]
    with Client() as rc:
        assert len(rc.ids) == 3
    os.kill(found.pid, signal.SIGKILL)
    hosts.wait_until_empty(name, PATIENCE_S)
    wait_until(lambda: not any(map(is_alive, local)), PATIENCE_S)
    assert standing.status() is None
    assert connection.current() is None
    again, is_new = standing.start(configuration)
    assert is_new
    assert [engine.state for engine in again.engines] == ["up"] * 3
    assert standing.stop()
    hosts.wait_until_empty(name, PATIENCE_S)


def test_a_keeper_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = standing.start(HERE)
    os.kill(found.pid, signal.SIGSTOP)
    monkeypatch.setattr(standing, "_ASK_S", 0.5)
    with pytest.raises(BackendError, match="has not answered for"):
        standing.status()
    monkeypatch.setattr(standing, "_STOP_S", 1.0)
    assert standing.stop()
    (engine,) = found.engines
    wait_until(lambda: not is_alive(engine.pid), PATIENCE_S)


def test_a_cluster_without_its_scheduler_ends() -> None:
    found, _ = standing.start(HERE)
    (engine,) = found.engines
    parent = int(Path(f"/proc/{engine.pid}/stat").read_text().rpartition(")")[2].split()[1])
    (scheduler,) = {int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()} - {
        engine.pid
    }
    os.kill(scheduler, signal.SIGKILL)
    wait_until(lambda: not Place("default").is_kept(), PATIENCE_S)
    assert not is_alive(engine.pid)
    assert "the scheduler: it was ended by SIGKILL" in Place("default").log.read_text()


def test_engines_that_fail_leave_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "distributed.py").write_text("raise ImportError('it is broken')\n")
    with pytest.raises(BackendError, match="it is broken; a cluster needs more packages there: pip install"):
        standing.start(ClusterConfiguration(hosts=(("localhost", 1),), pythonpath=(str(tmp_path),)))
    assert not Place("default").is_kept()


def test_an_interrupted_start_leaves_nothing(tmp_path: Path) -> None:
    """Here it would take ten minutes."""
    (tmp_path / "distributed.py").write_text("import time\ntime.sleep(600)\n")
    program = "import sys\nfrom gangline.cluster import ClusterConfiguration, standing\n"
    program += "standing.start(ClusterConfiguration(hosts=(('localhost', 4),), pythonpath=(sys.argv[1],)))\n"
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_until(lambda: Place("default").keeper()[0] not in (0, starter.pid), PATIENCE_S)
    starter.send_signal(signal.SIGINT)
    _, said = starter.communicate(timeout=PATIENCE_S)
    assert b"KeyboardInterrupt" in said
    assert not Place("default").is_kept()


def test_places_that_cannot_be_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(UsageError, match="nobody else may write there: chmod 700"):
        standing.start(HERE)
    monkeypatch.setenv("GANGLINE_CLUSTERS", "/dev/null/clusters")
    with pytest.raises(UsageError, match="cannot be made: Not a directory"):
        standing.start(HERE)
    assert standing.status() is None
    assert not standing.stop()


def test_damaged_word_of_a_cluster_is_told(folder: Path) -> None:
    standing.start(HERE)
    (folder / "default.json").write_text("{")
    with pytest.raises(UsageError, match=r"default.json is damaged; `gangline cluster stop --profile default`"):
        Client()
    assert standing.stop()


def test_what_is_no_request_is_refused_and_does_no_harm() -> None:
    standing.start(HERE)
    for request in (b"\xff\n", b"[]\n", b'{"do": "dance"}\n', b'{"do": "scale"}\n', b"\n", b"9" * 100_000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as stranger, Place("default").at_socket() as path:
            stranger.connect(path)
            stranger.sendall(request)
            assert "this is no request" in json.loads(stranger.makefile("rb").readline())["error"]
    found = standing.status()
    assert found is not None
    assert found.state == "running"
    with pytest.raises(UsageError, match="1 engine or more, not 0"):
        standing.scale(0)
