import datetime

import pytest

from gangline.errors import UsageError
from gangline.views import AsyncHubResult, Cluster
from gangline.views.results import OutstandingTasks, UnknownTask


def fail():
    raise ValueError("no")


class TestGetResult:
    def test_by_id_by_place_and_by_result(self, rc):
        first, second = rc[0].apply_async(abs, -1), rc[:].apply_async(abs, -2)
        assert rc.get_result(first.msg_ids[0]).get(timeout=60) == 1
        assert rc.get_result(0).get(timeout=60) == 1
        assert rc.get_result().get(timeout=60) == 2
        assert rc.get_result(second.msg_ids).get(timeout=60) == [2, 2]
        assert rc.get_result([first, *second.msg_ids]).get(timeout=60) == [1, 2, 2]
        assert rc.get_result(second) is second
        assert rc[0].apply_async(abs, -3) is not None

    def test_views_count_in_their_own_history(self, rc):
        view = rc.load_balanced_view()
        mine = view.apply_async(abs, -1)
        rc[0].apply_sync(abs, -2)
        assert view.get_result().get(timeout=60) == 1
        assert view.get_result([0]).msg_ids == mine.msg_ids

    @pytest.mark.parametrize("job", [1.5, {1: 2}, [None]])
    def test_not_a_task(self, rc, job):
        with pytest.raises(TypeError):
            rc.get_result(job)

    def test_unknown(self, rc):
        with pytest.raises(UnknownTask, match="nonsense"):
            rc.get_result("nonsense")
        with pytest.raises(KeyError):
            rc.get_result(["nonsense"])

    def test_of_another_client(self):
        with Cluster(n=1, engines="threads") as first:
            second = first.cluster.connect_client_sync()
            ar = first[0].apply_async(abs, -1)
            assert type(second.get_result(ar.msg_ids[0])) is AsyncHubResult
            assert type(second.get_result(ar.msg_ids[0])) is not AsyncHubResult
            assert second.get_result(ar).get(timeout=60) == 1
            assert second.history == []


class TestResubmit:
    def test_a_new_task_under_the_same_terms(self, rc):
        view = rc.load_balanced_view(retries=2, label="again")
        ar = view.apply_async(abs, -4)
        rc.wait(ar)
        again = rc.resubmit(ar)
        assert again.get(timeout=60) == [4]
        assert again.msg_ids != ar.msg_ids
        assert again._handles[0].terms is ar._handles[0].terms
        assert rc.history == ar.msg_ids + again.msg_ids

    def test_pending_is_refused(self, rc, gate):
        held = rc[0].apply_async(gate.wait)
        with pytest.raises(UsageError, match=held.msg_ids[0]):
            rc.resubmit(held)


class TestStatus:
    def test_lists(self, rc, gate):
        done, held = rc[0].apply_async(abs, -1), rc[1].apply_async(gate.wait)
        rc.wait(done)
        status = rc.result_status([done, held])
        assert (status["completed"], status["pending"]) == (done.msg_ids, held.msg_ids)

    def test_results(self, rc):
        done, bad = rc[0].apply_async(abs, -1), rc[0].apply_async(fail)
        rc.wait()
        assert rc.result_status(done, status_only=False)[done.msg_ids[0]] == 1
        with pytest.raises(ValueError, match="no"):
            rc.result_status(bad, status_only=False)


class TestRecords:
    def test_fields(self, rc):
        rc.load_balanced_view(label="L", retries=1).apply_sync(abs, -1)
        bad = rc[0].apply_async(fail)
        rc.wait()
        good, wrong = rc.db_query({})
        assert (good["label"], good["queue"], wrong["queue"]) == ("L", "task", "mux")
        assert good["metadata"]["retries"] == 1
        assert good["submitted"] <= good["started"] <= good["completed"] <= good["received"]
        assert "buffers" not in good
        assert wrong["result_content"]["ename"] == "ValueError"
        assert wrong["msg_id"] == bad.msg_ids[0]

    def test_tests(self, rc):
        before = datetime.datetime.now().astimezone()
        ids = [rc[0].apply_async(abs, n).msg_ids[0] for n in range(4)]
        rc.wait()

        def found(**query):
            return [record["msg_id"] for record in rc.db_query(query, keys=[])]

        assert found(msg_id=ids[0]) == ids[:1]
        assert found(msg_id={"$in": ids[1:3]}) == ids[1:3]
        assert found(msg_id={"$nin": ids[1:3]}) == [ids[0], ids[3]]
        assert found(msg_id={"$ne": ids[0]}) == ids[1:]
        assert found(msg_id={"$glob": "*_2"}) == ids[2:3]
        without_zone = datetime.datetime(2999, 1, 1)  # noqa: DTZ001  taken as local time
        assert found(submitted={"$gte": before, "$lt": without_zone}) == ids
        assert found(submitted={"$lt": before}) == []
        assert found(completed={"$exists": True}) == ids
        assert found(nonsense={"$exists": True}) == []

    def test_chosen_fields(self, rc):
        rc[0].apply_sync(abs, -1)
        assert [set(record) for record in rc.db_query({}, keys="submitted")] == [{"msg_id", "submitted"}]
        assert rc.db_query({}, keys=["result_buffers"])[0]["result_buffers"] == [1]

    def test_wrong_queries(self, rc):
        rc[0].apply_sync(abs, -1)
        with pytest.raises(UsageError, match=r"\$near"):
            rc.db_query({"submitted": {"$near": 1}})
        with pytest.raises(UsageError, match="colour"):
            rc.db_query({}, keys=["colour"])

    def test_code_is_kept(self, rc):
        rc[0].execute("a = 1", block=True)
        (record,) = rc.db_query({})
        assert record["execute_input"] == "a = 1"
        assert record["header"]["msg_type"] == "execute_request"


class TestPurge:
    def test_some(self, rc):
        ids = [rc[n % 2].apply_async(abs, n).msg_ids[0] for n in range(4)]
        rc.wait()
        rc.purge_results(ids[0])
        assert rc.hub_history() == ids[1:]
        rc.purge_results(targets=[1])
        assert rc.hub_history() == ids[2:3]
        with pytest.raises(UnknownTask):
            rc.get_result(ids[0])

    def test_local_ones_can_be_had_again(self, rc):
        ids = [rc[0].apply_async(abs, n).msg_ids[0] for n in range(3)]
        rc.wait()
        rc.purge_local_results(ids[0])
        assert list(rc.results) == list(rc.metadata) == ids[1:]
        rc.purge_local_results("all")
        assert dict(rc.results) == {}
        assert rc.get_result(ids).get(timeout=60) == [0, 1, 2]
        assert rc.hub_history() == ids

    def test_everything(self, rc):
        rc[:].map_sync(abs, range(10))
        rc.purge_everything()
        assert (rc.history, rc.hub_history(), dict(rc.results), dict(rc.metadata)) == ([], [], {}, {})
        assert rc[0].apply_sync(abs, -1) == 1

    def test_outstanding_is_refused(self, rc, gate):
        held = rc[0].apply_async(gate.wait)
        for purge in (rc.purge_everything, lambda: rc.purge_results(held), lambda: rc.purge_local_results("all")):
            with pytest.raises(OutstandingTasks) as caught:
                purge()
            assert isinstance(caught.value, RuntimeError)

    @pytest.mark.parametrize("purge", ["purge_results", "purge_local_results", "purge_hub_results"])
    def test_nothing_named(self, rc, purge):
        with pytest.raises(ValueError, match="jobs and targets"):
            getattr(rc, purge)()
