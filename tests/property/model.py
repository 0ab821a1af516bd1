"""What must become of tasks, said as simply as possible: no index, no lane, no heap; every question scans everything.

The model is told the same events as the core. It predicts which tasks end and how, and judges every dispatch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from gangline._core.task import Task
from gangline.messages import Dependency, EngineId, Status, TaskId, Terms

WAIT, MET, IMPOSSIBLE = "wait", "met", "impossible"
FORCE_AFTER_S = 1.0


@dataclass
class Known:
    """One task as the model sees it."""

    task: Task
    submitted_at: float
    admitted: bool = False
    released: bool = False
    observed: dict[TaskId, tuple[bool | None, EngineId | None]] = field(default_factory=dict)
    places: frozenset[EngineId] | None = None
    refused: set[EngineId] = field(default_factory=set)
    failed_on: list[EngineId] = field(default_factory=list)
    may_fall_back: bool = False
    delayed_until: float | None = None
    engine: EngineId | None = None
    sent_at: float = 0.0
    cancelled: bool = False
    interrupted: bool = False
    expired: bool = False
    overdue_at: float | None = None
    forced: bool = False
    outcome: str | None = None
    ran_on: EngineId | None = None

    @property
    def id(self) -> TaskId:
        return self.task.id

    @property
    def terms(self) -> Terms:
        return self.task.terms

    @property
    def ready(self) -> bool:
        return self.released and self.engine is None and self.delayed_until is None and self.outcome is None


@dataclass
class Host:
    cores: float


@dataclass
class Machine:
    """One engine as the model sees it; `queue` is what was sent and has not ended."""

    host: Host
    queue: list[Known] = field(default_factory=list)
    leaving: bool = False


class Model:
    """All tasks and engines; `ended` collects what the current event is to end."""

    def __init__(self) -> None:
        self.tasks: dict[TaskId, Known] = {}
        self.engines: dict[EngineId, Machine] = {}
        self.caps: dict[str, int] = {}
        self.ended: dict[TaskId, str] = {}
        self.interrupted: set[TaskId] = set()
        self.killed: set[EngineId] = set()
        self._telling: deque[Known] = deque()

    # Events ---------------------------------------------------------------------------------------------------

    def submit(self, tasks: list[Task], circular: set[TaskId], now: float) -> None:
        for task in tasks:
            self.tasks[task.id] = Known(task, now)
        assert_circles(tasks, circular)
        for task in tasks:
            known = self.tasks[task.id]
            known.admitted = True
            if known.id in circular:
                self.end(known, "ImpossibleDependency")
                continue
            for which in dependencies(known.terms):
                other = self.tasks.get(which)
                if other is known or other is None:
                    known.observed[which] = (None, None)
                elif other.outcome is not None:
                    self._observe(known, other)
            self._judge(known)

    def lose(self, engine_id: EngineId, running: set[TaskId], order: dict[TaskId, int], now: float) -> None:
        had_place = {known.id for known in self.tasks.values() if known.ready and self.candidates(known)}
        machine = self.engines.pop(engine_id)
        for known in machine.queue:
            known.engine = None
            if known.id in running:
                self._attempt_failed(known, engine_id, "EngineError", now)
            elif known.terms.pinned and not known.cancelled:
                self.end(known, "EngineError")
            else:
                self._give_back(known)
        ready = [known for known in self.tasks.values() if known.ready and known.id in had_place]
        for known in sorted(ready, key=lambda each: order.get(each.id, -1)):
            self._place(known)

    def finish(self, engine_id: EngineId, attempts: list[tuple[TaskId, Status]], now: float) -> None:
        machine = self.engines[engine_id]
        for task_id, status in attempts:
            known = self.tasks[task_id]
            machine.queue.remove(known)
            known.engine = None
            if status is Status.OK:
                self.end(known, "TaskCancelled" if known.interrupted else "ok", engine_id)
            elif status is Status.UNMET and not known.terms.pinned:
                known.refused.add(engine_id)
                if known.cancelled:
                    self.end(known, "TaskCancelled", engine_id)
                else:
                    self._release(known)
            else:
                self._attempt_failed(known, engine_id, "error", now)

    def give_back(self, engine_id: EngineId, tasks: list[TaskId]) -> None:
        for task_id in tasks:
            known = self.tasks[task_id]
            self.engines[engine_id].queue.remove(known)
            known.engine = None
            self._give_back(known)

    def cancel(self, known: Known, interrupt: bool) -> None:
        if known.engine is None:
            self.end(known, "TaskCancelled")
        else:
            known.cancelled = True
            known.interrupted |= interrupt

    def withdraw_cancellation(self, known: Known) -> None:
        known.cancelled = known.interrupted

    def tick(self, now: float) -> None:
        due: list[tuple[float, TaskId, str]] = []
        for known in self.tasks.values():
            if known.outcome is not None:
                continue
            terms = known.terms
            if terms.timeout_s and known.submitted_at + terms.timeout_s <= now:
                due.append((known.submitted_at + terms.timeout_s, known.id, "expire"))
            if known.delayed_until is not None and known.delayed_until <= now:
                due.append((known.delayed_until, known.id, "resume"))
            if terms.time_limit_s and known.engine is not None:
                self._watch_time(known, now)
        for _, task_id, what in sorted(due):
            known = self.tasks[task_id]
            if what == "expire" and known.outcome is None:
                self._expire(known)
            elif what == "resume" and known.outcome is None:
                known.delayed_until = None
                self._place(known)

    def _watch_time(self, known: Known, now: float) -> None:
        assert known.terms.time_limit_s
        assert known.engine is not None
        if known.overdue_at is not None and now >= known.overdue_at + FORCE_AFTER_S and not known.forced:
            known.forced = True
            self.killed.add(known.engine)
        elif known.overdue_at is None and now >= known.sent_at + known.terms.time_limit_s:
            known.overdue_at = now
            self.interrupted.add(known.id)

    def _expire(self, known: Known) -> None:
        if known.engine is not None:
            known.expired = True
        elif not known.failed_on:
            self.end(known, "DependencyTimeout")

    # What follows ---------------------------------------------------------------------------------------------

    def end(self, known: Known, how: str, ran_on: EngineId | None = None) -> None:
        assert known.outcome is None, f"task {known.id} ends twice"
        known.outcome = how
        known.ran_on = ran_on if ran_on is not None else (known.failed_on[-1] if known.failed_on else None)
        self.ended[known.id] = how
        self._telling.append(known)
        if len(self._telling) > 1:
            return
        while self._telling:
            which = self._telling[0]
            for other in list(self.tasks.values()):
                waits = other.admitted and not other.released and other.outcome is None
                if waits and which.id in dependencies(other.terms) - other.observed.keys():
                    self._observe(other, which)
                    self._judge(other)
            self._telling.popleft()

    def _observe(self, known: Known, other: Known) -> None:
        place = other.ran_on if other.ran_on in self.engines else None
        known.observed[other.id] = (other.outcome == "ok", place)

    def _judge(self, known: Known) -> None:
        after, _ = verdict(known.terms.after, known, in_place=False)
        follow, places = verdict(known.terms.follow, known, in_place=True)
        if IMPOSSIBLE in (after, follow):
            self.end(known, "ImpossibleDependency")
        elif after == follow == MET:
            if known.terms.follow is not None and known.terms.follow.ids:
                known.places = places
            known.released = True
            self._place(known)

    def _release(self, known: Known) -> None:
        if known.expired and not known.failed_on:
            self.end(known, "DependencyTimeout")
        else:
            self._place(known)

    def _place(self, known: Known) -> None:
        """End a ready task that no engine can ever run."""
        named = known.terms.targets is not None or known.places is not None
        if self.candidates(known):
            return
        waits_for_new_ones = not self.engines or known.terms.patient or known.terms.timeout_s
        if named and known.terms.pinned and not (known.places is not None and not known.places & known.terms.targets):
            gone = (known.terms.targets or frozenset()) - self.engines.keys()
            self.end(known, "EngineError" if gone else "ImpossibleDependency")
        elif named or not waits_for_new_ones:
            self.end(known, "ImpossibleDependency")

    def _give_back(self, known: Known) -> None:
        if known.cancelled:
            self.end(known, "TaskCancelled")
        else:
            self._release(known)

    def _attempt_failed(self, known: Known, engine_id: EngineId, how: str, now: float) -> None:
        if known.cancelled:
            # What had begun before it could be called back has ended as it has ended.
            stands = how == "error" and not known.interrupted
            self.end(known, how if stands else "TaskCancelled", engine_id)
            return
        if known.overdue_at is not None:
            how = "TaskTimedOut"
        gone = known.terms.pinned and engine_id not in self.engines
        if len(known.failed_on) >= known.terms.retries or gone:
            self.end(known, how, engine_id)
            return
        known.failed_on.append(engine_id)
        known.may_fall_back = False
        delay_s = known.terms.retry_delay_s * known.terms.retry_backoff ** (len(known.failed_on) - 1)
        if delay_s > 0:
            known.delayed_until = now + delay_s
        else:
            self._release(known)

    # Questions ------------------------------------------------------------------------------------------------

    def candidates(self, known: Known) -> set[EngineId]:
        """Live engines that may run the task now or later."""
        needed = dict(known.terms.resources).get("cores", 0.0)
        found = set(self.engines) if known.terms.targets is None else set(self.engines) & known.terms.targets
        if known.places is not None:
            found &= known.places
        return {each for each in found - known.refused if self.engines[each].host.cores >= needed}

    def preferred(self, known: Known) -> set[EngineId]:
        candidates = self.candidates(known)
        return candidates - set(known.failed_on) or candidates

    def has_room(self, known: Known) -> bool:
        """Whether its limits let it run."""
        return all(
            sum(name in each.terms.limits for machine in self.engines.values() for each in machine.queue)
            < self.caps[name]
            for name in known.terms.limits
            if name in self.caps
        )

    def fits(self, known: Known, engine_id: EngineId) -> bool:
        """Whether its host has enough to spare."""
        host = self.engines[engine_id].host
        running = [each for machine in self.engines.values() if machine.host is host for each in machine.queue]
        used = sum(dict(each.terms.resources).get("cores", 0.0) for each in (*running, known))
        return used <= host.cores

    def note_fallbacks(self) -> None:
        """Whoever has no engine left but those that it failed on may try these again, now and later."""
        for known in self.tasks.values():
            if known.ready and known.failed_on and not self.candidates(known) - set(known.failed_on):
                known.may_fall_back = True

    def send(self, known: Known, engine_id: EngineId, now: float) -> None:
        """Judge a dispatch."""
        machine = self.engines[engine_id]
        assert known.ready, f"task {known.id} is sent, and is not ready"
        assert not machine.leaving, f"engine {engine_id} is leaving and gets task {known.id}"
        assert engine_id in self.candidates(known), f"task {known.id} may not run on engine {engine_id}"
        assert engine_id not in known.failed_on or known.may_fall_back, f"task {known.id} has failed on {engine_id}"
        assert self.has_room(known), f"a limit of task {known.id} has no room"
        assert self.fits(known, engine_id), f"task {known.id} does not fit on engine {engine_id}"
        assert not (known.terms.prompt and machine.queue), f"task {known.id} would wait on engine {engine_id}"
        assert not any(each.terms.prompt for each in machine.queue), f"task {known.id} waits behind a prompt one"
        known.engine, known.sent_at, known.overdue_at = engine_id, now, None
        known.forced = False
        machine.queue.append(known)

    def assert_none_idles(self) -> None:
        """No engine has nothing to do while a ready task may run there."""
        idle = {each for each, machine in self.engines.items() if not machine.queue and not machine.leaving}
        for known in self.tasks.values():
            if known.ready and self.has_room(known):
                missed = [each for each in self.preferred(known) & idle if self.fits(known, each)]
                assert not missed, f"task {known.id} waits, and engine {missed} is idle"


def dependencies(terms: Terms) -> set[TaskId]:
    return {which for each in (terms.after, terms.follow) if each is not None for which in each.ids}


def verdict(rule: Dependency | None, known: Known, *, in_place: bool) -> tuple[str, frozenset[EngineId]]:
    """What has been seen of a dependency says."""
    if rule is None or not rule.ids:
        return MET, frozenset()
    seen = {which: known.observed[which] for which in rule.ids if which in known.observed}
    counted = {
        which: place
        for which, (ok, place) in seen.items()
        if ((ok is True and rule.success) or (ok is False and rule.failure)) and not (in_place and place is None)
    }
    places = frozenset(place for place in counted.values() if place is not None)
    if rule.all:
        if len(counted) < len(seen) or (in_place and len(places) > 1):
            return IMPOSSIBLE, places
        return (MET if len(counted) == len(rule.ids) else WAIT), places
    if counted:
        return MET, places
    return (IMPOSSIBLE if len(seen) == len(rule.ids) else WAIT), places


def assert_circles(tasks: Iterable[Task], refused: set[TaskId]) -> None:
    """Only tasks that wait for themselves were refused for it, and no circle is left without them."""
    graph = {task.id: dependencies(task.terms) - {task.id} for task in tasks}
    for task_id in refused:
        assert task_id in reachable(graph, task_id), f"task {task_id} is in no circle"
    rest = {task_id: ids for task_id, ids in graph.items() if task_id not in refused}
    for task_id in rest:
        assert task_id not in reachable(rest, task_id), f"task {task_id} waits for itself and was let in"


def reachable(graph: dict[TaskId, set[TaskId]], start: TaskId) -> set[TaskId]:
    found: set[TaskId] = set()
    open_ = [start]
    while open_:
        for which in graph.get(open_.pop(), ()):
            if which not in found:
                found.add(which)
                open_.append(which)
    return found
