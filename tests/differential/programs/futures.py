"""Results as futures, views as executors, and asyncio."""

import asyncio
import concurrent.futures
import logging

import ipyparallel as ipp
from transcript import Gate, expect, remote, show, until


def double(x):
    return 2 * x


def fail(x):
    raise ValueError(x)


def futures(rc):
    view = rc.load_balanced_view()
    ars = [view.apply_async(double, n) for n in range(6)]
    show("is a Future", isinstance(ars[0], concurrent.futures.Future))
    done, pending = concurrent.futures.wait(ars, timeout=60)
    show("wait", (len(done), len(pending)))
    ars = [view.apply_async(double, n) for n in range(6)]
    show("as_completed", sorted(ar.result() for ar in concurrent.futures.as_completed(ars, timeout=60)))
    bad = view.apply_async(fail, 1)
    done, _ = concurrent.futures.wait([bad], return_when=concurrent.futures.FIRST_EXCEPTION, timeout=60)
    show("wait for the first exception", bad in done)
    remote("result of a failure", lambda: bad.result(timeout=60), anywhere=True)
    mixed = [rc[:].apply_async(double, 1), view.map_async(double, range(3)), view.apply_async(double, 5)]
    done, _ = concurrent.futures.wait(mixed, timeout=60)
    show("mixed", (len(done), [ar.result() for ar in mixed]))


def callbacks(rc):
    view = rc.load_balanced_view()
    seen = []
    gate = Gate()
    ar = view.apply_async(gate.holder(3))
    ar.add_done_callback(lambda future: seen.append((future is ar, future.result())))
    show("not yet", seen)
    gate.open()
    ar.get(timeout=60)
    until(lambda: seen)
    show("called", seen)
    ar.add_done_callback(lambda future: seen.append("late"))
    until(lambda: len(seen) == 2)
    show("called at once", seen[1:])


def executors(rc):
    for label, executor in (("rc.executor", rc.executor()), ("load-balanced", rc.load_balanced_view().executor)):
        print("--", label)
        show("is an Executor", isinstance(executor, concurrent.futures.Executor))
        show("submit", executor.submit(double, 3).result(timeout=60))
        show("submit with keywords", executor.submit(double, x=4).result(timeout=60))
        show("map", list(executor.map(double, range(5))))
        show("map of two", list(executor.map(lambda a, b: a - b, [5, 6], [1, 2])))
        remote("map that fails", lambda executor=executor: list(executor.map(fail, [1])), anywhere=True)
        with executor as entered:
            future = entered.submit(double, 9)
        show("after with", (future.done(), future.result()))
        show("usable after shutdown", executor.view.apply_sync(double, 2))


async def awaited(rc):
    view = rc.load_balanced_view()
    show("wrap_future", await asyncio.wrap_future(view.apply_async(double, 1)))
    show("gather", await asyncio.gather(*[asyncio.wrap_future(view.apply_async(double, n)) for n in range(4)]))
    show("wait_for", await asyncio.wait_for(asyncio.wrap_future(view.apply_async(double, 7)), 60))
    try:
        await asyncio.wrap_future(view.apply_async(fail, 2))
    except ipp.RemoteError as error:
        show("error", (error.ename, error.evalue))
    loop = asyncio.get_running_loop()
    show("run_in_executor", await loop.run_in_executor(view.executor, double, 8))


def time_limits(rc):
    gate = Gate()
    held = rc.load_balanced_view().apply_async(gate.holder())
    gate.wait_for_started()
    expect("result(0.01)", lambda: held.result(timeout=0.01), (TimeoutError, concurrent.futures.TimeoutError)[0])
    expect("exception(0.01)", lambda: held.exception(timeout=0.01), TimeoutError)
    done, pending = concurrent.futures.wait([held], timeout=0.01)
    show("wait", (len(done), len(pending)))
    gate.open()
    show("exception", held.exception(timeout=60))


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    for part in (futures, callbacks, executors, time_limits):
        print(f"== {part.__name__}")
        part(rc)
    print("== awaited")
    asyncio.run(awaited(rc))
