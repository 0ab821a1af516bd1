"""The jobs that a worker holds, and where they run: from a claim to what became of it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from gangline._runtime.handle import Handle
from gangline.errors import GanglineError
from gangline.queue.worker.endings import ending_of
from gangline.queue.worker.held import EndedBy, Held, HeldJobs
from gangline.queue.worker.place import Place
from gangline.queue.worker.said import read_properties
from gangline.store.jobs.port import Claim, Ending

__all__ = ["Roster"]

_UNBEGUN_S = 0.25
"""After this long a job that still waits for a job that runs is handed back, for other workers to take."""

_log = logging.getLogger("gangline.worker")


class Roster:
    """Has claims run and says what became of them.

    Args:
        slots: How many jobs run at once.
        address: The queue, for jobs that ask for it.
        notify: Is called from another thread when a job has ended.
    """

    def __init__(self, slots: int, address: str, notify: Callable[[], None]) -> None:
        self._slots = slots
        self._address = address
        self._notify = notify
        self._held = HeldJobs()
        self._places: dict[str, Place] = {}
        self._ended: deque[Held] = deque()
        self._notified = False
        self._renewed_engines: set[tuple[str, int]] = set()

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(self._held)

    def get(self, job: int, fence: int) -> Held | None:
        """The claim, if it is held."""
        return self._held.get(job, fence)

    @property
    def has_news(self) -> bool:
        """Whether a job has ended that was not collected."""
        return bool(self._ended)

    @property
    def is_uniform(self) -> bool:
        """Whether all jobs run on the engines of one interpreter."""
        return len(self._places) <= 1

    def durations(self, now: float) -> list[tuple[str, float]]:
        """Of each: its class, and for how many seconds it has been running."""
        return self._held.durations(now)

    def prepare(self) -> None:
        """Start the engines of this interpreter."""
        self._place("")

    def start(self, claims: Iterable[Claim], now: float) -> list[Ending]:
        """Have jobs run; gives the endings of those that cannot."""
        by_python: dict[str, list[Claim]] = {}
        for claim in claims:
            by_python.setdefault(claim.lane.python, []).append(claim)
        refused: list[Ending] = []
        for python, some in by_python.items():
            try:
                place = self._place(python)
            except GanglineError as error:
                refused += [Ending(claim.id, claim.fence, "refused", error=str(error)) for claim in some]
                continue
            for claim, handle in zip(some, place.start(some), strict=True):
                held = Held(claim, place, handle, taken_at=now)
                self._held.add(held)
                handle.add_listener(partial(self._on_end, held))
        self._infer_begun(now)
        return refused

    def collect(self, now: float) -> list[tuple[Claim, Ending | None]]:
        """What became of the jobs that have ended; None if the store knows already."""
        self._notified = False
        endings: list[tuple[Claim, Ending | None]] = []
        again: list[Claim] = []
        handles: dict[Place, list[Handle]] = {}
        while self._ended:
            held = self._ended.popleft()
            self._held.remove(held)
            handles.setdefault(held.place, []).append(held.handle)
            if not held.ended_by and _is_stale(held):
                self._renew_engine(held)
                again.append(held.claim)
            else:
                endings.append((held.claim, ending_of(held, read_properties(held.claim.properties))))
        for place, ended in handles.items():
            place.forget(ended)
        if again:
            self.start(again, now)
        elif handles:
            self._infer_begun(now)
        return endings

    def end(self, held: Held, why: EndedBy, said: str) -> None:
        """End a job that is held, whether it runs or not."""
        held.ended_by, held.said = why, said
        held.place.kill(held.handle, said)

    def hand_back(self, now: float) -> None:
        """What waits behind a job that takes long may be taken by others."""
        running = {place: place.running() for place in self._places.values()}
        for held in reversed([*self._held]):  # so that what begins meanwhile is what comes first
            waits = held.handle.id not in running[held.place] and not held.place.lacks_engines()
            if waits and not held.ended_by and now - held.taken_at > _UNBEGUN_S:
                held.place.take_back(held.handle)

    def take_back_unbegun(self) -> None:
        """Hand back all that does not run."""
        for held in reversed([*self._held]):
            if held.begun_at is None and not held.ended_by:
                held.place.take_back(held.handle)

    def give_up_places(self) -> None:
        """Refuse the jobs of an interpreter whose engines cannot start."""
        for python, place in list(self._places.items()):
            reason = place.hopeless()
            if reason:
                _log.error("engines of %s cannot start: %s", python or "this interpreter", reason)
                for held in self._held:
                    if held.place is place and not held.ended_by:
                        self.end(held, "refused", f"no engine of {python or 'the worker'} could start: {reason}")
                del self._places[python]
                place.close()

    def close(self) -> None:
        """End all engines."""
        for place in self._places.values():
            place.close()

    def _place(self, python: str) -> Place:
        if python not in self._places:
            self._places[python] = Place(python, self._slots, self._address)
        return self._places[python]

    def _on_end(self, held: Held, _handle: Handle) -> None:
        """Called from the session's thread."""
        self._ended.append(held)
        if not self._notified:
            self._notified = True
            self._notify()

    def _renew_engine(self, held: Held) -> None:
        engine = held.handle.engine
        if engine is not None and (held.place.python, engine) not in self._renewed_engines:
            self._renewed_engines.add((held.place.python, engine))
            held.place.renew_engine(engine)

    def _infer_begun(self, now: float) -> None:
        """As many jobs run as there are slots, in the order in which they were taken."""
        for number, held in enumerate(self._held):
            if number >= self._slots:
                break
            if held.begun_at is None:
                held.begun_at = now


def _is_stale(held: Held) -> bool:
    outcome = held.outcome()
    return outcome is not None and outcome.kind == "stale"
