"""Clients of Dask clusters that users have: every worker is an engine, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest
from distributed import LocalCluster

from gangline import Client
from gangline.backends.dask import contact, relay
from gangline.errors import BackendError, ClusterUnreachable, UsageError
from gangline.views import interactive
from gangline.views.error import EngineError
from tests.dask_clusters import RunningCluster, free_port, running_cluster

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster within this process, so that one can look into it."""
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path_factory.mktemp("scratch")),
    ) as cluster:
        yield cluster


@pytest.fixture
def rc(cluster: RunningCluster) -> Iterator[Client]:
    """A client of two workers."""
    with Client(cluster.address, connect_timeout_s=PATIENCE_S) as client:
        client.wait_for_engines(2, timeout=PATIENCE_S)
        yield client


def until(question: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < end
        time.sleep(0.01)


def plus_offset(x: int) -> int:
    return x + offset  # type: ignore[name-defined]  # noqa: F821 - a name on the engines


def hold(entered: str, opened: str) -> str:
    """A task that says on which worker it runs, and waits."""
    with open(f"{entered}-part", "w") as file:
        file.write(str(os.getppid()))
    os.rename(f"{entered}-part", entered)
    while not os.path.exists(opened):
        time.sleep(0.005)
    return "held"


def worker_of(entered: Path) -> int:
    """The process of the worker on which the task runs, once it does."""
    until(entered.exists)
    return int(entered.read_text())


class TestEngines:
    def test_every_worker_is_one(self, rc: Client) -> None:
        assert rc.ids == [0, 1]
        workers = rc[:].apply_sync(os.getppid)
        assert len(set(workers)) == 2
        assert rc[0].apply_sync(os.getppid) == workers[0]

    def test_both_views(self, rc: Client) -> None:
        rc[:].push({"offset": 5}, block=True)
        assert rc[:].pull("offset", block=True) == [5, 5]
        rc[:].execute("offset += 1", block=True)
        assert rc.load_balanced_view().map_sync(interactive(plus_offset), range(50)) == list(range(6, 56))

    def test_more_than_there_are_workers(self, cluster: RunningCluster) -> None:
        with Client(cluster.address, n=3, connect_timeout_s=PATIENCE_S) as rc:
            assert rc.ids == [0, 1, 2]
            workers = rc[:].apply_sync(os.getppid)
            assert sorted(workers.count(each) for each in set(workers)) == [1, 2]

    def test_fewer_than_there_are_workers(self, cluster: RunningCluster) -> None:
        with Client(cluster.address, n=1, connect_timeout_s=PATIENCE_S) as rc:
            assert rc.ids == [0]

    def test_two_clients_side_by_side(self, rc: Client, cluster: RunningCluster) -> None:
        with Client(cluster.address, connect_timeout_s=PATIENCE_S) as other:
            rc[:].push({"mine": 1}, block=True)
            assert other[:].apply_sync(interactive(lambda: "mine" in globals())) == [False, False]
            assert set(rc[:].apply_sync(os.getppid)) == set(other[:].apply_sync(os.getppid))


class TestEnds:
    def test_a_killed_worker_takes_its_task_only(self, rc: Client, tmp_path: Path) -> None:
        """The others go elsewhere; and Dask starts another worker, which is an engine."""
        entered, opened = tmp_path / "entered", tmp_path / "opened"
        view = rc.load_balanced_view()
        held = view.apply_async(hold, str(entered), str(opened))
        others = [view.apply_async(abs, -i) for i in range(20)]
        os.kill(worker_of(entered), signal.SIGKILL)
        with pytest.raises(EngineError, match="was lost with its Dask worker") as caught:
            held.get(timeout=PATIENCE_S)
        assert [each.get(timeout=PATIENCE_S) for each in others] == list(range(20))
        rc.wait_for_engines(2, timeout=PATIENCE_S)
        assert caught.value.engine_id not in rc.ids

    def test_a_task_of_a_killed_worker_is_retried(self, rc: Client, tmp_path: Path) -> None:
        entered, opened = tmp_path / "entered", tmp_path / "opened"
        held = rc.load_balanced_view(retries=1).apply_async(hold, str(entered), str(opened))
        os.kill(worker_of(entered), signal.SIGKILL)
        opened.touch()
        assert held.get(timeout=PATIENCE_S) == "held"

    def test_workers_join_and_leave(self, rc: Client, cluster: RunningCluster) -> None:
        cluster.scale(3)
        rc.wait_for_engines(3, timeout=PATIENCE_S)
        assert len(set(rc[:].apply_sync(os.getppid))) == 3
        cluster.scale(2)
        until(lambda: len(rc.ids) == 2)
        assert len(rc[:].apply_sync(os.getpid)) == 2

    def test_a_scheduler_that_is_restarted(self, tmp_path: Path) -> None:
        """Its workers end with it; what waits is done by those that come with the next one."""
        entered, opened = tmp_path / "entered", tmp_path / "opened"
        port = free_port()
        with (
            running_cluster(tmp_path, port) as first,
            Client(first.address, connect_timeout_s=PATIENCE_S) as rc,
        ):
            rc.wait_for_engines(2, timeout=PATIENCE_S)
            held = rc.load_balanced_view().apply_async(hold, str(entered), str(opened))
            worker_of(entered)
            contact = rc.session.backend._contact  # type: ignore[attr-defined]
            contact._timeout_s = contact._client._timeout = 1.0  # so that Dask's client gives up soon
            first.kill()
            with pytest.raises(EngineError):
                held.get(timeout=PATIENCE_S)
            until(lambda: not rc.session.engines)
            until(lambda: contact._client.status == "closed")
            waiting = rc.load_balanced_view().apply_async(abs, -1)
            with running_cluster(tmp_path, port):
                assert waiting.get(timeout=PATIENCE_S) == 1

    def test_engines_end_with_their_client(self, cluster: RunningCluster) -> None:
        with Client(cluster.address, connect_timeout_s=PATIENCE_S) as rc:
            engines = rc[:].apply_sync(os.getpid)
        until(lambda: not any(os.path.exists(f"/proc/{each}") for each in engines))


class TestObjects:
    def test_a_cluster_object_is_left_as_it_was(self, here: Any) -> None:
        scheduler = here.scheduler

        def look() -> tuple[Any, ...]:
            return set(scheduler.clients), set(scheduler.workers), set(scheduler.plugins), dict(here.scheduler_info)

        before = look()
        with Client(here) as rc:
            assert rc.ids == [0]
            assert rc[0].apply_sync(os.getppid) == os.getpid()
        until(lambda: look()[:3] == before[:3])
        assert look()[3]["workers"].keys() == before[3]["workers"].keys()
        with distributed.Client(here, set_as_default=False) as dask:
            assert dask.submit(abs, -1).result() == 1

    def test_a_client_of_dask(self, here: Any) -> None:
        with distributed.Client(here, set_as_default=False) as dask:
            with Client(dask) as rc:
                assert rc[0].apply_sync(abs, -2) == 2
            assert dask.submit(abs, -1).result() == 1

    def test_a_cluster_of_threads(self, tmp_path: Path) -> None:
        """Its workers are in this process and never speak over a socket; the engines are processes all the same."""
        with (
            LocalCluster(
                n_workers=2, processes=False, dashboard_address="127.0.0.1:0", local_directory=str(tmp_path)
            ) as threads,
            Client(threads) as rc,
        ):
            assert threads.scheduler_address.startswith("inproc://")
            assert os.getpid() not in rc[:].apply_sync(os.getpid)
            assert rc.load_balanced_view().apply_sync(bytes, b"x" * 2_000_000) == b"x" * 2_000_000

    def test_by_the_name_of_the_argument(self, here: Any) -> None:
        with Client(cluster=here) as rc:
            assert rc.ids == [0]

    def test_another_version_is_named(self, here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        theirs = "Python {} and Gangline {}".format(*relay.versions())
        monkeypatch.setattr(contact, "versions", lambda: ("2.7", "0.0.1"))
        with pytest.raises(BackendError, match=f"worker .* has {theirs}, but this client has Python 2.7"):
            Client(here)

    def test_a_worker_without_gangline_is_named(self, here: Any) -> None:
        program = f"""
import sys
sys.modules["gangline"] = None
from distributed.cli.dask_worker import main
main(["{here.scheduler_address}", "--no-nanny", "--name", "bare", "--no-dashboard"])
"""
        with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as worker:
            try:
                until(lambda: len(here.scheduler.workers) == 2)
                with pytest.raises(BackendError, match=r"worker bare at tcp.* has no Gangline that could be used"):
                    Client(here)
            finally:
                worker.terminate()


class TestThatCannotBeReached:
    def test_nobody_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        with pytest.raises(ClusterUnreachable, match=f"the Dask scheduler at tcp://127.0.0.1:{port} cannot be reached"):
            Client(f"tcp://127.0.0.1:{port}", connect_timeout_s=0.5)

    def test_somebody_else_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            port = mute.getsockname()[1]
            with pytest.raises(ClusterUnreachable, match="cannot be reached"):
                Client(f"tcp://127.0.0.1:{port}", connect_timeout_s=0.5)

    def test_a_wrong_certificate(self) -> None:
        with (
            LocalCluster(
                n_workers=0, host="127.0.0.1", security=True, dashboard_address="127.0.0.1:0", silence_logs=50
            ) as guarded,
            pytest.raises(ClusterUnreachable, match="cannot be reached"),
        ):
            Client(guarded.scheduler_address, security=distributed.Security.temporary(), connect_timeout_s=0.5)

    @pytest.mark.parametrize("what", [42, "somewhere", object()])
    def test_what_is_no_cluster(self, what: Any) -> None:
        with pytest.raises(UsageError, match="no Dask cluster"):
            Client(what)
