"""Dependencies in time (`after`) and place (`follow`): when they are met, and when they never can be.

A dependency counts tasks that ended as its switches say. With `all`, the first one that ended otherwise decides; with
any, the first one that counts does. To follow means to run on the engine where those that count have run: for `all`
there must be one such engine and it must be alive; for any, one that ran nowhere or whose engine is gone does not
count. A task that was never run (cancelled, impossible, timed out) has failed, and ran nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import Enum

from gangline._core.ledger import Ending
from gangline._core.state import CoreState
from gangline._core.task import Detail, Task, Watch, detail_of
from gangline.errors import ImpossibleDependency, InvalidDependency
from gangline.messages import Dependency, EngineId, TaskId

_NAMED_MAX = 5
"""How many ids a message names at most."""


class Verdict(Enum):
    """What is known of a task's dependencies together."""

    WAIT = "wait"
    MET = "met"
    IMPOSSIBLE = "impossible"


def watch(state: CoreState, task: Task) -> Verdict:
    """Begin to watch what a new task depends on; what has ended already is counted at once."""
    terms = task.terms
    detail = detail_of(task)
    if terms.after is not None:
        detail.after = _open(state, task, terms.after, in_place=False)
    if terms.follow is not None:
        detail.follow = _open(state, task, terms.follow, in_place=True)
    verdict = judge(detail)
    if verdict is Verdict.WAIT:
        _register(state, task)
    return verdict


def judge(detail: Detail) -> Verdict:
    """What both dependencies together say."""
    verdict = Verdict.MET
    for each in (detail.after, detail.follow):
        if each is None:
            continue
        if each.deciding:
            return Verdict.IMPOSSIBLE
        if not each.met:
            verdict = Verdict.WAIT
    return verdict


def ended(state: CoreState, task: Task, which: TaskId, ending: Ending, place: EngineId | None) -> Verdict:
    """Tell a waiting task that one that it depends on has ended."""
    detail = detail_of(task)
    live = state.engines
    if detail.after is not None and which in detail.after.dependency.ids:
        _count(detail.after, which, ending, place, in_place=False, live=live)
    if detail.follow is not None and which in detail.follow.dependency.ids:
        _count(detail.follow, which, ending, place, in_place=True, live=live)
    return judge(detail)


def impossible(state: CoreState, task: Task) -> ImpossibleDependency:
    """The error of a task whose dependencies were judged impossible; it names the ids that decided, and the first one.

    Where one waits for another in a long chain, that is the one whose failure has to be looked at.
    """
    detail = detail_of(task)
    name = state.name(task.id)
    for verb, each in (("run after", detail.after), ("follow", detail.follow)):
        if each is None or not each.deciding:
            continue
        if each.deciding == [task.id]:
            return InvalidDependency(f"task {name} is to {verb} itself")
        names = _names(state, each.deciding)
        if each.unknown.issuperset(each.deciding):
            return InvalidDependency(f"task {name} is to {verb} {names}: there is no such task here")
        root = state.causes.get(each.deciding[0])
        state.causes[task.id] = each.deciding[0] if root is None else root
        because = "" if root is None else f"; the first cause is {state.name(root)}"
        return ImpossibleDependency(f"task {name} can never run: it is to {verb} {names}, {_why(state, each)}{because}")
    raise AssertionError("no dependency of the task is impossible")


def _open(state: CoreState, task: Task, dependency: Dependency, *, in_place: bool) -> Watch:
    opened = Watch(dependency)
    opened.left = len(dependency.ids)
    if task.id in dependency.ids and (dependency.all or opened.left == 1):
        opened.deciding = [task.id]
        return opened
    for which in dependency.ids:
        if opened.deciding:
            break
        if which in state.tasks and which != task.id:
            continue
        ending = state.ledger.ending(which)
        place = state.ledger.place(which)
        if ending is Ending.UNKNOWN:
            opened.unknown |= {which}
        _count(opened, which, ending, place, in_place=in_place, live=state.engines)
    return opened


def _register(state: CoreState, task: Task) -> None:
    dependents = state.dependents
    for which in _waits_for(task):
        if which in state.tasks and which != task.id:
            if which in dependents:
                dependents[which].append(task)
            else:
                dependents[which] = [task]


def _count(
    each: Watch,
    which: TaskId,
    ending: Ending,
    place: EngineId | None,
    *,
    in_place: bool,
    live: Collection[EngineId],
) -> None:
    """Count one id that has ended, or does not exist, towards a dependency."""
    rule = each.dependency
    each.left -= 1
    counts = rule.success if ending is Ending.SUCCESS else rule.failure and ending is Ending.FAILURE
    if counts and in_place:
        if place is None or place not in live:
            counts = False
        else:
            each.places |= {place}
    if not counts:
        if rule.all:
            each.deciding = [which]
        elif not each.left and not each.met:
            each.deciding = sorted(rule.ids)
    elif rule.all and len(each.places) > 1:
        each.deciding = sorted(rule.ids)
    elif not rule.all or not each.left:
        each.met = True


def _names(state: CoreState, ids: Collection[TaskId]) -> str:
    shown = [state.name(which) for which in list(ids)[:_NAMED_MAX]]
    more = len(ids) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _why(state: CoreState, each: Watch) -> str:
    rule = each.dependency
    if rule.all and len(each.places) > 1:
        return f"which ran on different engines ({', '.join(map(str, sorted(each.places)))})"
    asked = "success or failure" if rule.success and rule.failure else "success" if rule.success else "failure"
    if not rule.all:
        return f"and not one of them ended where and how it should ({asked})"
    (which,) = each.deciding
    ending, place = state.ledger.ending(which), state.ledger.place(which)
    counted = rule.success if ending is Ending.SUCCESS else rule.failure
    if counted and place is None:
        return "which never ran on any engine"
    if counted:
        return f"whose engine {place} is gone"
    return f"which {'succeeded' if ending is Ending.SUCCESS else 'failed'}, and only {asked} counts"


def find_cycles(tasks: Sequence[Task]) -> dict[TaskId, list[TaskId]]:
    """Tasks of one submission that wait for themselves → a circle in which they do; without these no circle is left.

    A dependency on an earlier task cannot close a circle, so only a submission with a reference ahead is searched.
    """
    if not any(max(_waits_for(task), default=-1) > task.id for task in tasks):
        return {}
    waits_for = {task.id: _waits_for(task) - {task.id} for task in tasks}
    found: dict[TaskId, list[TaskId]] = {}
    done: set[TaskId] = set()
    for root in waits_for:
        path: dict[TaskId, Iterator[TaskId]] = {}
        if root not in done:
            path[root] = iter(sorted(waits_for[root]))
        while path:
            current = next(reversed(path))
            following = next(path[current], None)
            if following is None:
                path.popitem()
                done.add(current)
            elif following in path:
                order = list(path)
                circle = order[order.index(following) :]
                found.update(dict.fromkeys(circle, circle))
            elif following in waits_for and following not in done:
                path[following] = iter(sorted(waits_for[following]))
    return found


def _waits_for(task: Task) -> frozenset[TaskId]:
    """Every id that the task depends on."""
    after, follow = task.terms.after, task.terms.follow
    if after is None:
        return frozenset() if follow is None else follow.ids
    return after.ids if follow is None else after.ids | follow.ids
