"""Which of the documented behaviours a backend has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Interrupts", "Traits"]


class Interrupts(Enum):
    """Where `Backend.interrupt` reaches a task."""

    ANYWHERE = "anywhere"
    """Also while it waits for the system."""
    IN_PYTHON = "in Python code"
    """As soon as it runs Python code again."""
    NEVER = "never"
    """Nowhere: the request has no effect."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What a backend can do.

    Args:
        own_processes: Engines are processes of their own, so a task may end its engine and an engine can be sent a
            signal. Else they live in the client's process.
        concurrent: Engines work, and what they write is shown, while the client does something else. Else tasks run in
            `Backend.turn` only, and what they write goes to the client's streams at once.
        ends_by_force: `kill` ends a task that runs. Else the task is abandoned: it runs on, and does not count.
        copies: Calls and results travel as copies, so what cannot be pickled is refused and what either side changes
            is its own. Else they are the very objects.
        last_words: With processes: what an engine wrote to its descriptors before it died is in the reason.
        interrupts: Where an interrupt reaches a task.
    """

    own_processes: bool
    concurrent: bool
    ends_by_force: bool
    copies: bool
    last_words: bool
    interrupts: Interrupts
