"""What the client knows and forgets about its tasks."""

import logging

import ipyparallel as ipp
from transcript import Gate, expect, remote, show, types, until


def double(x):
    return 2 * x


def fail():
    raise ValueError("as asked")


def results(rc):
    view = rc.load_balanced_view()
    ar = view.apply_async(double, 4)
    msg_id = ar.msg_ids[0]
    show("get", ar.get(timeout=60))
    for label, key in (("id", msg_id), ("index", -1), ("list", [msg_id]), ("AsyncResult", ar)):
        again = rc.get_result(key)
        show(f"get_result by {label}", again.get(timeout=60))
    again = rc.get_result(msg_id)
    show("the same task", again.msg_ids == [msg_id])
    show(
        "metadata is kept",
        (again.get(timeout=60), again.metadata["status"], again.metadata["engine_id"] == ar.engine_id),
    )
    show("several", rc.get_result([view.apply_async(double, n).msg_ids[0] for n in range(3)]).get(timeout=60))
    expect("unknown id", lambda: rc.get_result("no-such-id").get(timeout=60), Exception)
    expect("wrong type", lambda: rc.get_result(1.5), TypeError)
    expect("index beyond", lambda: rc.get_result(10_000), IndexError)
    bad = view.apply_async(fail)
    bad.wait(60)
    remote("of a failure", lambda: rc.get_result(bad.msg_ids[0]).get(timeout=60), anywhere=True)
    show("block", rc.get_result(msg_id, block=True).ready())
    direct = rc[:].apply_async(double, 1)
    show("direct", rc.get_result(direct.msg_ids).get(timeout=60))


def history(rc):
    before = len(rc.history)
    ars = [rc.load_balanced_view().apply_async(double, n) for n in range(3)]
    both = rc[:].apply_async(double, 1)
    show("history grows", len(rc.history) - before)
    show("in order", rc.history[before:] == [ar.msg_ids[0] for ar in ars] + both.msg_ids)
    show("wait for all", rc.wait(timeout=60))
    show("outstanding", len(rc.outstanding))
    show("hub_history", set(rc.history) <= set(rc.hub_history()))


def waiting(rc):
    gate = Gate()
    held = rc[0].apply_async(gate.holder())
    gate.wait_for_started()
    show("outstanding", rc.outstanding == set(held.msg_ids))
    show("wait 0.01", rc.wait(timeout=0.01))
    for label, jobs in (("AsyncResult", held), ("id", held.msg_ids[0]), ("list", [held]), ("index", -1)):
        show(f"wait for {label}", rc.wait(jobs, timeout=0.01))
    show("result_status", [len(rc.result_status(held.msg_ids)[key]) for key in ("pending", "completed")])
    waiting = rc[0].apply_async(double, 1)
    until(lambda: rc.queue_status(0)["queue"] == 2)
    show("queue_status of one", {key: rc.queue_status(0)[key] for key in ("queue", "tasks")})
    show("queue_status of all", sorted(map(str, rc.queue_status())))
    show("keys", sorted(rc.queue_status()[0]))
    show("the other is idle", rc.queue_status(1)["queue"])
    verbose = rc.queue_status(0, verbose=True)
    show("verbose", sorted(verbose["queue"]) == sorted(held.msg_ids + waiting.msg_ids))
    show("of a list", sorted(map(str, rc.queue_status([0]))))
    expect("purge while pending", lambda: rc.purge_results("all"), RuntimeError)
    gate.open()
    show("wait", rc.wait(timeout=60))
    until(lambda: rc.queue_status(0)["queue"] == 0)
    show("completed", rc.queue_status(0)["completed"] > 0)
    show("view.queue_status", rc[0].queue_status()["queue"])
    show("result_status after", [len(rc.result_status(held.msg_ids)[key]) for key in ("pending", "completed")])
    show("with results", rc.result_status(waiting.msg_ids, status_only=False)[waiting.msg_ids[0]])
    expect("no such engine", lambda: rc.queue_status(99), Exception)


def resubmitted(rc):
    view = rc.load_balanced_view()
    ar = view.apply_async(double, 8)
    ar.get(timeout=60)
    again = rc.resubmit(ar.msg_ids[0])
    show("result", again.get(timeout=60))
    show("another id", again.msg_ids != ar.msg_ids)
    show("type", (isinstance(again, ipp.AsyncHubResult), isinstance(again, ipp.AsyncResult)))
    ars = [view.apply_async(double, n) for n in range(3)]
    rc.wait(ars, timeout=60)
    until(lambda: len(rc.result_status([ar.msg_ids[0] for ar in ars])["completed"]) == 3)
    show("several", rc.resubmit([ar.msg_ids[0] for ar in ars]).get(timeout=60))
    bad = view.apply_async(fail)
    bad.wait(60)
    again = rc.resubmit(bad.msg_ids)
    expect("a failure fails again", lambda: again.get(timeout=60), ipp.RemoteError)
    expect("unknown id", lambda: rc.resubmit("no-such-id"), Exception)


def database(rc):
    view = rc.load_balanced_view()
    with view.temp_flags(label="findable"):
        ar = view.apply_async(double, 3)
    ar.get(timeout=60)
    msg_id = ar.msg_ids[0]
    until(lambda: rc.db_query({"msg_id": msg_id}, keys=["completed"])[0]["completed"] is not None)
    (record,) = rc.db_query({"msg_id": msg_id})
    wanted = ("msg_id", "submitted", "started", "completed", "received", "engine_uuid", "queue", "stdout", "stderr")
    show("record", types({key: record[key] for key in wanted}))
    show("queue", record["queue"])
    show("by engine", msg_id in {one["msg_id"] for one in rc.db_query({"engine_uuid": ar.engine_uuid})})
    show("keys", sorted(rc.db_query({"msg_id": msg_id}, keys=["submitted"])[0]))
    show("one key", sorted(rc.db_query({"msg_id": msg_id}, keys="submitted")[0]))
    show("operator", len(rc.db_query({"msg_id": {"$in": [msg_id, "none"]}})))
    show("by time", msg_id in {one["msg_id"] for one in rc.db_query({"completed": {"$gte": ar.submitted}})})
    show("nothing", rc.db_query({"msg_id": "none"}))


def purged(rc):
    view = rc.load_balanced_view()
    ar = view.apply_async(double, 3)
    kept = view.apply_async(double, 4)
    rc.wait(timeout=60)
    msg_id = ar.msg_ids[0]
    expect("nothing named", lambda: rc.purge_results(), ValueError)
    rc.purge_results(ar)
    expect("gone", lambda: rc.get_result(msg_id).get(timeout=60), Exception)
    show("kept", rc.get_result(kept.msg_ids[0]).get(timeout=60))
    rc.purge_results("all")
    show("history stays", len(rc.history) > 0)
    rc.purge_everything()
    show("everything", (len(rc.history), len(rc.results), len(rc.hub_history())))
    show("still works", view.apply_sync(double, 5))


def aborted(rc):
    gate = Gate()
    held = rc[0].apply_async(gate.holder("held"))
    gate.wait_for_started()
    waiting = rc[0].apply_async(double, 1)
    also = rc[0].apply_async(double, 2)
    waiting.abort()
    rc.abort(also)
    gate.open()
    show("the running one goes on", held.get(timeout=60))
    expect("aborted", lambda: waiting.get(timeout=60), ipp.TaskAborted)
    expect("aborted by the client", lambda: also.get(timeout=60), ipp.TaskAborted)
    show("status", waiting.status)
    show("afterwards", rc[0].apply_sync(double, 3))
    expect("done", held.abort, RuntimeError)


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    rc[:].use_pickle().get(timeout=60)
    for part in (results, history, waiting, resubmitted, database, purged, aborted):
        print(f"== {part.__name__}")
        part(rc)
