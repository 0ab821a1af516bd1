"""The queue as users have it in hand, on a real store."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gangline.queue import (
    Configuration,
    JobExists,
    Queue,
    State,
    StoreError,
    StoreUnavailable,
    UsageError,
    WaitTimeout,
    enqueue,
)
from gangline.queue.compatibility import Config
from gangline.queue.link import ClaimInfo
from gangline.queue.naming import load_class
from gangline.store.jobs.port import Ending
from tests.integration.queue_front.running import Hands
from tests.integration.queue_store.conftest import emptied


def test_a_job_that_was_entered(queue, shop):
    number = queue.enqueue(shop.Add, a=1)
    job = queue.get(number)
    assert (job.id, job._id, job.name, job.args, job.state) == (number, number, "shop.Add", {"a": 1}, "pending")
    assert (job.folder, job.max_parallel, job.attempts_left, job.trial) == (os.getcwd(), 2, 1, 0)
    assert abs(job.enqueued.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert job["enqueued"]["host"] == job.enqueued.host != ""
    assert job["_id"] == number
    assert not job.final
    with pytest.raises(KeyError):
        job["nothing"]
    assert job.to_json()["enqueued"]["at"].startswith(str(job.enqueued.at.year))


def test_by_name_it_is_the_same(queue, shop):
    number = queue.enqueue("shop.Add", a=1)
    with pytest.raises(JobExists) as caught:
        queue.enqueue(shop.Add, a=1)
    assert caught.value.job == number
    again = queue.enqueue(shop.Add, a=1, unique=False)
    assert again != number
    assert queue.count() == 2


def test_a_name_that_is_not_known_here_is_entered_with_a_warning(queue, caplog):
    job = queue.get(queue.enqueue("nowhere.Thing", a=1, priority=3))
    assert (job.name, job.folder, job.priority) == ("nowhere.Thing", "", 3)
    assert "nowhere.Thing cannot be imported here" in caplog.text


def test_arguments_that_are_no_json_are_refused_and_named(queue, shop):
    with pytest.raises(UsageError, match=r"shop.Add: the argument a\[1\] is a set"):
        queue.enqueue(shop.Add, a=[1, {2}])
    assert queue.count() == 0


def test_many_all_or_none(queue, shop):
    assert queue.enqueue_many(shop.Add, []) == []
    ids = queue.enqueue_many(shop.Add, [{"a": n} for n in range(500)], priority=2)
    assert all(later > earlier for earlier, later in pairwise(ids))
    assert queue.count({"priority": 2}) == 500
    with pytest.raises(JobExists) as caught:
        queue.enqueue_many(shop.Add, [{"a": 1000}, {"a": 7}])
    assert caught.value.job == ids[7]
    with pytest.raises(UsageError, match="the argument a is a set"):
        queue.enqueue_many(shop.Add, [{"a": 1000}, {"a": {1}}])
    with pytest.raises(UsageError, match="'b' is no property of jobs"):
        queue.enqueue_many(shop.Add, [{"a": 1000}], b=1)
    with pytest.raises(UsageError, match="give a list"):
        queue.enqueue_many(shop.Add, {"a": 1000})
    assert queue.count() == 500


def test_filters(queue, shop):
    for number in range(5):
        queue.enqueue(shop.Add, a=number, b={"deep": str(number)}, priority=number)
    found = queue.find({"args.a": {"$gte": 1, "$lt": 4}, "$or": [{"args.b.deep": "1"}, {"priority": {"$in": [2]}}]})
    assert [job.args["a"] for job in found] == [1, 2]
    assert [job.args["a"] for job in queue.find(order="-priority", limit=2)] == [4, 3]
    assert queue.count({"args.c": {"$exists": False}}) == 5
    for where, words in (
        ({"stat": "error"}, "there is no field 'stat' in a job; did you mean 'state'"),
        ({"arg.a": 1}, "did you mean 'args.NAME'"),
        ({"zzzz": 1}, "fields are _id, attempts"),
        ({"state": "runing"}, "there is no state 'runing'; did you mean 'running'"),
        ({"state": {"$in": ["error", "lost"]}}, "there is no state 'lost'; states are pending"),
        ({"priority": {"$gtee": 1}}, "no operator; did you mean '\\$gte'"),
    ):
        with pytest.raises(UsageError, match=words):
            queue.find(where)
    with pytest.raises(UsageError, match="cannot be sorted by 'prioritty'; did you mean 'priority'"):
        queue.find(order="-prioritty")


def test_what_there_is_not(queue):
    with pytest.raises(UsageError, match=r"there is no job 99 in (sqlite|postgresql):"):
        queue.get(99)
    for call in (queue.kill, queue.restart, queue.remove, queue.explain, queue.logs, queue.wait):
        with pytest.raises(UsageError, match="no job 99"):
            call(99)
    with pytest.raises(UsageError, match="a whole number, not '1'"):
        queue.get("1")


def test_orders(queue, shop):
    number = queue.enqueue(shop.Add, a=1)
    assert queue.kill(number) is State.KILLED
    assert queue.get(number).killed_at is not None
    with pytest.raises(UsageError, match="killed"):
        queue.kill(number)
    new = queue.restart(number)
    assert queue.get(new).parent == number
    assert [job.id for job in queue.journal()] == [number]
    assert queue.remove(new) is State.KILLED
    assert queue.get(new).removed_at is not None
    assert queue.purge(0, states=["killed"]) == 2
    assert queue.counts().total() == 0
    with pytest.raises(UsageError, match="'running' is no final state"):
        queue.purge(0, states=["running"])
    with pytest.raises(UsageError, match="older_than is '1d'"):
        queue.purge("1d")


def test_pauses(queue, shop):
    queue.pause()
    queue.pause(shop.Add, reason="tests")
    queue.pause(host="mars")
    assert {(one.scope, one.name) for one in queue.paused()} == {("queue", ""), ("class", "shop.Add"), ("host", "mars")}
    queue.enqueue(shop.Add, a=1)
    hands = Hands(queue)
    assert hands.take() == []
    assert queue.resume()
    assert not queue.resume()
    assert hands.take() == []
    assert queue.resume("shop.Add")
    assert len(hands.take()) == 1
    with pytest.raises(UsageError, match="not both at once"):
        queue.pause(shop.Add, host="mars")


def test_a_job_that_runs_hears_and_says_who_it_is(queue, shop):
    number = queue.enqueue(shop.Add, a=1)
    hands = Hands(queue)
    assert hands.run() == 2
    assert hands.heard.progress_ == [(0.5, "half of 1")]
    assert hands.heard.sources == ["1.csv"]
    job = queue.get(number)
    assert (job.state, job.result, job.trial, job.journaled) == ("complete", 2, 1, True)
    assert queue.count() == 0
    assert queue.count(journal=True) == 1


def test_the_pattern_of_the_seed_as_it_is_written(queue, shop):
    shop.DivideAndConquer.work = lambda self, **kwargs: None  # the seed's `work` passes, without `self`
    parent = queue.enqueue(shop.DivideAndConquer, chunksize=3, defer_time=600)
    hands = Hands(queue)
    before = queue.database.now()
    assert str(hands.run()) == "waiting"
    job = queue.get(parent)
    assert (job.state, job.prog.message) == ("deferred", "waiting")
    assert before + 599.9 <= job.query_at.timestamp() <= queue.database.now() + 600.1
    assert queue.children(parent) == {"pending": 3}
    assert queue.children(parent).unfinished == 3
    for left in (2, 1, 0):
        assert hands.run() is None  # a child
        queue.restart(parent)  # now, and not in ten minutes
        parents, children = {"args.chunksize": 3}, {"parent": parent}
        assert (queue.count(parents), queue.count(children)) == (1, left)
        said = hands.run()
        assert str(said) == (f"[{left}] job still running" if left else "None")
    assert queue.get(parent).state == "complete"
    assert queue.get(parent).trial == 4
    assert queue.children(parent) == {"complete": 3}
    assert queue.children(parent).unfinished == queue.children(parent).unsuccessful == 0


def test_a_parent_sees_what_became_of_its_children(queue, shop):
    parent = queue.enqueue(shop.DivideAndConquer, chunksize=2)
    hands = Hands(queue)
    hands.run()
    (first, second) = queue.find({"parent": parent})
    queue.kill(first.id)
    counts = queue.children(parent)
    assert (counts["killed"], counts["pending"], counts["error"]) == (1, 1, 0)
    assert (counts.unfinished, counts.unsuccessful) == (1, 1)
    assert repr(counts) == "Counts(pending=1, killed=1)"
    assert [job.id for job in queue.find({"parent": parent, "state": "killed"}, journal=None)] == [first.id]
    assert second.parent == parent


def test_waiting(queue, shop):
    number = queue.enqueue(shop.Add, a=1)
    with pytest.raises(WaitTimeout, match=r"job 1 \(shop.Add\) is pending after 0.05 s"):
        queue.wait(number, 0.05)
    hands = Hands(queue)
    thread = threading.Thread(target=hands.run)
    thread.start()
    assert queue.wait(number, 60).result == 2
    thread.join()
    assert [job.id for job in queue.wait([number, number], 0)] == [number, number]


def test_waiting_outlasts_a_restart_of_the_database(server, shop):
    with Queue(emptied(server.url)) as queue, Queue(server.url) as other:
        number = queue.enqueue(shop.Add, a=1)
        seen = []
        thread = threading.Thread(target=lambda: seen.append(queue.wait(number, 50)))
        thread.start()
        server.stop()
        with pytest.raises(StoreUnavailable):
            other.get(number)
        server.start()
        Hands(other).run()
        thread.join()
    assert seen[0].result == 2


def test_chains_and_dependencies(queue, shop):
    a = queue.enqueue(shop.Add, a=1, chain=[(shop.Add, {"a": 2, "chain": [(shop.Report, {"kind": "last"})]})])
    d = queue.enqueue("shop.Add", a=3, dependency=[a, shop.Report], priority=9)
    hands = Hands(queue)
    assert queue.count() == 2
    assert "job of shop.Report, and there has been none yet" in str(queue.explain(d))
    assert "it waits for job 1, which is pending" in str(queue.explain(d))
    assert hands.run() == 2
    (b,) = queue.find({"parent": a})
    assert b.args == {"a": 2}
    assert hands.run() == 3
    assert hands.run() == "last"
    assert hands.run() == 4
    assert queue.count() == 0


def test_after_a_failure_nothing_follows(queue, shop):
    a = queue.enqueue(shop.Add, a="text", chain=["shop.Report"])
    d = queue.enqueue(shop.Add, a=3, dependency=a)
    hands = Hands(queue)
    assert isinstance(hands.run(), TypeError)
    assert queue.get(a).state == "error"
    assert hands.take() == []
    assert queue.count({"name": "shop.Report"}, journal=None) == 0
    assert f"it waits for job {a}, which is error and has to be restarted" in str(queue.explain(d))


def test_completion_together_with_the_jobs_own_work(queue, tmp_path, monkeypatch):
    (tmp_path / "once.py").write_text(
        "from gangline.queue import DurableJob\n\n\n"
        "class Once(DurableJob):\n"
        "    def execute(self, fail=False):\n"
        "        with self.completion(result='done') as connection:\n"
        "            connection.execute('CREATE TABLE IF NOT EXISTS totals (n INTEGER)')\n"
        "            connection.execute('INSERT INTO totals VALUES (1)')\n"
        "            if fail:\n"
        "                raise RuntimeError('in the middle')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    hands = Hands(queue)
    good, bad = queue.enqueue("once.Once"), queue.enqueue("once.Once", fail=True)
    hands.run()
    assert hands.heard.is_completed
    assert (queue.get(good).state, queue.get(good).result) == ("complete", "done")
    assert isinstance(hands.run(), RuntimeError)
    assert queue.get(bad).state == "error"
    connection = queue.database.connect()
    assert connection.execute("SELECT count(*) FROM totals").fetchone() == (1,)
    connection.execute("DROP TABLE totals")
    connection.commit()
    connection.close()


def test_work_is_not_committed_twice(queue, tmp_path, monkeypatch):
    (tmp_path / "twice.py").write_text(
        "from gangline.queue import DurableJob\n\n\n"
        "class Twice(DurableJob):\n"
        "    def execute(self):\n"
        "        with self.completion() as connection:\n"
        "            connection.execute('CREATE TABLE marks (n INTEGER)')\n"
        "        with self.completion() as connection:\n"
        "            connection.execute('INSERT INTO marks VALUES (1)')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    number = queue.enqueue("twice.Twice")
    (claim,) = Hands(queue).take()
    job = load_class("twice.Twice")._begin(ClaimInfo(claim.id, "twice.Twice", {}, queue._address, claim.fence), None)
    try:
        with pytest.raises(StoreError, match="complete already"):
            job.execute()
    finally:
        job._end()
    connection = queue.database.connect()
    assert connection.execute("SELECT count(*) FROM marks").fetchone() == (0,)
    connection.execute("DROP TABLE marks")
    connection.commit()
    connection.close()
    assert queue.get(number).state == "complete"


def test_whose_claim_is_lost_completes_nothing(queue, tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text(
        "from gangline.queue import DurableJob\n\n\n"
        "class Slow(DurableJob):\n"
        "    def execute(self):\n"
        "        with self.completion() as connection:\n"
        "            connection.execute('CREATE TABLE marks (n INTEGER)')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    number = queue.enqueue("slow.Slow")
    hands = Hands(queue)
    (claim,) = hands.take()
    hands.end(Ending(claim.id, claim.fence, "released"))
    info = ClaimInfo(claim.id, "slow.Slow", {}, queue._address, claim.fence)
    job = load_class("slow.Slow")._begin(info, None)
    try:
        with pytest.raises(StoreError, match="it is another worker's meanwhile"):
            job.execute()
    finally:
        job._end()
    connection = queue.database.connect()
    with pytest.raises(Exception, match="marks"):
        connection.execute("SELECT n FROM marks")
    connection.close()
    assert queue.get(number).state == "pending"


def test_threads_and_children_of_fork(queue, shop):
    def enter(start):
        for n in range(start, start + 25):
            queue.enqueue(shop.Add, a=n)

    threads = [threading.Thread(target=enter, args=(100 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.count() == 100


def test_after_fork(tmp_path, shop):
    program = (
        "import os, shop\nfrom gangline.queue import Queue\n"
        "queue = Queue()\nqueue.enqueue(shop.Add, a=0)\n"
        "children = []\n"
        "for n in range(1, 5):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        queue.enqueue(shop.Add, a=n)\n"
        "        os._exit(0)\n"
        "    children.append(pid)\n"
        "assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)\n"
        "print(queue.count(), queue.enqueue(shop.Add, a=9))\n"
    )
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run([sys.executable, "program.py"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("5 6\n", "")


def test_many_programs_open_and_close_a_queue_at_once(queue, tmp_path):
    program = (
        "import sys\nfrom gangline.queue import Queue\n"
        "for n in range(60):\n"
        "    with Queue(sys.argv[1]) as queue:\n"
        "        queue.cookie('a.B').inc('n')\n"
    )
    (tmp_path / "program.py").write_text(program)
    rounds = [subprocess.Popen([sys.executable, "program.py", queue._address], cwd=tmp_path) for _ in range(3)]
    assert [one.wait() for one in rounds] == [0, 0, 0]
    assert queue.cookie("a.B").get("n") == 180


def test_where_the_queue_is(tmp_path, shop, monkeypatch):
    with Queue() as queue:
        assert queue.url == f"sqlite:///{tmp_path / '.gangline' / 'queue.db'}"
    (tmp_path / "gangline.toml").write_text(f'[queue]\nurl = "sqlite:///{tmp_path}/b.db"\n')
    with Queue() as queue:
        assert queue.url.endswith("/b.db")
        assert repr(queue) == f"<queue {queue.url}>"
    monkeypatch.setenv("GANGLINE_QUEUE_URL", f"sqlite:///{tmp_path}/c.db")
    number = enqueue(shop.Add, a=1)
    with Queue(f"sqlite:///{tmp_path}/c.db") as queue, pickle.loads(pickle.dumps(queue)) as copy:
        assert copy.get(number).name == "shop.Add"
    with pytest.raises(UsageError, match="URL"):
        Queue("")


def test_a_queue_stays_where_it_was_found(tmp_path, shop, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    for url in ("sqlite:///jobs.db", "jobs.db"):
        with Queue(url) as queue:
            data = pickle.dumps(queue)
        monkeypatch.chdir(tmp_path / "elsewhere")
        with pickle.loads(data) as copy:
            assert copy.url == f"sqlite:///{tmp_path}/jobs.db"
        monkeypatch.chdir(tmp_path)


def test_asked_as_a_collection_of_core4(queue, shop):
    numbers = [queue.enqueue(shop.Report, kind={"c": str(n)}) for n in range(3)]
    Hands(queue).run()
    config = Config(queue)
    assert config.sys.queue.count_documents({}) == config.sys.queue.estimated_document_count() == 2
    assert config.sys.journal.count_documents({"state": "complete"}) == 1
    assert [job["_id"] for job in config.sys.queue.find({"args.kind.c": {"$in": ["1", "2"]}})] == numbers[1:]
    assert config.sys.queue.find_one({"_id": str(numbers[2])})["args"]["kind"] == {"c": "2"}
    assert config.sys.queue.find_one(str(numbers[1])).id == numbers[1]
    assert config.sys.queue.find_one({"_id": numbers[0]}) is None
    assert config.sys.journal.find_one(numbers[0]).state == "complete"


def test_the_configuration_describes_classes(tmp_path, shop):
    configuration = Configuration(jobs={"shop.Add": {"priority": 7}, "nowhere.X": {"attempts": 4}})
    with Queue(f"sqlite:///{tmp_path}/a.db", configuration=configuration) as queue:
        assert queue.get(queue.enqueue(shop.Add, a=1)).priority == 7
        assert queue.get(queue.enqueue("nowhere.X")).attempts == 4


def test_what_is_entered_by_a_job_is_its_child(tmp_path, queue, monkeypatch):
    (tmp_path / "family.py").write_text(
        "from gangline.queue import DurableJob, Queue, enqueue\n\n\n"
        "class Parent(DurableJob):\n"
        "    def execute(self):\n"
        "        enqueue(Child, n=1)\n"
        "        with Queue() as queue:\n"
        "            queue.enqueue(Child, n=2)\n"
        "        self.queue.enqueue(Child, n=3)\n"
        "        self.queue.enqueue_many(Child, [{'n': 4}])\n\n\n"
        "class Child(DurableJob):\n"
        "    def execute(self, n):\n"
        "        pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    parent = queue.enqueue("family.Parent")
    Hands(queue).run()
    assert [job.args["n"] for job in queue.find({"parent": parent})] == [1, 2, 3, 4]


def test_cookies(queue, shop):
    cookie = queue.cookie(shop.Add)
    cookie.set("seen", ["a"])
    assert cookie.inc("n") == 1
    assert cookie.inc("n", 2.5) == 3.5
    assert cookie.max("n", 10) == 10
    assert cookie.min("n", 4) == 4
    other = queue.cookie("shop.Add")
    assert other.to_dict() == {"seen": ["a"], "n": 4}
    assert (other.get("no", 5), other["n"], "n" in other, len(other), sorted(other)) == (5, 4, True, 2, ["n", "seen"])
    cookie.delete("n")
    assert not cookie.has_key("n")
    cookie.delete()
    assert len(cookie) == 0
    with pytest.raises(UsageError, match="the value x is a set"):
        cookie.set("x", {1})
    with pytest.raises(UsageError, match="takes a number"):
        cookie.inc("x", "1")
    cookie["text"] = "t"
    with pytest.raises(UsageError):
        cookie.inc("text")


def test_cookies_are_changed_atomically(queue):
    def count():
        for _ in range(50):
            queue.cookie("a.B").inc("n")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.cookie("a.B").get("n") == 200


def test_values(queue):
    store = queue.store
    store["a"] = {"deep": [1, None]}
    store.set("b", b"\0\xff" * 1000)
    assert (store["a"], store.get("b"), store.get("c", 1)) == ({"deep": [1, None]}, b"\0\xff" * 1000, 1)
    assert store.keys() == ["a", "b"]
    assert store.keys("b") == ["b"]
    assert not store.add("a", 1)
    assert store.add("c", None)
    assert "c" in store
    assert store["c"] is None
    assert store.set_if("a", 2, {"deep": [1, None]})
    assert not store.set_if("a", 3, {"deep": [1, None]})
    assert store["a"] == 2
    assert store.delete("a")
    assert not store.delete("a")
    with pytest.raises(KeyError):
        store["a"]
    with pytest.raises(KeyError):
        del store["a"]
    with pytest.raises(UsageError, match="the value of x is a set"):
        store["x"] = {1}
    with pytest.raises(UsageError, match="a key is a text"):
        store[""] = 1


def test_halting_a_worker_that_is_not_there(queue):
    Hands(queue, "one")
    with pytest.raises(UsageError, match="no worker called 'on' is alive; there are: one"):
        queue.halt("on")
    queue.halt("one")
    (worker,) = queue.workers()
    assert (worker.name, worker.halting, worker.alive) == ("one", True, True)
