"""Every exception that Gangline raises.

The first split says whose fault it is: `UsageError` is the caller's mistake, `TaskError` is what became of
a task, `BackendError`, `RemoteError` and `StoreError` are the world's doing, `InternalError` is a bug in Gangline.
`retryable` says whether another attempt can help. Every exception here survives pickling with its attributes.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BackendError",
    "ClusterUnreachable",
    "CommandFailed",
    "CommandNotStarted",
    "CommandOutOfMemory",
    "CommandTimedOut",
    "DependencyError",
    "DependencyTimeout",
    "EngineError",
    "GanglineError",
    "HostLost",
    "HostUnreachable",
    "ImpossibleDependency",
    "InternalError",
    "InvalidDependency",
    "JobExists",
    "JobLost",
    "JobRejected",
    "MissingExtra",
    "NoEngines",
    "RemoteError",
    "ResultUnreadable",
    "SessionClosed",
    "StoreError",
    "StoreUnavailable",
    "TaskCancelled",
    "TaskError",
    "TaskFailed",
    "TaskTimedOut",
    "UnmetDependency",
    "Unpicklable",
    "UpstreamFailed",
    "UsageError",
    "WaitTimeout",
]


class GanglineError(Exception):
    """Base of every error that Gangline raises itself.

    Attributes:
        retryable: Whether another attempt at the same thing can succeed.
    """

    retryable: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        # BaseException rebuilds with cls(*args), which breaks every subclass whose constructor takes
        # something else; the state carries the attributes instead.
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(cls: type[GanglineError], args: tuple[Any, ...], state: dict[str, Any]) -> GanglineError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(GanglineError, ValueError):
    """The call was wrong: an argument, a name, a value. Nothing was changed."""


class SessionClosed(UsageError, RuntimeError):
    """A client, session or view was used after `close`, or in a forked child of the process that made it."""


class MissingExtra(UsageError, ImportError):
    """An optional dependency is needed; the message names the extra to install."""


class Unpicklable(UsageError, TypeError):
    """Something that has to travel to an engine cannot be pickled; the message says which argument and why."""


class JobExists(UsageError):
    """A durable job of the same class with the same arguments is not final yet.

    Attributes:
        job: Its id.
    """

    def __init__(self, message: str, *, job: int = -1) -> None:
        super().__init__(message)
        self.job = job


class WaitTimeout(GanglineError, TimeoutError):
    """The time that a caller was willing to wait has passed; the task goes on."""

    retryable = True


class TaskError(GanglineError):
    """What became of a task that did not succeed."""


class TaskFailed(TaskError):
    """The task's own code failed in a way that cannot be shown as its own exception."""


class ResultUnreadable(TaskFailed):
    """The task ended, but its result or its exception could not be pickled or unpickled."""


class TaskTimedOut(TaskError):
    """The task ran longer than its time limit and was ended."""

    retryable = True


class TaskCancelled(TaskError):
    """The task was cancelled before it finished."""


class EngineError(TaskError):
    """The engine that ran the task died.

    Attributes:
        engine_id: The engine's number in its session.
        host: Where it ran.
        reason: Exit code or signal by name, in words.
    """

    retryable = True

    def __init__(self, message: str, *, engine_id: int = -1, host: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.engine_id = engine_id
        self.host = host
        self.reason = reason


class UpstreamFailed(TaskError):
    """The task was not run because one that it builds on failed."""


class DependencyError(TaskError):
    """The conditions under which the task may run were not met."""


class UnmetDependency(DependencyError):
    """Raised by a task to say: not on this engine. It is then tried on another one, never twice on the same."""


class ImpossibleDependency(UnmetDependency):
    """The conditions of the task can never be met; the message names what decided it."""


class InvalidDependency(ImpossibleDependency):
    """The task depends on an id that does not exist, or on itself."""


class DependencyTimeout(ImpossibleDependency):
    """The task was still waiting to be started when its `timeout` had passed."""

    retryable = True


class BackendError(GanglineError):
    """Engines could not be started, reached or stopped."""

    retryable = True


class ClusterUnreachable(BackendError, ConnectionError):
    """There is no cluster at the address, or it does not answer, or it does not let this client in."""


class NoEngines(BackendError):
    """There is no engine to run on."""


class RemoteError(GanglineError):
    """A command on a host, or the host itself, failed."""


class HostUnreachable(RemoteError):
    """There is no connection to a host.

    Attributes:
        host: Its name.
        reason: Why, for people.
        retryable: False where it will stay so until somebody does something: an unknown name, a key that is refused.
    """

    def __init__(self, host: str, reason: str, *, retryable: bool = True) -> None:
        super().__init__(f"host {host} cannot be reached: {reason}")
        self.host = host
        self.reason = reason
        self.retryable = retryable


class HostLost(RemoteError):
    """The connection to a host has been lost; what ran there ends by itself.

    Attributes:
        host: Its name.
        reason: How that was noticed, for people.
    """

    retryable = True

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"the connection to host {host} was lost: {reason}")
        self.host = host
        self.reason = reason


class CommandFailed(RemoteError):
    """A command ended with another exit code than 0, or by a signal.

    Attributes:
        host: Where it ran.
        argv: The command.
        exit_code: As it was; None if it was ended by a signal.
        signal: The signal's name, or "".
        stderr_tail: The last lines that it wrote to its standard error.
        duration_s: How long it ran; None if that is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        host: str = "",
        argv: tuple[str, ...] = (),
        exit_code: int | None = None,
        signal: str = "",
        stderr_tail: tuple[str, ...] = (),
        duration_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.host = host
        self.argv = argv
        self.exit_code = exit_code
        self.signal = signal
        self.stderr_tail = stderr_tail
        self.duration_s = duration_s


class CommandTimedOut(CommandFailed):
    """A command ran longer than its time limit and was ended."""

    retryable = True


class CommandOutOfMemory(CommandFailed):
    """A command wanted more memory than it may have, and was ended."""


class JobRejected(RemoteError):
    """The site's scheduler did not take a job; the message has its words."""


class JobLost(RemoteError):
    """A job of the site's scheduler ended without a word of its own: its host failed, or somebody removed it.

    Attributes:
        job: Its number.
        reason: What the scheduler says.
    """

    retryable = True

    def __init__(self, message: str, *, job: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.job = job
        self.reason = reason


class CommandNotStarted(RemoteError):
    """A command could not be started.

    Attributes:
        host: Where.
        argv: The command.
        kind: "not found", "not executable", "no such folder", "too long", "no resources" or "not startable".
    """

    def __init__(self, message: str, *, host: str = "", argv: tuple[str, ...] = (), kind: str = "") -> None:
        super().__init__(message)
        self.host = host
        self.argv = argv
        self.kind = kind
        self.retryable = kind == "no resources"


class StoreError(GanglineError):
    """The record or the queue could not be read or written."""


class StoreUnavailable(StoreError):
    """The database is not there at the moment; nothing of the call was done, or all of it."""

    retryable = True


class InternalError(GanglineError):
    """A bug in Gangline. Please report it with the text of this error.

    Attributes:
        events: The last events before it, oldest first, as text.
    """

    def __init__(self, message: str, *, events: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.events = events
