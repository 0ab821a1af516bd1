"""The jobs that a worker holds: claimed, and not ended yet."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gangline.queue.execution.outcome import Outcome
from gangline.store.jobs.port import Claim, OutputLine

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle
    from gangline.queue.worker.place import Place

__all__ = ["EndedBy", "Held", "HeldJobs"]

EndedBy = Literal["", "kill", "wall", "zombie", "stop", "lost", "refused"]

_OUTPUT_MAX = 16 * 1024 * 1024
"""Characters of output that are kept of one claim."""


@dataclass(slots=True, eq=False)
class Held:
    """One job that is held.

    Attributes:
        claim: The claim.
        place: Where it runs.
        handle: Its task.
        taken_at: When it was claimed, by the monotonic clock.
        begun_at: When it was first seen running; None if it was not.
        ended_by: Why the worker ended it, if it did; `said`: the same in words.
        told_at: When its progress was last written to the store; `output_told_at`: what it wrote.
        active_at: When it last told its progress.
        progress: What it told then.
        shown: How much of each of its streams is in the store; `kept`: how many characters that are.
        flagged: The flags that it has got.
    """

    claim: Claim
    place: Place
    handle: Handle
    taken_at: float
    begun_at: float | None = None
    ended_by: EndedBy = ""
    said: str = ""
    told_at: float = 0.0
    active_at: float = 0.0
    progress: Any = None
    shown: dict[str, int] = field(default_factory=dict)
    flagged: set[str] = field(default_factory=set)
    output_told_at: float = 0.0
    kept: int = 0
    _before: dict[str, int] = field(default_factory=dict)
    _kept_before: int = 0

    def outcome(self) -> Outcome | None:
        """What the engine has reported; None if it is complete, or has not ended so that there is a report."""
        value = self.handle.value
        if value is None:
            return None
        outcome: Outcome = pickle.loads(value)
        return outcome

    def news(self) -> tuple[OutputLine, ...]:
        """What it has written and logged since the last call."""
        extras = self.handle.extras
        if not extras:
            return ()
        self._before, self._kept_before = dict(self.shown), self.kept
        now = time.time()
        lines: list[OutputLine] = []
        for stream in ("stdout", "stderr", "output"):
            text, start = extras.get(stream, ""), self.shown.get(stream, 0)
            if len(text) > start:
                lines.append(OutputLine(stream, now, text[start:]))
                self.shown[stream] = len(text)
        logs, start = extras.get("logs", ()), self.shown.get("logs", 0)
        if len(logs) > start:
            lines.extend(_log_line(record) for record in logs[start:])
            self.shown["logs"] = len(logs)
        return tuple(self._within_limit(lines, now))

    def _within_limit(self, lines: list[OutputLine], now: float) -> Iterator[OutputLine]:
        """Of a job that writes without end the beginning is kept."""
        for line in lines:
            room = _OUTPUT_MAX - self.kept
            self.kept += len(line.text)
            if room > 0:
                yield line if len(line.text) <= room else line._replace(text=line.text[:room])
            if 0 <= room < len(line.text):
                yield OutputLine(
                    "warning", now, f"\nwhat follows is not kept: it is more than {_OUTPUT_MAX} characters\n"
                )

    def forget_news(self) -> None:
        """What the last call of `news` gave did not arrive: give it again."""
        self.shown, self.kept = self._before, self._kept_before


def _log_line(record: dict[str, Any]) -> OutputLine:
    trace = record.get("exc_text")
    text = f"{record['msg']}\n{trace}" if trace else record["msg"]
    return OutputLine(record["levelname"].lower(), record["created"], f"{text}\n")


class HeldJobs:
    """All of them, by claim and by task."""

    def __init__(self) -> None:
        self._by_claim: dict[tuple[int, int], Held] = {}

    def __len__(self) -> int:
        return len(self._by_claim)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._by_claim.values()))

    def add(self, held: Held) -> None:
        """One more."""
        self._by_claim[held.claim.id, held.claim.fence] = held

    def get(self, job: int, fence: int) -> Held | None:
        """The one of this claim."""
        return self._by_claim.get((job, fence))

    def remove(self, held: Held) -> None:
        """It has ended."""
        self._by_claim.pop((held.claim.id, held.claim.fence), None)

    def durations(self, now: float) -> list[tuple[str, float]]:
        """Of each: its class, and for how many seconds it has been running."""
        return [
            (held.claim.lane.name, 0.0 if held.begun_at is None else now - held.begun_at)
            for held in self._by_claim.values()
        ]
