"""Large data goes from engine to engine, and past the client, where a result or an object elsewhere is an argument."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import distributed
import numpy as np
import pytest

from gangline import Client
from gangline.views import AsyncResult, ImpossibleDependency, Reference
from gangline.views.error import EngineError, TaskAborted
from tests.dask_clusters import RunningCluster, running_cluster

PATIENCE_S = 60.0
LARGE = 1_000_000
"""Numbers in an array of 8 MB."""
SMALL_BYTES = 500_000
"""What the client may see at most of such an array."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.scale(3)
        yield cluster


@pytest.fixture(scope="module")
def shared(cluster: RunningCluster) -> Iterator[Client]:
    with Client(cluster.address, connect_timeout_s=PATIENCE_S) as client:
        client.wait_for_engines(3, timeout=PATIENCE_S)
        client[:].execute("import numpy", block=True)
        yield client


@pytest.fixture
def rc(shared: Client) -> Client:
    """A client of three workers, shared by tests that leave it whole."""
    shared.wait_for_engines(3, timeout=PATIENCE_S)
    return shared


@pytest.fixture(scope="module")
def dask(cluster: RunningCluster) -> Iterator[distributed.Client]:
    """What looks into the workers."""
    with distributed.Client(cluster.address, set_as_default=False) as client:
        yield client


def until(question: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < end
        time.sleep(0.01)


def make(opened: str = "", first: float = 1.0) -> Any:
    """An array; if a path is given, as soon as there is something."""
    while opened and not os.path.exists(opened):
        time.sleep(0.002)
    array = np.zeros(LARGE)
    array[0] = first
    return array


def use(array: Any, more: float = 0.0) -> float:
    """Looks at an array, and writes to it: what is kept must not change by that."""
    array[0] += more
    array[1:] += 1.0
    return float(array[0] + array[-1])


class Gate:
    """Holds tasks up until it is known what becomes of their results; open at the latest when the test is over."""

    def __init__(self, path: Path, dask: distributed.Client) -> None:
        self._path = path
        self._dask = dask
        self._made: list[AsyncResult] = []

    def make(self, view: Any, first: float = 1.0) -> AsyncResult:
        """Begin to make an array."""
        made: AsyncResult = view.apply_async(make, str(self._path), first)
        self._made.append(made)
        return made

    def open(self) -> None:
        """Let the tasks go on, now that their workers know that their results are to be kept."""

        def look() -> int:
            from gangline.backends.dask.larder import _larders

            return sum(len(tasks) for each in _larders.values() for tasks in each._wishes.values())

        sent = [engine for made in self._made for engine in np.atleast_1d(made.engine_id) if engine is not None]
        self._made.clear()
        until(lambda: sum(self._dask.run(look).values()) >= len(sent))
        self._path.touch()

    def close(self) -> None:
        """Let none wait for ever."""
        self._path.touch()

    def keep(self, view: Any) -> AsyncResult:
        """An array that was made and is kept."""
        made = self.make(view).keep()
        self.open()
        assert made.wait(timeout=PATIENCE_S)
        return made


@pytest.fixture
def gate(tmp_path: Path, dask: distributed.Client) -> Iterator[Gate]:
    gate = Gate(tmp_path / "open", dask)
    yield gate
    gate.close()


def kept(dask: distributed.Client) -> dict[str, tuple[int, int]]:
    """For each worker: how many results it keeps, and of how many it has copies."""

    def look() -> tuple[int, int]:
        from gangline.backends.dask.larder import _larders

        return sum(len(each._results) for each in _larders.values()), sum(
            len(each._copies) for each in _larders.values()
        )

    counts: dict[str, tuple[int, int]] = dask.run(look)
    return counts


def let_go(dask: distributed.Client) -> None:
    """Wait until the workers keep nothing, now that nobody has a result that they might."""
    until(lambda: gc.collect() >= 0 and set(kept(dask).values()) == {(0, 0)})


def traffic(rc: Client) -> int:
    """Bytes that have come to the client and gone from it, by what the system says of its connections to workers."""
    total = 0
    for link in rc.session.backend._links:  # type: ignore[attr-defined]
        info = link.comm.stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 136)
        total += sum(struct.unpack_from("=QQ", info, 120))  # tcpi_bytes_acked, tcpi_bytes_received
    return total


@contextmanager
def past_the_client(rc: Client) -> Iterator[None]:
    """Where this ends, no array may have come by here."""
    before = traffic(rc)
    yield
    assert traffic(rc) - before < SMALL_BYTES


def worker_of(rc: Client, engine: int) -> int:
    """The process of the worker of an engine."""
    pid: int = rc[engine].apply_sync(os.getppid)
    return pid


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A worker that does not answer for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class TestPastTheClient:
    def test_a_result_of_another_task(self, rc: Client, gate: Gate) -> None:
        with past_the_client(rc):
            made = gate.make(rc[0])
            used = rc[1].apply_async(use, made)
            gate.open()
            assert used.get(timeout=PATIENCE_S) == 2.0
            assert rc[1].apply_async(use, made, 5.0).get(timeout=PATIENCE_S) == 7.0
            assert rc[0].apply_async(use, made).get(timeout=PATIENCE_S) == 2.0
        array = made.get(timeout=PATIENCE_S)
        assert array is made.get()
        assert use(array) == 2.0

    def test_results_inside_others_and_beside_others(self, rc: Client, gate: Gate) -> None:
        other = np.ones(LARGE)
        before = traffic(rc)
        made = [gate.make(rc[engine], engine) for engine in (0, 1)]
        both = rc[2].apply_async(
            lambda arrays, more, other: [use(a) for a in (*arrays, more["m"], other)], made, {"m": made[1]}, other
        )
        gate.open()
        assert both.get(timeout=PATIENCE_S) == [1.0, 2.0, 3.0, 3.0]  # it is one object within a call
        assert traffic(rc) - before < other.nbytes + SMALL_BYTES

    def test_a_chain_over_any_engines(self, rc: Client, gate: Gate) -> None:
        def grow(array: Any) -> Any:
            array[0] += 1.0
            return array

        view = rc.load_balanced_view()
        with past_the_client(rc):
            arrays = [gate.make(view)]
            for _ in range(5):
                arrays.append(view.apply_async(grow, arrays[-1]))
            used = view.apply_async(use, arrays[-1])
            gate.open()
            assert used.get(timeout=PATIENCE_S) == 7.0

    def test_a_result_of_a_direct_view(self, rc: Client, gate: Gate) -> None:
        with past_the_client(rc):
            made = gate.make(rc[:])
            total = rc.load_balanced_view().apply_async(lambda arrays: sum(map(use, arrays)), made)
            gate.open()
            assert total.get(timeout=PATIENCE_S) == 6.0
        assert [use(array) for array in made.get(timeout=PATIENCE_S)] == [2.0] * 3

    def test_that_was_kept_on_request(self, rc: Client, gate: Gate) -> None:
        with past_the_client(rc):
            made = gate.keep(rc[0])
            assert rc[1].apply_async(use, made).get(timeout=PATIENCE_S) == 2.0
        assert use(made.get(timeout=PATIENCE_S)) == 2.0

    def test_what_was_kept_is_awaited_and_asked_for_in_callbacks(self, rc: Client) -> None:
        seen: SimpleQueue[float] = SimpleQueue()
        rc[0].apply_async(make).keep().add_done_callback(lambda future: seen.put(use(future.result())))
        assert seen.get(timeout=PATIENCE_S) == 2.0

        async def main() -> float:
            return use(await rc[0].apply_async(make).keep())

        assert asyncio.run(main()) == 2.0

    def test_an_object_of_another_engine(self, rc: Client) -> None:
        rc[0].push({"size": LARGE}, block=True)
        rc[0].execute("import numpy; a = numpy.ones(size)", block=True)
        with past_the_client(rc):
            assert rc[1].apply_async(use, Reference("a", 0)).get(timeout=PATIENCE_S) == 3.0
            rc[2].push({"b": Reference("a", 0)})
            assert rc[2].apply_async(use, Reference("b")).get(timeout=PATIENCE_S) == 3.0
        assert rc[0].apply_sync(use, Reference("a")) == 3.0

    def test_it_comes_here_as_ever_when_nobody_else_needs_it(self, rc: Client, dask: distributed.Client) -> None:
        let_go(dask)
        made = rc[0].apply_async(make)
        made.wait(timeout=PATIENCE_S)
        assert set(kept(dask).values()) == {(0, 0)}
        assert use(made.get()) == 2.0

    def test_small_results_come_here(self, rc: Client, dask: distributed.Client) -> None:
        let_go(dask)
        first = rc[0].apply_async(abs, -3)
        assert rc[1].apply_async(pow, first, 2).get(timeout=PATIENCE_S) == 9
        assert set(kept(dask).values()) == {(0, 0)}

    def test_on_a_cluster_of_its_own(self) -> None:
        """There all that goes between workers is encrypted."""
        with Client(backend="dask", n=2) as rc:
            made = rc[0].apply_async(make)
            assert rc[1].apply_async(use, made).get(timeout=PATIENCE_S) == 2.0
            assert use(made.get(timeout=PATIENCE_S)) == 2.0


class TestOrder:
    def test_what_is_behind_a_task_that_waits_for_data_stays_behind_it(self, rc: Client, gate: Gate) -> None:
        made = gate.keep(rc[0])
        with stopped(worker_of(rc, 0)):
            rc[1].push({"a": made})
            rc[1].execute("b = a[0] + 1.0")
            b = rc[1].pull("b", block=False)
            time.sleep(0.2)
            assert not b.done()
        assert b.get(timeout=PATIENCE_S) == 2.0

    def test_engines_work_while_data_comes(self, rc: Client, gate: Gate) -> None:
        """Those that do not wait for it; and what waits can be taken back."""
        made = gate.keep(rc[0])
        with stopped(worker_of(rc, 0)):
            waiting = [rc[1].apply_async(use, made) for _ in range(3)]
            assert rc[2].apply_async(abs, -1).get(timeout=PATIENCE_S) == 1
            rc.abort(waiting[0], interrupt=True)
            assert waiting[2].cancel()
            with pytest.raises(TaskAborted):
                waiting[0].get(timeout=PATIENCE_S)
        assert waiting[1].get(timeout=PATIENCE_S) == 2.0


class TestMemory:
    def test_copies_are_fetched_once_and_go_with_the_result(
        self, rc: Client, gate: Gate, dask: distributed.Client
    ) -> None:
        let_go(dask)
        first, second, _ = rc.ids
        made = gate.make(rc[first])
        results = [rc[second].apply_async(use, made) for _ in range(5)]
        gate.open()
        assert [each.get(timeout=PATIENCE_S) for each in results] == [2.0] * 5
        assert sorted(kept(dask).values()) == [(0, 0), (0, 1), (1, 0)]
        again = rc.resubmit(results[0].msg_ids)
        assert again.get(timeout=PATIENCE_S) == [2.0]
        del made
        let_go(dask)
        with pytest.raises(EngineError, match="is not kept any more"):
            rc.resubmit(results[0].msg_ids).get(timeout=PATIENCE_S)

    def test_a_task_is_remembered_as_long_as_somebody_has_its_result(self, rc: Client, gate: Gate) -> None:
        made = gate.keep(rc[rc.ids[0]])
        (msg_id,) = made.msg_ids
        assert use(rc.get_result(msg_id).get(timeout=PATIENCE_S)) == 2.0
        del made
        until(lambda: gc.collect() >= 0 and msg_id not in rc.results)

    def test_after_a_thousand_tasks_nothing_is_left(self, rc: Client, dask: distributed.Client) -> None:
        view = rc.load_balanced_view()

        def memory() -> int:
            return sum(dask.run(lambda dask_worker: dask_worker.monitor.proc.memory_info().rss).values())

        def run(count: int) -> None:
            for _ in range(count // 50):
                made = [view.apply_async(np.ones, 50_000) for _ in range(25)]
                used = [view.apply_async(lambda a: float(a[0]), each) for each in made]
                assert [each.get(timeout=PATIENCE_S) for each in used] == [1.0] * 25

        run(200)
        before = memory()
        run(1_000)
        let_go(dask)
        assert memory() - before < 100 * 400_000
        assert not rc.session.backend._wishes  # type: ignore[attr-defined]

    def test_what_there_is_no_room_for_comes_here(self, rc: Client, gate: Gate, dask: distributed.Client) -> None:
        let_go(dask)

        def fill(dask_worker: Any, room_bytes: int) -> None:
            from gangline.backends.dask.larder import _larders

            for each in _larders.values():
                each._room_bytes = room_bytes

        first, second, _ = rc.ids
        dask.run(fill, room_bytes=10_000_000)
        made = [gate.make(rc[first]) for _ in range(3)]
        used = [rc[second].apply_async(use, each) for each in made]
        gate.open()
        assert [each.get(timeout=PATIENCE_S) for each in used] == [2.0] * 3
        assert sum(results for results, _ in kept(dask).values()) == 1
        assert max(copies for _, copies in kept(dask).values()) <= 1
        assert [use(each.get(timeout=PATIENCE_S)) for each in made] == [2.0] * 3
        dask.run(fill, room_bytes=1_000_000_000)


class TestEnds:
    @pytest.fixture
    def rc(self, cluster: RunningCluster) -> Iterator[Client]:
        """A client of its own."""
        with Client(cluster.address, connect_timeout_s=PATIENCE_S) as client:
            client.wait_for_engines(3, timeout=PATIENCE_S)
            yield client

    def test_an_engine_that_dies_takes_no_result_with_it(self, rc: Client, gate: Gate) -> None:
        made = gate.keep(rc[0])
        os.kill(rc[0].apply_sync(os.getpid), signal.SIGKILL)
        assert rc[1].apply_async(use, made).get(timeout=PATIENCE_S) == 2.0
        assert use(made.get(timeout=PATIENCE_S)) == 2.0

    def test_a_worker_that_dies_does(self, rc: Client, gate: Gate) -> None:
        first, second, _ = rc.ids
        made, unseen = gate.make(rc[first]).keep(), gate.make(rc[first]).keep()
        gate.open()
        assert rc.wait([made, unseen], timeout=PATIENCE_S)
        there = rc.load_balanced_view(targets=[second])
        assert there.apply_async(use, made).get(timeout=PATIENCE_S) == 2.0
        os.kill(worker_of(rc, first), signal.SIGKILL)
        until(lambda: first not in rc.ids)
        lost = r"the result of task \d+ \(8,000,\d+ bytes\), kept by the Dask worker at tcp://.*, was lost with it"
        for call in (unseen, there.apply_async(use, unseen), there.apply_async(len, [made, unseen])):
            with pytest.raises(EngineError, match=lost):
                call.get(timeout=PATIENCE_S)
        rc.wait_for_engines(3, timeout=PATIENCE_S)

    def test_a_worker_that_dies_while_it_sends(self, rc: Client, gate: Gate) -> None:
        first, second, third = rc.ids
        made = gate.keep(rc[first])
        pid = worker_of(rc, first)
        with stopped(pid):
            direct = rc[second].apply_async(use, made)
            with rc.load_balanced_view(targets=[third]).temp_flags(retries=2) as view:
                retried = view.apply_async(use, made)
            asked = AsyncResult.join(made, made)
            until(lambda: rc.queue_status()[second]["queue"] and rc.queue_status()[third]["tasks"])
            os.kill(pid, signal.SIGKILL)
        for call in direct, retried, asked:
            with pytest.raises(EngineError, match="kept by the Dask worker at tcp://"):
                call.get(timeout=PATIENCE_S)
        rc.wait_for_engines(3, timeout=PATIENCE_S)

    def test_the_engine_that_data_comes_to_dies(self, rc: Client, gate: Gate) -> None:
        """Its task has not begun, and goes elsewhere; one that belongs there ends with it."""
        first, second, third = rc.ids
        made = gate.keep(rc[first])
        engine = rc[second].apply_sync(os.getpid)
        with stopped(worker_of(rc, first)):
            free = rc.load_balanced_view(targets=[second, third]).apply_async(use, made)
            bound = rc[second].apply_async(use, made)
            until(lambda: rc.queue_status()[second]["queue"])
            os.kill(engine, signal.SIGKILL)
            with pytest.raises(EngineError):
                bound.get(timeout=PATIENCE_S)
        assert free.get(timeout=PATIENCE_S) == 2.0

    def test_the_worker_that_data_comes_to_dies(self, rc: Client, gate: Gate) -> None:
        first, second, third = rc.ids
        made = gate.keep(rc[first])
        target = worker_of(rc, second)
        with stopped(worker_of(rc, first)):
            call = rc.load_balanced_view(targets=[second, third], retries=1).apply_async(use, made)
            os.kill(target, signal.SIGKILL)
        assert call.get(timeout=PATIENCE_S) == 2.0
        rc.wait_for_engines(3, timeout=PATIENCE_S)

    def test_the_client_ends(self, gate: Gate, cluster: RunningCluster, dask: distributed.Client) -> None:
        with Client(cluster.address, connect_timeout_s=PATIENCE_S) as rc:
            rc.wait_for_engines(3, timeout=PATIENCE_S)
            made = gate.make(rc[0])
            used = rc[1].apply_async(use, made)
            gate.open()
            assert used.get(timeout=PATIENCE_S) == 2.0
        with pytest.raises(EngineError, match="before its client was closed"):
            made.get(timeout=PATIENCE_S)
        let_go(dask)

    def test_a_task_that_fails(self, rc: Client) -> None:
        failing = rc[0].apply_async(make, "", "no number").keep()
        with pytest.raises(ImpossibleDependency):
            rc[1].apply_async(use, failing).get(timeout=PATIENCE_S)
        with pytest.raises(ValueError, match="could not convert"):
            failing.get(timeout=PATIENCE_S)
