"""What a function sees on an engine: its own closure, the engine's names, nothing of the client's."""

import logging

import ipyparallel as ipp
from transcript import expect, remote, show


class Point:
    def __init__(self, x):
        self.x = x


def outer(factor):
    def inner(x):
        return factor * x

    return inner


def defaults(a, b=2, *rest, c=4, **more):
    return (a, b, rest, c, more)


def recursive(n):
    return n * fact(n)  # noqa: F821 - a name on the engine


def counted():
    global count
    count = globals().get("count", 0) + 1
    return count


def closures(rc):
    show("closure", rc[0].apply_sync(outer(3), 5))
    show("defaults", rc[0].apply_sync(defaults, 1))
    show("all kinds of arguments", rc[0].apply_sync(defaults, 1, 3, 5, c=6, d=7))
    show("nested lambda", rc[0].apply_sync(lambda f: f(lambda x: x + 1), lambda g: g(1)))
    show("comprehension", rc[0].apply_sync(lambda n: [i * n for i in range(3)], 2))
    show("builtin", rc[0].apply_sync(max, 3, 4))
    show("library function", rc[0].apply_sync(__import__("math").hypot, 3, 4))
    show("method", rc[0].apply_sync("a-b".split, "-"))
    show("class", rc[0].apply_sync(complex, 1, 2))
    show("partial", rc[0].apply_sync(__import__("functools").partial(defaults, c=9), 1))


def persistence(rc):
    show("counts", [rc[0].apply_sync(counted) for _ in range(3)])
    show("per engine", rc[1].apply_sync(counted))
    show("visible", rc[0]["count"])
    rc[0].execute("count = 10", block=True)
    show("changed by code", rc[0].apply_sync(counted))
    rc[0].push({"count": 100}, block=True)
    show("changed by push", rc[0].apply_sync(counted))
    view = rc.load_balanced_view(targets=[0])
    show("the same for tasks", view.apply_sync(counted))
    rc[0].push({"fact": lambda n: 1 if n < 2 else n * fact(n - 1)}, block=True)  # noqa: F821 - a name on the engine
    show("recursion through the namespace", rc[0].apply_sync(recursive, 4))
    rc[0].clear(block=True)
    expect("cleared", lambda: rc[0]["count"], ipp.RemoteError)
    show("starts again", rc[0].apply_sync(counted))


def arguments(rc):
    data = {"list": [1, 2]}
    rc[0].apply_sync(lambda d: d["list"].append(3), data)
    show("arguments are copies", data)
    rc[0].push({"data": data}, block=True)
    rc[0].execute("data['list'].append(4)", block=True)
    show("names are copies", (data, rc[0]["data"]))
    remote("missing argument", lambda: rc[0].apply_sync(outer))
    remote("too many", lambda: rc[0].apply_sync(outer, 1, 2))
    expect("not callable", lambda: rc[0].apply_sync(3), Exception)


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    for part in (closures, persistence, arguments):
        print(f"== {part.__name__}")
        part(rc)
