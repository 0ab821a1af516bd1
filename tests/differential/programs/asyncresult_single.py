"""An AsyncResult of one task."""

import logging
import operator

import ipyparallel as ipp
from transcript import Gate, expect, remote, show, types


def divide(a, b):
    return a / b


def chatty(name, shout=False):
    import sys

    print("hello", name)
    print("to stderr", file=sys.stderr)
    return name.upper() if shout else name


def finished(rc, view):
    ar = view.apply_async(divide, 6, 3)
    show("get", ar.get(timeout=60))
    show("r", ar.r)
    show("result", ar.result())
    show("ready, successful, done", (ar.ready(), ar.successful(), ar.done()))
    show("cancelled, running", (ar.cancelled(), ar.running()))
    show("exception", ar.exception())
    show("repr", ar)
    show("isinstance", isinstance(ar, ipp.AsyncResult))
    show("len", len(ar))
    show("progress", ar.progress)
    show("msg_ids", (len(ar.msg_ids), type(ar.msg_ids[0]).__name__))
    show("sent", ar.sent)
    show("wait, wait(0), wait(-1)", (ar.wait(), ar.wait(0), ar.wait(-1)))
    show("wait_for_output", ar.wait_for_output())
    show("times are floats", [type(x).__name__ for x in (ar.elapsed, ar.serial_time, ar.wall_time)])
    show("wall_time covers serial_time", ar.wall_time >= ar.serial_time >= 0)
    show("get_dict", ar.get_dict() == {ar.engine_id: 2.0})
    show("result_dict", ar.result_dict == {ar.engine_id: 2.0})
    expect("iterating one result", lambda: list(ar), TypeError)
    expect("abort when done", ar.abort, RuntimeError)
    expect("unknown attribute", lambda: ar.nonsense, AttributeError)
    expect("unknown key", lambda: ar["nonsense"], KeyError)
    expect("wrong key", lambda: ar[1.5], TypeError)
    show("cancel when done", ar.cancel())
    expect("join nothing", lambda: ipp.AsyncResult.join(), ValueError)
    show("join one", ipp.AsyncResult.join(ar) is ar)
    show("split one", ar.split() == (ar,))


def metadata(rc, view):
    with view.temp_flags(label="greeting"):
        ar = view.apply(chatty, "ada", shout=True)
    show("result", ar.get(timeout=60))
    ar.wait_for_output(60)
    own = {key: value for key, value in ar.metadata.items() if not key.startswith(("is_", "client"))}
    show("metadata types", types(own))
    show("order of times", ar.submitted <= ar.started <= ar.completed <= ar.received)
    show("times know their zone", ar.submitted.tzinfo is not None)
    show("timedelta", abs(ar.timedelta(ar.started, ar.completed) - ar.serial_time) < 1e-3)
    show("stdout", ar.stdout)
    show("stderr", ar["stderr"])
    show("status, error, label", (ar.status, ar.error, ar.label))
    show("engine is known", (ar.engine_id in rc.ids, isinstance(ar.engine_uuid, str)))
    show("metadata is the same by item and attribute", ar.metadata["stdout"] == ar.metadata.stdout == ar.stdout)
    show("msg_id", ar.metadata["msg_id"] == ar.msg_ids[0])
    expect("no new keys", lambda: operator.setitem(ar.metadata, "colour", 1), KeyError)
    expect("no new attributes", lambda: setattr(ar.metadata, "colour", 1), AttributeError)
    show("metadata in dir", {"engine_id", "stdout", "started"} <= set(dir(ar)))


def pending(rc, view):
    gate = Gate()
    ar = view.apply_async(gate.holder("through"))
    gate.wait_for_started()
    show("repr", ar)
    show("ready, done", (ar.ready(), ar.done()))
    show("wait(0), wait(0.01)", (ar.wait(0), ar.wait(0.01)))
    show("progress of len", (ar.progress, len(ar)))
    expect("get(0)", lambda: ar.get(0), TimeoutError)
    expect("get(0.01)", lambda: ar.get(timeout=0.01), TimeoutError)
    expect("successful", ar.successful, RuntimeError)
    expect("serial_time", lambda: ar.serial_time, TimeoutError)
    show("elapsed", ar.elapsed >= 0)
    show("metadata while pending", (ar.completed, ar.status, ar.stdout))
    expect("index while pending", lambda: ar[0], TimeoutError)
    gate.open()
    show("get", ar.get(timeout=60))
    show("repr", ar)


def failed(rc, view):
    ar = view.apply_async(divide, 1, 0)
    ar.wait(60)
    show("repr", ar)
    show("ready, successful, done", (ar.ready(), ar.successful(), ar.done()))
    expect("get", ar.get, ipp.RemoteError)
    remote("get", ar.get)
    remote("r", lambda: ar.r)
    remote("result", ar.result)
    show("exception", (isinstance(ar.exception(), ipp.error.RemoteError), ar.exception().ename))
    show("returned", ar.get(return_exceptions=True).ename)
    show("engine_info", ar.exception().engine_info["method"])
    show("engine of the error", ar.exception().engine_info["engine_id"] == ar.engine_id)
    show("traceback names the function", "divide" in ar.exception().traceback)
    show("render_traceback", ar.exception().render_traceback()[0] == f"[{ar.engine_id}:apply]")
    show("status", ar.status)
    show("progress", ar.progress)
    show("timings", ar.serial_time >= 0)


def blocking(rc, view):
    show("apply_sync", view.apply_sync(divide, 1, 4))
    remote("apply_sync that fails", lambda: view.apply_sync(divide, 1, 0))
    with view.temp_flags(block=True):
        show("apply with block", view.apply(divide, b=2, a=3))
    view.block = True
    show("block as attribute", view.apply(divide, 9, 3))
    view.block = False
    show("and back", type(view.apply(divide, 9, 3)).__name__)


with ipp.Cluster(n=1, log_level=logging.ERROR) as rc:
    for kind, view in (("load-balanced", rc.load_balanced_view()), ("direct", rc[0])):
        for part in (finished, metadata, pending, failed, blocking):
            print(f"== {kind}: {part.__name__}")
            part(rc, view)
