import gc
import os
import select
import weakref

import pytest

from gangline.errors import BackendError, SessionClosed, UsageError, WaitTimeout
from gangline.views import Client, NoEnginesRegistered
from gangline.views.connection import UnknownEngine


class TestMaking:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"url_file": "/no/such/file.json"}, "it is no Dask cluster, nor its address"),
            ({"profile": "mpi"}, "profile 'mpi'"),
            ({"cluster_id": "x"}, "id 'x'"),
            ({"backend": "clouds"}, "inline, threads, processes"),
            ({"scheme": "best"}, "leastload"),
            ({"engines": -1}, "0 or more"),
        ],
    )
    def test_what_cannot_be(self, options, message):
        with pytest.raises(UsageError, match=message):
            Client(**options)

    def test_numbers_are_numbers(self):
        with pytest.raises(TypeError):
            Client(engines="two")

    def test_engines_that_cannot_start(self):
        with Client(engines=1, memory_limit_bytes=1) as rc, pytest.raises(BackendError, match="0 of 1 engines"):
            assert rc.ids

    def test_no_engines(self):
        with Client(engines=0, backend="threads") as rc:
            assert rc.ids == []
            assert rc
            for ask in (lambda: rc[:], lambda: rc[0], lambda: rc.direct_view("all").apply(int), rc.broadcast_view):
                with pytest.raises(NoEnginesRegistered, match="wait_for_engines"):
                    ask()
            waiting = rc.load_balanced_view().apply_async(int)
            assert not waiting.ready()

    def test_backends_by_object_and_their_options(self):
        from gangline.backends.threads import ThreadsBackend

        with Client(backend=ThreadsBackend(), n=1) as rc:
            assert rc[0].apply_sync(abs, -2) == 2
        with pytest.raises(UsageError, match="memory_limit_bytes"):
            Client(backend=ThreadsBackend(), memory_limit_bytes=1)


class TestEngines:
    def test_numbers(self, rc):
        assert rc.ids == [0, 1]
        assert len(rc) == 2
        assert [view.targets for view in rc] == [0, 1]

    @pytest.mark.parametrize(
        ("key", "targets"),
        [
            (0, 0),
            (-1, 1),
            (slice(None), [0, 1]),
            (slice(None, None, 2), [0]),
            (slice(5, 9), []),
            ([1, 0], [1, 0]),
            ((1,), [1]),
            (range(2), [0, 1]),
        ],
    )
    def test_indexing(self, rc, key, targets):
        assert rc[key].targets == targets

    @pytest.mark.parametrize("key", [9, -9, [0, 9]])
    def test_no_such_engine(self, rc, key):
        with pytest.raises(UnknownEngine, match="live engines: 0, 1") as caught:
            rc[key]
        assert isinstance(caught.value, IndexError)

    @pytest.mark.parametrize("key", ["all", "0", 1.5, None, {0: 1}])
    def test_not_an_index(self, rc, key):
        with pytest.raises(TypeError):
            rc[key]

    def test_an_engine_that_is_gone_is_named_with_the_reason(self, rc):
        rc.shutdown(targets=0, block=True)
        with pytest.raises(UnknownEngine, match=r"No such engine: 0 \(.*stopped.*\); live engines: 1"):
            rc[0].apply(int)

    def test_all_means_those_that_live_at_each_call(self, rc):
        everywhere, now = rc.direct_view("all"), rc[:]
        rc.shutdown(targets=[0], block=True)
        assert len(everywhere.apply_sync(int)) == 1
        with pytest.raises(UnknownEngine):
            now.apply_sync(int)

    def test_restart(self, rc):
        rc.shutdown(targets=[0], restart=True, block=True)
        rc.wait_for_engines(2, timeout=60)
        assert rc.ids == [1, 2]

    def test_waiting_for_engines(self, rc):
        assert rc.wait_for_engines(2) is None
        assert rc.wait_for_engines() is None
        assert rc.wait_for_engines(2, block=False).done()
        with pytest.raises(WaitTimeout, match="3 engines not ready"):
            rc.wait_for_engines(3, timeout=0.01)
        with pytest.raises(WaitTimeout):
            rc.wait_for_engines(3, timeout=0.01, block=False).result(60)
        later = rc.wait_for_engines(3, block=False)
        assert not later.done()
        rc._session.add_engines(1)
        assert later.result(60) is None


class TestHistory:
    def test_ids_in_order(self, rc):
        view = rc.load_balanced_view()
        results = [view.apply_async(int), rc[:].apply_async(int), view.apply_async(int)]
        ids = [msg_id for result in results for msg_id in result.msg_ids]
        assert rc.history == ids
        assert view.history == results[0].msg_ids + results[2].msg_ids
        assert rc.history[-1] == ids[-1]
        assert rc.history[1:3] == ids[1:3]
        assert rc.history.__add__(["x"]) == [*ids, "x"]
        assert repr(rc.history) == repr(ids)
        assert ids[0] in rc.history

    def test_outstanding(self, rc, gate):
        view, other = rc.load_balanced_view(), rc.load_balanced_view()
        done = other.apply_async(int)
        done.get(timeout=60)
        held = view.apply_async(gate.wait)
        assert rc.outstanding == view.outstanding == set(held.msg_ids)
        assert other.outstanding == set()
        gate.set()
        assert rc.wait(timeout=60)
        assert rc.outstanding == set()

    def test_results_and_metadata(self, rc):
        good, bad = rc[0].apply_async(abs, -3), rc[0].apply_async(abs)
        rc.wait()
        assert rc.results[good.msg_ids[0]] == 3
        assert isinstance(rc.results[bad.msg_ids[0]], TypeError)
        assert rc.metadata[good.msg_ids[0]]["engine_id"] == 0
        assert set(rc.results) == set(rc.metadata) == set(rc.history)
        with pytest.raises(KeyError):
            rc.results["unknown"]


class TestEnd:
    def test_use_after_close(self):
        rc = Client(engines=1, backend="threads")
        view = rc.load_balanced_view()
        rc.close()
        rc.close()
        for use in (lambda: view.apply(int), lambda: view.map_sync(abs, [1]), lambda: rc[:], lambda: rc[0]):
            with pytest.raises(SessionClosed):
                use()
        assert rc.closed
        assert "closed" in repr(rc)

    def test_closed_by_shutdown_of_the_hub(self):
        rc = Client(engines=1, backend="threads")
        rc.shutdown(hub=True)
        assert rc.closed

    def test_dropped(self):
        rc = Client(engines=1)
        pid = rc[0].apply_sync(os.getpid)
        engine, gone = os.pidfd_open(pid), weakref.ref(rc)
        del rc
        gc.collect()
        assert gone() is None
        ended, _, _ = select.select([engine], [], [], 60)
        assert ended
        os.close(engine)
