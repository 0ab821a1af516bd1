"""What tests of commands need: a logger that keeps its messages, and a batch system that does as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any


class Log:
    """Keeps its messages; like some loggers it takes nothing but a text."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def debug(self, message: str) -> None:
        self.messages.append(message)

    info = warning = debug


class ExitTimeoutException(Exception):
    """The classes are known by their names only."""


class InvalidJobException(Exception):
    pass


class DrmCommunicationException(Exception):
    pass


class NoActiveSessionException(Exception):
    pass


def ended(exit_code: int = 0) -> SimpleNamespace:
    """A job that has ended by itself."""
    return SimpleNamespace(
        hasExited=True, hasSignal=False, terminatedSignal="", wasAborted=False, exitStatus=exit_code, resourceUsage={}
    )


class FakeSession:
    """A DRMAA session.

    Args:
        answers: What waiting says, one after the other: a value, an exception, or a function that makes either. The
            last one is repeated.
        state: What the state of every job is, or an exception.
    """

    def __init__(self, *answers: Any, state: Any = "running") -> None:
        self.templates: list[Any] = []
        self.deleted_templates = 0
        self.orders: list[tuple[str, str]] = []
        self.state = state
        self.waiting = threading.Event()
        self._answers: Iterator[Any] = _then_the_last_one(answers)

    def createJobTemplate(self) -> SimpleNamespace:
        template = SimpleNamespace()
        self.templates.append(template)
        return template

    def deleteJobTemplate(self, template: Any) -> None:
        self.deleted_templates += 1

    def runJob(self, template: Any) -> str:
        return str(len(self.templates))

    def wait(self, job_id: str, timeout_s: int) -> Any:
        assert timeout_s == 1
        self.waiting.set()
        return _said(next(self._answers))

    def jobStatus(self, job_id: str) -> str:
        return _said(self.state)

    def control(self, job_id: str, order: str) -> None:
        self.orders.append((job_id, order))


def _said(answer: Any) -> Any:
    if isinstance(answer, BaseException):
        raise answer
    return _said(answer()) if isinstance(answer, Callable) else answer


def _then_the_last_one(answers: tuple[Any, ...]) -> Iterator[Any]:
    yield from answers
    while True:
        yield answers[-1]
