"""The worker: one daemon on a host that takes jobs from a queue and has them run.

Rules:
    One thread does everything; others only say that something happened, but for the guard, who ends jobs whose leases
    are over while this thread waits for the store. What a worker says to the store goes through `turn`, `renew` and
    `tell`; no job of another process is ever touched.
    A job that is held is this worker's as long as its lease is renewed. A worker that could not renew in time ends its
    jobs, since somebody else may have them by now; whether that is so the store says, by their fences.
    What became of a job is kept until the store has it, however long the store is away.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import time
from collections import Counter
from collections.abc import Sequence

from gangline.errors import StoreUnavailable, UsageError
from gangline.queue.facade import Queue
from gangline.queue.schedules import fire_due
from gangline.queue.worker.appetite import Appetite
from gangline.queue.worker.chores import Chores
from gangline.queue.worker.contact import Contact
from gangline.queue.worker.guard import Guard
from gangline.queue.worker.load import LoadLimits
from gangline.queue.worker.roster import Roster
from gangline.queue.worker.watch import Watch
from gangline.store.jobs.port import FINAL, Claim, Ending, JobStore, TurnResult

__all__ = ["Worker"]

_GATHER_S = 0.01
"""How long the end of a short job may wait for others to be told with it, while there is work at hand."""

_GATHER_WITH_CLAIM_S = 0.05
"""The same, if jobs are to be taken by then: one turn does for both."""

_WATCH_S = 0.1
_IDLE_S = 5.0
_LOAD_S = 1.0
_ORDERS_S = 0.25
"""Orders to end jobs are asked for as often as that at most, when the queue changes."""

_RECOVER_S = 1.0
"""Jobs of dead workers are looked for as often as this at least, so that they run soon after their leases are over."""

_SCHEDULES_S = 5.0

_log = logging.getLogger("gangline.worker")


class Worker:
    """Takes jobs and has them run, until it is stopped.

    Args:
        queue: The queue; it is closed by whoever opened it.
        slots: How many jobs run at once; None: one for each core.
        name: By which jobs choose it; None: made from the host and the process.
        lease_s: How long jobs stay this worker's without a sign of life.
        limits: When the host is too busy.
        until_empty: End when there is nothing left to do, instead of waiting for more.

    Attributes:
        name: Its name.
        host: This host's.
        done: How many jobs ended here in which way, as `Ending` has it.

    Raises:
        UsageError: A value makes no sense.
    """

    def __init__(
        self, queue: Queue, *, slots: int | None = None, name: str | None = None, lease_s: float = 10.0,
        limits: LoadLimits | None = None, until_empty: bool = False,
    ) -> None:  # fmt: skip
        if slots is not None and slots < 1:
            raise UsageError(f"a worker needs at least one slot, not {slots}")
        if not lease_s >= 1:
            raise UsageError(f"the lease must last at least a second, not {lease_s:g} s")
        self.host = socket.gethostname()
        self.slots = slots or len(os.sched_getaffinity(0))
        self.name = name or f"{self.host}-{os.getpid()}"
        self.done: Counter[str] = Counter()
        self._queue = queue
        self._store: JobStore = queue.database
        self._lease_s = lease_s
        self._limits = limits or LoadLimits()
        self._until_empty = until_empty
        self._uid = ""
        self._roster = Roster(self.slots, queue._address, self._store.wake)
        self._appetite = Appetite(self.slots)
        self._watch = Watch(self._store)
        self._chores = Chores()
        self._endings: list[Ending] = []
        self._first_ending_at = 0.0
        self._stops = 0
        self._halted = False
        self._stopped_hard = False
        self._ask = True
        self._due_at = 0.0
        self._renewed_at = 0.0
        self._guard = Guard(self._lose_all)
        self._busy = ""
        self._contact = Contact()

    # The whole ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until stopped.

        Raises:
            UsageError: A living worker has this name.
            StoreError: The store cannot be used.
        """
        self._uid = self._register()
        now = time.monotonic()
        self._guard.leased_until = now + self._lease_s
        for period_s, name, call in (
            (self._lease_s / 3, "renew", self._renew),
            (min(self._lease_s / 4, _RECOVER_S), "recover", self._recover),
            (_WATCH_S, "watch", self._watch_over),
            (_SCHEDULES_S, "schedules", self._follow_timetable),
            (_LOAD_S if self._limits.any else math.inf, "load", self._look_at_load),
        ):
            self._chores.every(period_s, name, call, first_at=now)
        self._queue.schedule_configured()
        self._roster.prepare()
        self._guard.start()
        _log.info("worker %s: %d slots, queue %s", self.name, self.slots, self._store.url)
        try:
            while self._step():
                pass
        finally:
            self._leave()

    def stop(self) -> None:
        """Take no more jobs and end when those that run have ended; called again: end them, too, and hand them back.

        May be called from any thread and from signal handlers.
        """
        self._stops += 1
        self._store.wake()

    def _register(self) -> str:
        return self._store.register(self.name, self.host, os.getpid(), self.slots, self._lease_s)

    def _step(self) -> bool:
        now = time.monotonic()
        self._obey()
        self._collect(now)
        if now >= self._contact.retry_at:
            try:
                if self._contact.lost:
                    self._chores.hurry("renew", now)  # only an answer tells that it is back
                self._chores.run_due(now)
                if self._turn_is_due(now):
                    self._turn(now)
                self._ask |= self._contact.succeeded()
            except StoreUnavailable as error:
                self._contact.failed(error)
        if self._is_done():
            return False
        self._sleep()
        return True

    def _is_done(self) -> bool:
        if len(self._roster) or (self._endings and not self._stopped_hard):
            return False
        if self._stops or self._halted:
            return True
        return self._until_empty and not self._ask and self._nothing_left()

    def _nothing_left(self) -> bool:
        if self._contact.lost:
            return False
        try:
            return all(state in FINAL for state in self._store.count_states(journal=False))
        except StoreUnavailable as error:
            self._contact.failed(error)
            return False

    def _sleep(self) -> None:
        now = time.monotonic()
        if self._roster.has_news:
            return
        until = self._chores.next_at()
        if self._endings:
            until = min(until, self._tell_at(now))
        until = min(until, self._hungry_at(now))
        if self._contact.lost:
            until = max(until, self._contact.retry_at)
        try:
            if self._wait(max(until - now, 0.0)):
                self._ask = True
                if len(self._roster):  # one of them may have been killed
                    self._chores.hurry("renew", self._renewed_at + _ORDERS_S)
        except StoreUnavailable as error:
            self._contact.failed(error)
            time.sleep(_WATCH_S)

    def _wait(self, timeout_s: float) -> bool:
        """Wait for a job to end or for the queue to change; whether it may have changed."""
        if len(self._roster) < self.slots:
            return self._store.wait_for_change(timeout_s)
        # With many workers the queue changes all the time. One that has no room looks at it now and then.
        self._store.sleep(min(timeout_s, _ORDERS_S))
        return not self._roster.has_news and self._store.wait_for_change(0.0)

    def _hungry_at(self, now: float) -> float:
        """When there may be something to take, and room for it, if nothing happens before."""
        if not self._takes_more():
            return math.inf
        if len(self._roster) < self.slots:
            return now if self._ask else self._due_at
        if not self._roster.is_uniform or not (self._ask or now >= self._due_at):
            return math.inf
        next_in_s = self._appetite.next_in_s(self._roster.durations(now))
        return math.inf if next_in_s is None else now + max(next_in_s, _GATHER_S / 10)

    # Turns --------------------------------------------------------------------------------------------------------

    def _takes_more(self) -> bool:
        return not (self._stops or self._halted)

    def _turn_is_due(self, now: float) -> bool:
        if self._endings and (len(self._roster) < self.slots or now >= self._tell_at(now)):
            return True
        if not self._takes_more() or not (self._ask or now >= self._due_at):
            return False
        return len(self._roster) < self.slots or bool(self._ahead(now))

    def _tell_at(self, now: float) -> float:
        """When to tell what has ended, if all slots are busy."""
        claim_at = self._hungry_at(now)
        soon = claim_at <= self._first_ending_at + _GATHER_WITH_CLAIM_S
        return claim_at if soon else self._first_ending_at + _GATHER_S

    def _ahead(self, now: float) -> dict[str, int]:
        return self._appetite.ahead(self._roster.durations(now)) if self._roster.is_uniform else {}

    def _turn(self, now: float) -> None:
        ahead = self._ahead(now) if self._takes_more() else {}
        # Whatever comes next by its priority is taken, even if nobody knows how long it takes; else it would wait as
        # long as there are jobs of which that is known.
        room = max(self.slots - len(self._roster), int(bool(ahead))) if self._takes_more() else 0
        asked = max(room, *ahead.values()) if ahead else room
        endings = self._endings
        hasty = not endings and len(self._roster) < self.slots
        result = self._store.turn(
            self._uid, endings, room=room, ahead=ahead, forced_only=bool(self._busy), hasty=hasty
        )  # fmt: skip
        self._appetite.learn_turn(time.monotonic() - now)
        self._endings = []
        self._ask = self._appetite.may_be_more(Counter(claim.lane.name for claim in result.claimed), room, ahead)
        if asked:
            self._due_at = math.inf if result.next_in_s is None else now + result.next_in_s
        self._obey_store(result)
        for claim in result.claimed:
            _log.debug("job %d (%s) taken, trial %d", claim.id, claim.lane.name, claim.trial)
        for ending in self._roster.start(result.claimed, now):
            self._add_ending(ending, now)
        if result.claimed and hasty:
            self._confirm(result.claimed)
        self._chores.hurry("watch", now + _WATCH_S)

    def _confirm(self, claims: Sequence[Claim]) -> None:
        """Their jobs have begun while the store was still writing the claims down; whatever it forgets must end."""
        try:
            lost = self._store.confirm([(claim.id, claim.fence) for claim in claims])
        except StoreUnavailable:
            for claim in claims:
                self._lose(claim.id, claim.fence)
            raise
        for job, fence in lost:
            self._lose(job, fence)

    def _lose(self, job: int, fence: int) -> None:
        if (held := self._roster.get(job, fence)) and not held.ended_by:
            _log.warning("job %d is not this worker's any more", job)
            self._roster.end(held, "lost", "is another worker's by now")

    def _obey_store(self, result: TurnResult) -> None:
        for job, fence in result.lost:
            _log.warning("job %d is not this worker's any more", job)
            if held := self._roster.get(job, fence):
                self._roster.end(held, "lost", "is another worker's by now")
        for order in result.orders:
            if (held := self._roster.get(order.job, order.fence)) and not held.ended_by:
                _log.info("job %d is killed on order", order.job)
                self._roster.end(held, "kill", "was killed on order")
        if result.halt and not self._halted:
            _log.info("ordered to stop; %d jobs are running", len(self._roster))
            self._halted = True

    def _collect(self, now: float) -> None:
        for claim, ending in self._roster.collect(now):
            if ending is None:
                self.done["complete"] += 1
                continue
            if ending.kind in ("complete", "deferred"):
                self._appetite.learn(claim.lane.name, ending.runtime_s)
            elif ending.kind in ("failed", "refused"):
                _log.warning("job %d (%s) %s: %s", ending.job, claim.lane.name, ending.kind, _in_a_line(ending.error))
            _log.debug("job %d (%s) %s after %.3f s", ending.job, claim.lane.name, ending.kind, ending.runtime_s)
            self._add_ending(ending, now)

    def _add_ending(self, ending: Ending, now: float) -> None:
        if not self._endings:
            self._first_ending_at = now
        self._endings.append(ending)
        self.done["failed" if ending.kind == "refused" else ending.kind] += 1

    # Chores -------------------------------------------------------------------------------------------------------

    def _renew(self, now: float) -> None:
        try:
            result = self._store.renew(self._uid, [(held.claim.id, held.claim.fence) for held in self._roster])
        except UsageError:  # it was silent for so long that it was forgotten
            self._lose_all()
            self._uid = self._register()
            self._guard.leased_until = now + self._lease_s
            return
        self._renewed_at, self._guard.leased_until = now, now + self._lease_s
        self._obey_store(result)

    def _recover(self, _now: float) -> None:
        found = self._store.recover()
        if found:
            _log.warning("found jobs whose worker is dead: %s", ", ".join(map(str, found)))
            self._ask = True

    def _look_at_load(self, _now: float) -> None:
        before, self._busy = self._busy, self._limits.exceeded()
        if bool(before) != bool(self._busy):
            _log.warning("%s", f"{self._busy}: nothing more is started" if self._busy else "jobs are started again")
            self._ask = True

    def _follow_timetable(self, _now: float) -> float | None:
        if not self._takes_more():
            return None
        next_in_s = fire_due(self._store)
        return None if next_in_s is None else min(next_in_s, _SCHEDULES_S)

    def _watch_over(self, now: float) -> float | None:
        if not len(self._roster):
            return _IDLE_S
        self._roster.give_up_places()
        for held in self._roster:
            self._watch.look(held, now)
        if (
            len(self._roster) > self.slots
            and not self._roster.has_news
            and self._appetite.at_hand_s(self._roster.durations(now)) is None
        ):
            self._roster.hand_back(now)
        return None

    # Trouble, and the end -----------------------------------------------------------------------------------------

    def _lose_all(self) -> None:
        """Also called by the guard, from its thread."""
        for held in self._roster:
            if not held.ended_by:
                _log.error("job %d is ended: its lease could not be renewed in time", held.claim.id)
                self._roster.end(held, "lost", "is another worker's by now")

    def _obey(self) -> None:
        if not self._stops:
            return
        if not self._halted:
            self._halted = True
            _log.info("stopping; %d jobs are running, stop again to end them", len(self._roster))
            self._roster.take_back_unbegun()
        if self._stops > 1 and not self._stopped_hard:
            self._stopped_hard = True
            _log.warning("%d jobs are ended and handed back", len(self._roster))
            for held in self._roster:
                if not held.ended_by:
                    self._roster.end(held, "stop", "was ended with its worker")

    def _leave(self) -> None:
        self._guard.close()
        self._roster.close()
        try:
            if self._endings:
                self._store.turn(self._uid, self._endings)
            self._store.deregister(self._uid)
        except StoreUnavailable as error:
            _log.error("%s; what this worker held comes free when its leases end", error)
        _log.info("worker %s has ended", self.name)


def _in_a_line(error: str) -> str:
    """What stands last in a traceback, and first in everything else."""
    lines = error.strip().splitlines() or [""]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]
