"""The load-balanced view: flags, targets, dependencies, retries."""

import logging
import os

import ipyparallel as ipp
from transcript import Gate, expect, remote, show, until


def double(x):
    return 2 * x


def fail():
    raise RuntimeError("as asked")


def here():
    import os

    return os.getpid()


def flaky(path):
    with open(path, "a") as file:
        file.write("x")
    with open(path) as file:
        count = len(file.read())
    if count < 2:
        raise OSError(f"attempt {count}")
    return count


def flags(rc):
    view = rc.load_balanced_view()
    show("repr", (view, rc.load_balanced_view(targets=[0]), rc.load_balanced_view([0, 1])))
    show("len", (len(view), len(rc.load_balanced_view(targets=[1]))))
    show(
        "defaults",
        [getattr(view, name) for name in ("after", "follow", "timeout", "retries", "targets", "block", "label")],
    )
    show("set_flags", view.set_flags(retries=2, timeout=5) is view)
    show("set", (view.retries, view.timeout))
    with view.temp_flags(retries=1, block=True, label="x", targets=[0]):
        show("temporary", (view.retries, view.timeout, view.block, view.label))
        show("block", view.apply(double, 4))
    show("restored", (view.retries, view.timeout, view.block, view.label, view.targets))
    try:
        with view.temp_flags(retries=7):
            raise LookupError
    except LookupError:
        show("restored after an error", view.retries)
    expect("unknown flag", lambda: view.set_flags(colour=1), KeyError)
    expect("block must be bool", lambda: view.set_flags(block="no"), Exception)
    view.set_flags(retries=0, timeout=0)
    show(
        "apply with keywords of flags",
        view.apply_sync(lambda retries, timeout: (retries, timeout), retries=8, timeout=9),
    )


def targets(rc):
    places = dict(zip(rc.ids, rc[:].apply_sync(here), strict=True))
    for engine in rc.ids:
        with rc.load_balanced_view().temp_flags():
            view = rc.load_balanced_view(targets=[engine])
            found = {view.apply_sync(here) for _ in range(4)}
        show(f"only engine {engine}", found == {places[engine]})
    view = rc.load_balanced_view()
    with view.temp_flags(targets=[1]):
        ars = [view.apply(here) for _ in range(4)]
    show("temporary", {ar.get(timeout=60) for ar in ars} == {places[1]})
    show("engine_id", {ar.engine_id for ar in ars})
    ars = [view.apply(here) for _ in range(20)]
    show("all engines known", {ar.get(timeout=60) for ar in ars} <= set(places.values()))
    expect("no such engine", lambda: rc.load_balanced_view(targets=[99]), Exception)


def after_and_follow(rc):
    view = rc.load_balanced_view()
    with view.temp_flags(targets=[1]):
        first = view.apply(double, 1)
    first.get(timeout=60)
    with view.temp_flags(follow=first):
        ars = [view.apply(double, n) for n in range(4)]
    show("follow", ([ar.get(timeout=60) for ar in ars], {ar.engine_id for ar in ars}))
    gate = Gate()
    held = view.apply(gate.holder(1))
    for label, form in (
        ("AsyncResult", held),
        ("id", held.msg_ids[0]),
        ("list", [held]),
        ("list of ids", held.msg_ids),
        ("Dependency", ipp.Dependency(held)),
    ):
        with view.temp_flags(after=form):
            ar = view.apply(double, 5)
        show(f"after as {label}", (ar.ready(), type(view.after).__name__))
    with view.temp_flags(after=held):
        last = view.apply(double, 6)
    gate.open()
    show("then", last.get(timeout=60))
    show("order", held.completed <= last.started)
    show("nothing", view.apply_sync(double, 3))


def failures(rc):
    view = rc.load_balanced_view()
    bad = view.apply(fail)
    bad.wait(60)
    with view.temp_flags(after=bad):
        impossible = view.apply(double, 1)
    impossible.wait(60)
    show("after a failure", (impossible.successful(), impossible.exception().ename))
    with view.temp_flags(after=ipp.Dependency(bad, success=False, failure=True)):
        show("cleanup", view.apply(double, 1).get(timeout=60))
    with view.temp_flags(after=ipp.Dependency(bad, failure=True)):
        show("either", view.apply(double, 2).get(timeout=60))
    good = view.apply(double, 1)
    good.wait(60)
    with view.temp_flags(after=ipp.Dependency(good, success=False, failure=True)):
        impossible = view.apply(double, 1)
    impossible.wait(60)
    show("cleanup of a success", (impossible.successful(), impossible.exception().ename))
    with view.temp_flags(after=ipp.Dependency([good, bad], all=False)):
        show("any", view.apply(double, 3).get(timeout=60))


def retried(rc):
    view = rc.load_balanced_view()
    gate = Gate()
    path = os.path.join(gate.folder, "attempts")
    with view.temp_flags(retries=1):
        show("second attempt", view.apply(flaky, path).get(timeout=60))
    with view.temp_flags(retries=1):
        remote("too few", lambda: view.apply(fail).get(timeout=60), anywhere=True)
    expect("not a number", lambda: view.set_flags(retries="many"), Exception)


def timeouts(rc):
    view = rc.load_balanced_view()
    gate = Gate()
    held = view.apply(gate.holder())
    with view.temp_flags(after=held, timeout=0.2):
        late = view.apply(double, 1)
    late.wait(60)
    show("late", (late.successful(), late.started))
    gate.open()
    held.get(timeout=60)
    with view.temp_flags(timeout=30):
        show("in time", view.apply(double, 1).get(timeout=60))


def views_remember(rc):
    view = rc.load_balanced_view()
    show("history", len(view.history))
    ar = view.apply(double, 1)
    show("one more", (len(view.history), view.history[-1] == ar.msg_ids[0], rc.history[-1] == ar.msg_ids[0]))
    ar.get(timeout=60)
    until(lambda: view.wait(timeout=1))
    show("outstanding", len(rc.outstanding & set(ar.msg_ids)))
    show("get_result by index", view.get_result(-1).get(timeout=60))
    show("wait", view.wait(timeout=60))


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    for part in (flags, targets, after_and_follow, failures, retried, timeouts, views_remember):
        print(f"== {part.__name__}")
        part(rc)
