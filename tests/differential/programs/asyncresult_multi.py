"""An AsyncResult of several engines, and the CompositeError that it may end in."""

import concurrent.futures
import logging

import ipyparallel as ipp
from transcript import Gate, expect, remote, say, show, types


def square(x):
    return x * x


def fail_on(engine):
    from os import environ

    if environ.get("WHO") == str(engine):
        raise ValueError(f"not on {engine}")
    return f"fine without {engine}"


def always():
    raise KeyError("missing")


def lettered():
    return list("abcd")


def name_engines(rc):
    for engine in rc.ids:
        rc[engine].apply_sync(lambda name: __import__("os").environ.__setitem__("WHO", name), str(engine))


def results(rc):
    ar = rc[:].apply_async(square, 7)
    show("get", ar.get(timeout=60))
    show("len, progress, repr", (len(ar), ar.progress, ar))
    show("items", (ar[0], ar[1], ar[-1], ar[:], ar[0:1], ar[::2]))
    expect("beyond", lambda: ar[2], IndexError)
    show("iteration", list(ar))
    show("iteration twice", list(ar))
    show("dict", ar.get_dict())
    show("engine_id", (ar.engine_id, ar["engine_id"]))
    show("stdout", ar.stdout)
    show("metadata", (type(ar.metadata).__name__, types(ar.metadata[0])["started"]))
    show("msg_ids", len(set(ar.msg_ids)))
    show("timings", ar.serial_time >= 0 and ar.wall_time >= 0)
    show("times", [type(x).__name__ for x in ar.submitted])
    show("timedelta of lists", abs(ar.timedelta(ar.submitted, ar.received) - ar.wall_time) < 1e-3)
    show("split", [part.get() for part in ar.split()])
    show("split is cached", ar.split() is ar.split())
    show("join", ipp.AsyncResult.join(*ar.split()).get())
    show("nested lists stay", rc[:].apply_sync(lettered))


def partial(rc):
    gate = Gate()
    held = rc[1].apply_async(gate.holder())
    gate.wait_for_started()
    ar = rc[:].apply_async(square, 3)
    stream = iter(ar)
    show("first arrives before the second can", next(stream))
    show("ready", ar.ready())
    done, waiting = ar.wait(timeout=60, return_when=concurrent.futures.FIRST_COMPLETED)
    show("wait for the first", (len(done), len(waiting)))
    show("progress", ar.progress)
    gate.open()
    show("the rest", list(stream))
    done, waiting = ar.wait(return_when=concurrent.futures.ALL_COMPLETED)
    show("wait for all", (len(done), len(waiting)))
    show("held", held.get(timeout=60))


def errors(rc):
    ar = rc[:].apply_async(always)
    ar.wait(60)
    show("repr, successful", (ar, ar.successful()))
    remote("get", lambda: ar.get())
    expect("is a CompositeError", lambda: ar.get(), ipp.CompositeError)
    expect("is a RemoteError", lambda: ar.get(), ipp.RemoteError)
    error = ar.exception()
    show("repr of it", error)
    show("elist parts", [len(part) for part in error.elist])
    expect("raise_exception", error.raise_exception, ipp.RemoteError)
    remote("raise_exception(1)", lambda: error.raise_exception(1))
    expect("raise_exception(9)", lambda: error.raise_exception(9), IndexError)
    expect("render_traceback(9)", lambda: error.render_traceback(9), IndexError)
    headings = [line for line in error.render_traceback() if line.startswith("[")]
    show("headings of tracebacks", headings)
    show("one traceback", error.render_traceback(1)[0])
    show("returned", [one.ename for one in ar.get(return_exceptions=True)])
    expect("items", lambda: ar[0], ipp.RemoteError)
    expect("slices", lambda: ar[:1], ipp.RemoteError)
    expect("iteration", lambda: list(ar), ipp.RemoteError)


def some_errors(rc):
    ar = rc[:].apply_async(fail_on, 1)
    ar.wait(60)
    remote("get", ar.get)
    first, second = ar.get(return_exceptions=True)
    show("returned", (first, second.ename, second.evalue))
    show("status", ar.status)
    expect("first exception", lambda: ar.get(return_when=concurrent.futures.FIRST_EXCEPTION), ipp.RemoteError)
    parts = ar.split()
    show("the part that is fine", parts[0].get())
    remote("the part that failed", parts[1].get)
    remote("get_dict", ar.get_dict)


def first_exception_wins(rc):
    gate = Gate()
    held = rc[0].apply_async(gate.holder())
    gate.wait_for_started()
    ar = rc[:].apply_async(always)
    remote(
        "before the other has run",
        lambda: ar.get(timeout=60, return_when=concurrent.futures.FIRST_EXCEPTION),
    )
    show("ready", ar.ready())
    gate.open()
    held.get(timeout=60)
    remote("after", lambda: ar.get(timeout=60))


def composite(rc):
    parts = [(f"Error{n}", f"text {n}", f"line {n}", {"engine_id": n, "method": "apply"}) for n in range(6)]
    error = ipp.CompositeError("one or more exceptions raised in: test", parts)
    say("printed", error)
    show("limit", error.tb_limit)
    say("rendered", "\n".join(error.render_traceback()))
    say("one rendered", "\n".join(error.render_traceback(5)))
    error.print_traceback(2)
    remote("raised", lambda: error.raise_exception(3))


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    name_engines(rc)
    for part in (results, partial, errors, some_errors, first_exception_wins, composite):
        print(f"== {part.__name__}")
        part(rc)
