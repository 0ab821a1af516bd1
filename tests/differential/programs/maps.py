"""map, imap and the decorators, load-balanced and direct."""

import itertools
import logging

import ipyparallel as ipp
from transcript import expect, remote, show


def square(x):
    return x * x


def add(a, b):
    return a + b


def even_only(x):
    if x % 2:
        raise ValueError(f"{x} is odd")
    return x // 2


def pairwise_total(left, right):
    return [a + b for a, b in zip(left, right, strict=True)]


def maps(view):
    ar = view.map(square, range(10))
    show("type", (type(ar).__name__, isinstance(ar, ipp.AsyncMapResult), isinstance(ar, ipp.AsyncResult)))
    show("get", ar.get(timeout=60))
    show("list", list(ar))
    show("len", len(ar))
    show("repr", ar)
    show("item, slice", (ar[3], ar[-1], ar[2:5]))
    show("map_sync", view.map_sync(square, [4, 5, 6]))
    show("map_async", view.map_async(square, [4]).get(timeout=60))
    show("block", view.map(square, (1, 2, 3), block=True))
    show("two sequences", view.map_sync(add, [1, 2, 3], [10, 20, 30]))
    show("strings", view.map_sync(lambda letter: letter * 2, "abc"))
    show("dict", sorted(view.map_sync(lambda key: key, {"x": 1, "y": 2})))
    show("generator", view.map_sync(square, (n for n in range(5))))
    show("one item", view.map_sync(square, [9]))
    show("builtin", view.map_sync(len, ["a", "bb", ""]))
    show("method", view.map_sync(str.upper, ["a", "b"]))
    show("None results", view.map_sync(lambda _: None, range(3)))
    show("list results", view.map_sync(lambda n: [n] * n, range(4)))
    show("tuple results", view.map_sync(lambda n: (n, -n), range(3)))
    show("progress", ar.progress == len(ar))
    show("timings", ar.serial_time >= 0 and ar.wall_time > 0)
    expect("map_async with block", lambda: view.map_async(square, [1], block=True), TypeError)
    expect("map_sync with block", lambda: view.map_sync(square, [1], block=True), TypeError)
    expect("no sequence", lambda: view.map(square), Exception)
    expect("not a sequence", lambda: view.map(square, 3), TypeError)


def failing(view):
    ar = view.map(even_only, [0, 2, 3, 4])
    expect("get", lambda: ar.get(timeout=60), ipp.RemoteError)
    show("successful", ar.successful())
    show("ename", ar.exception().elist[0][0])
    show("evalue", ar.exception().elist[0][1])


def exceptions_returned(view):
    ar = view.map(even_only, [0, 1, 2, 3], return_exceptions=True)
    found = ar.get(timeout=60)
    show("errors", sorted({one.ename for one in found if isinstance(one, Exception)}))


def load_balanced(view):
    for chunksize in (1, 3, 10, 100):
        show(f"chunksize {chunksize}", view.map(square, range(10), chunksize=chunksize).get(timeout=60))
    show("chunks are messages", len(view.map(square, range(10), chunksize=3).msg_ids))
    show("chunks count items", len(view.map(square, range(10), chunksize=3)))
    show("unordered, as a set", sorted(view.map(square, range(10), ordered=False)))
    show("unordered get is in order", view.map(square, range(10), ordered=False).get(timeout=60))
    show("shortest sequence decides", view.map_sync(add, [1, 2, 3], [10, 20]))
    kept = view.map(even_only, [0, 1, 2, 3], return_exceptions=True).get(timeout=60)
    show("per item", [getattr(one, "ename", one) for one in kept])
    stream = iter(view.map(even_only, [0, 2, 5, 4]))
    show("before the error", [next(stream), next(stream)])
    expect("at its item", lambda: next(stream), ipp.RemoteError)


def imap(view):
    show("imap", list(view.imap(square, range(8))))
    show("imap of two", list(view.imap(add, range(4), range(10, 20))))
    endless = view.imap(square, itertools.count())
    show("endless", [next(endless) for _ in range(5)])
    endless.cancel()
    show("unordered", sorted(view.imap(square, range(8), ordered=False)))
    show("eager", list(view.imap(square, range(8), max_outstanding=0)))
    show("narrow", list(view.imap(square, range(8), max_outstanding=1)))
    kept = view.imap(even_only, range(4), return_exceptions=True)
    show("errors kept", [getattr(one, "ename", one) for one in kept])
    remote("errors raised", lambda: list(view.imap(even_only, [2, 1])), anywhere=True)


def decorators(view, *, direct):
    @view.parallel()
    def tenfold(part):
        """Ten times as much."""
        return [10 * x for x in part]

    @view.parallel(block=True)
    def plus_one(x):
        return x + 1

    @view.remote(block=True)
    def minus(a, b=1):
        return a - b

    @view.remote()
    def minus_later(a, b=1):
        return a - b

    show("types", (type(tenfold).__name__, type(minus).__name__))
    show("names", (tenfold.__name__, minus.__name__, tenfold.__doc__))
    if direct:
        show("parallel call", tenfold([1, 2, 3, 4]).get(timeout=60))
    show("parallel map", plus_one.map(range(6)))
    show("parallel map type", type(tenfold.map([[1], [2]])).__name__)
    show("parallel map result", tenfold.map([[1], [2]]).get(timeout=60))
    show("remote", minus(5) if not direct else sorted(set(minus(5))))
    show("remote keyword", minus(5, b=3) if not direct else sorted(set(minus(5, b=3))))
    show("remote async", type(minus_later(5)).__name__)
    expect("parallel call with keywords", lambda: tenfold([1], nonsense=2), TypeError)
    expect("unequal", lambda: view.parallel()(pairwise_total)([1, 2], [1]), ValueError)


def distributions(rc):
    sums = rc[:].parallel(dist="b", block=True)(lambda part: [sum(part)])
    striped = rc[:].parallel(dist="r", block=True)(lambda part: list(part))
    show("blocks", sums(range(10)))
    show("round robin", striped(list(range(7))))
    chunked = rc.load_balanced_view().parallel(chunksize=4, block=True)(lambda part: [sum(part)])
    show("chunks", chunked(range(10)))


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    for kind, view in (("load-balanced", rc.load_balanced_view()), ("direct", rc[:]), ("one engine", rc[0])):
        print(f"== {kind}")
        maps(view)
        failing(view)
        exceptions_returned(view)
    print("== load-balanced only")
    load_balanced(rc.load_balanced_view())
    imap(rc.load_balanced_view())
    print("== decorators")
    decorators(rc.load_balanced_view(), direct=False)
    print("== decorators, direct")
    decorators(rc[:], direct=True)
    distributions(rc)
