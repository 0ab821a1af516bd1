import asyncio
import threading

import pytest

from gangline.errors import EngineError, SessionClosed, UsageError
from gangline.views import Cluster


def hold_for_ever():
    threading.Event().wait()


@pytest.fixture
def cluster():
    cluster = Cluster(n=1, engines="threads")
    yield cluster
    cluster.stop_cluster_sync()


def test_as_a_context():
    with Cluster(n=2, engines="threads") as rc:
        assert rc[:].apply_sync(abs, -1) == [1, 1]
        assert rc.cluster.engine_set.n == 2
        assert rc.wait_for_engines() is None
    assert rc.closed
    with pytest.raises(SessionClosed):
        rc[:].apply(abs, -1)


def test_as_a_context_that_is_awaited():
    async def main():
        async with Cluster(n=1, engines="threads") as rc:
            return await rc[0].apply_async(abs, -2)

    assert asyncio.run(main()) == 2


def test_steps(cluster):
    assert cluster.engine_set is None
    assert cluster.start_cluster_sync() is cluster
    rc = cluster.connect_client_sync()
    assert rc.cluster is cluster
    assert rc.ids == [0]
    second = cluster.start_engines_sync(2)
    assert rc.ids == [0, 1, 2]
    assert cluster.engines[second].ids == {1, 2}
    assert cluster.engines_asked_for == 3
    cluster.stop_engines_sync(second)
    assert rc.ids == [0]
    rc.close()
    other = cluster.connect_client_sync()
    assert other.ids == [0]
    assert "running" in repr(cluster)
    cluster.stop_cluster_sync()
    assert "stopped" in repr(cluster)
    assert cluster.controller is None


def test_every_action_can_be_awaited(cluster):
    async def main():
        rc = await cluster.start_and_connect(n=1)
        added = await cluster.start_engines(1, "mine")
        await cluster.restart_engines(added)
        await cluster.restart_engine(rc.ids[0])
        ids = rc.ids
        await cluster.stop_engine(ids[0])
        await cluster.stop_engines()
        left = rc.ids
        await cluster.stop_cluster()
        return added, ids, left

    added, ids, left = asyncio.run(main())
    assert (added, left) == ("mine", [])
    assert len(ids) == 2


def test_restart_empties_namespaces_and_numbers_anew(cluster):
    rc = cluster.start_and_connect_sync()
    rc[0].push({"a": 1}, block=True)
    cluster.restart_engines_sync()
    assert rc.ids == [1]
    with pytest.raises(NameError, match="restart"):
        rc[1]["a"]


def test_an_engine_that_dies_is_replaced_in_its_set():
    with Cluster(n=1) as rc:
        rc._session.kill_engine(0)
        assert rc._session.wait_for(lambda: rc.cluster.engine_set.ids == {1}, 60)


def test_a_busy_set_is_stopped_too(monkeypatch, until):
    monkeypatch.setattr("gangline.views.cluster._GENTLE_S", 0.05)
    with Cluster(n=1) as rc:
        busy = rc.cluster.start_engines_sync(1)
        held = rc[1].apply_async(hold_for_ever)
        until(held.running)
        rc.cluster.stop_engines_sync(busy)
        assert rc.ids == [0]
        with pytest.raises(EngineError):
            held.get(timeout=60)


def test_new_engines_after_all_were_shut_down(cluster):
    rc = cluster.start_and_connect_sync()
    rc.shutdown(block=True)
    waiting = rc.load_balanced_view().apply_async(abs, -5)
    assert not waiting.ready()
    cluster.start_engines_sync(1)
    assert waiting.get(timeout=60) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [({"engines": "slurm"}, "slurm"), ({"shutdown_atexit": False}, "shutdown_atexit"), ({"scheme": "best"}, "best")],
)
def test_what_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        Cluster(**options)


def test_wrong_calls(cluster):
    with pytest.raises(UsageError, match="does not run"):
        cluster.connect_client_sync()
    cluster.start_cluster_sync()
    for call in (
        cluster.start_controller_sync,
        lambda: cluster.stop_engines_sync("no such set"),
        lambda: cluster.start_engines_sync(1, cluster.engine_set.engine_set_id),
        lambda: cluster.stop_engine_sync(9),
    ):
        with pytest.raises(UsageError):
            call()


def test_options_of_other_clusters_are_taken():
    Cluster(n=1, controller="local", delay=0, controller_ip="*", log_level=30)
