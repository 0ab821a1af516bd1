"""The errors of the task interface, by the names that users of IPython parallel know.

A task that failed is raised here as a class that is both `RemoteError` and the type of the original exception, so that
``except ZeroDivisionError`` and ``except RemoteError`` both match. Failures of several tasks are one `CompositeError`:
if they are all of one kind it is of that kind too, else it is also an `ExceptionGroup`, which ``except*`` takes apart.
"""

from __future__ import annotations

import builtins
import sys
import traceback as tracebacks
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from gangline._engine.chunks import ChunkResult
from gangline.errors import (
    DependencyTimeout,
    EngineError,
    GanglineError,
    ImpossibleDependency,
    InvalidDependency,
    NoEngines,
    TaskCancelled,
    TaskError,
    UnmetDependency,
)
from gangline.messages import Failure
from gangline.views.likeness import assembled, copied, dismantled, joined

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle

__all__ = [
    "AlreadyDisplayedError",
    "CompositeError",
    "DependencyTimeout",
    "EngineError",
    "IPythonError",
    "ImpossibleDependency",
    "InvalidDependency",
    "KernelError",
    "NoEnginesRegistered",
    "RemoteError",
    "TaskAborted",
    "TaskRejectError",
    "TaskTimeout",
    "TimeoutError",
    "UnmetDependency",
    "as_exception",
    "collect_exceptions",
    "composite_of",
    "failure_of",
    "remote_error",
    "unwrap_exception",
    "wrap_exception",
]

IPythonError = KernelError = GanglineError
TaskTimeout = DependencyTimeout
TimeoutError = builtins.TimeoutError

EngineInfoDict = Mapping[str, Any]
Entry = tuple[str | None, Any, str | None, EngineInfoDict]
"""A failure as `CompositeError.elist` has it: name, text, traceback, engine."""

Results = TypeVar("Results", dict[Any, Any], list[Any])


class NoEnginesRegistered(NoEngines):
    """The operation needs engines, and there are none."""

    def __str__(self) -> str:
        return super().__str__() or "this needs engines, and there are none; client.wait_for_engines(n) waits for them"


class TaskAborted(TaskCancelled, CancelledError):
    """The task was taken back before it ended."""


class TaskRejectError(TaskError):
    """Raised by a task to say that its engine lacks something it needs; with retries it is tried elsewhere."""


class RemoteError(TaskError):
    """A task failed on its engine.

    Attributes:
        ename: Name of the original exception's type.
        evalue: Its text.
        traceback: Where it was raised, as text.
        engine_info: engine_id, engine_uuid, host and method (apply or execute); empty if no engine was reached.
        earlier: Why earlier attempts of the same task failed, oldest first.
    """

    ename: str | None = None
    evalue: Any = None
    traceback: str | None = None
    engine_info: EngineInfoDict = {}  # noqa: RUF012  never changed in place
    earlier: tuple[RemoteError, ...] = ()
    _original: BaseException | None = None

    def __init__(
        self, ename: str | None, evalue: Any, traceback: str | None, engine_info: EngineInfoDict | None = None
    ) -> None:
        super().__init__(ename, evalue)
        self.ename = ename
        self.evalue = evalue
        self.traceback = traceback
        self.engine_info = engine_info or {}

    def __reduce__(self) -> tuple[Any, ...]:
        if self._original is None:
            return super().__reduce__()
        # The original goes in parts: its own class may not be made for travelling.
        parts = (type(self._original), *dismantled(self._original))
        return (_restored, (parts, (self.ename, self.evalue, self.traceback), self.engine_info, self.earlier))

    def __repr__(self) -> str:
        where = self.engine_info.get("engine_id", " ")
        return f"<{type(self).__name__}[{where}]:{self.ename}({self.evalue})>"

    def __str__(self) -> str:
        return f"{_place(self.engine_info)} {self.ename}: {self.evalue}"

    def render_traceback(self) -> list[str]:
        """The remote traceback as lines, headed by the place."""
        return [_place(self.engine_info), *(self.traceback or "No traceback available").splitlines()]

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of the local traceback."""
        return self.render_traceback()

    def print_traceback(self, excid: int | None = None) -> None:
        """Print the remote traceback."""
        print("\n".join(self.render_traceback()))  # noqa: T201  printing is what was asked for


class CompositeError(RemoteError):
    """Several tasks failed.

    Args:
        message: What was done.
        elist: The failures, as exceptions or as entries of `elist`.

    Attributes:
        msg: The message.
        elist: For each failure its name, text, traceback and engine.
        errlist: The failures as exceptions.
    """

    tb_limit = 4
    """How many failures are shown."""
    msg: str = ""
    elist: list[Entry]
    errlist: list[BaseException]

    def __new__(cls, message: str = "", elist: Sequence[BaseException | Entry] = ()) -> CompositeError:
        """The class for these failures: of their kind if they have one in common, else a group of them."""
        kinds = {type(each) for each in elist}
        if cls is not CompositeError or tuple in kinds or not kinds:
            return super().__new__(cls)
        if len(kinds) > 1 and all(issubclass(kind, Exception) for kind in kinds):
            return _MixedError.__new__(_MixedError, message, elist)  # type: ignore[arg-type]  # exceptions, as just seen
        original = getattr(elist[0], "_original", None)
        if original is not None:
            try:
                return copied(original, _composite_type(kinds.pop()))  # type: ignore[arg-type]  # classes can be hashed
            except Exception:  # the original's own class does not allow it
                return super().__new__(cls)
        return super().__new__(cls)

    def __init__(self, message: str = "", elist: Sequence[BaseException | Entry] = ()) -> None:
        self.msg = str(message)
        self.errlist = [RemoteError(*each) if isinstance(each, tuple) else each for each in elist]
        self.elist = [_entry(each) for each in self.errlist]
        if not self.args:
            self.args = (self.msg, self.elist)
        self.ename = "CompositeError"
        self.evalue = self.msg
        self.traceback = None
        self.engine_info = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return (CompositeError, (self.msg, self.errlist))

    def __repr__(self) -> str:
        return f"CompositeError({len(self.elist)})"

    def __str__(self) -> str:
        shown = [f"{_place(info)}{ename}: {evalue}" for ename, evalue, _, info in self.elist[: self.tb_limit]]
        return "\n".join([self.msg, *shown, *self._and_more("....")])

    def render_traceback(self, excid: int | None = None) -> list[str]:
        """The remote tracebacks as lines: one, or the first few.

        Raises:
            IndexError: There is no failure of that number.
        """
        if excid is not None:
            return self._render(self._get(self.elist, excid))
        lines = []
        for entry in self.elist[: self.tb_limit]:
            lines += [*self._render(entry), ""]
        return lines + self._and_more("...")

    def print_traceback(self, excid: int | None = None) -> None:
        """Print the remote tracebacks: one, or the first few."""
        print("\n".join(self.render_traceback(excid)))  # noqa: T201  printing is what was asked for

    def raise_exception(self, excid: int = 0) -> NoReturn:
        """Raise one of the failures by itself.

        Raises:
            IndexError: There is no failure of that number.
        """
        raise self._get(self.errlist, excid)

    @staticmethod
    def _render(entry: Entry) -> list[str]:
        return [f"{_place(entry[3])}:", *(entry[2] or "No traceback available").splitlines()]

    @staticmethod
    def _get(entries: Sequence[Any], excid: int) -> Any:
        try:
            return entries[excid]
        except IndexError:
            raise IndexError(f"there is no failure {excid}; there are {len(entries)}") from None

    def _and_more(self, dots: str) -> list[str]:
        more = len(self.elist) - self.tb_limit
        return [f"{dots} {more} more exceptions ..."] if more > 0 else []


class _MixedError(CompositeError, ExceptionGroup[Exception]):
    """Failures of several kinds."""

    def __new__(cls, message: str, elist: Sequence[Exception]) -> _MixedError:
        """As any group."""
        return ExceptionGroup.__new__(cls, message, elist)

    def derive(self, excs: Sequence[Exception]) -> _MixedError:  # type: ignore[override]
        """A part of them, for ``except*``."""
        return _MixedError(self.msg, list(excs))


_MixedError.__name__ = _MixedError.__qualname__ = "CompositeError"


class AlreadyDisplayedError(RemoteError):
    """Several tasks failed, and the user has seen how: only their number is shown again."""

    def __init__(self, original_error: CompositeError) -> None:
        super().__init__(original_error.ename, original_error.evalue, None)
        self.original_error = original_error
        self.n = len(original_error.elist)

    def __reduce__(self) -> tuple[Any, ...]:
        return (AlreadyDisplayedError, (self.original_error,))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.n} errors)>"

    def __str__(self) -> str:
        return f"{self.n} errors"

    def render_traceback(self) -> list[str]:
        """One line."""
        return [str(self)]


# From failures to exceptions ----------------------------------------------------------------------------------


def as_exception(handle: Handle, method: str = "apply") -> Exception:
    """What is raised for a task that did not succeed, or of whose items some did not.

    Args:
        handle: The task; it is done.
        method: How it was asked for: apply or execute.
    """
    if isinstance(handle.value, ChunkResult):
        return composite_of(partial_errors(handle).values(), handle.name)
    failure = handle.failure
    if handle.status == "aborted" or failure is None:
        return TaskAborted(failure.evalue if failure is not None else f"task {handle.id} was cancelled")
    info = engine_info(handle, method)
    return remote_error(failure, info, tuple(remote_error(each, {}) for each in handle.earlier))


def partial_errors(handle: Handle) -> dict[int, RemoteError]:
    """The failed items of a chunk, by position."""
    info = engine_info(handle, "apply")
    return {index: remote_error(failure, info) for index, failure in handle.value.failures.items()}


def engine_info(handle: Handle, method: str) -> EngineInfoDict:
    """Where a task ran, for people."""
    info = handle.engine_info
    if info is None:
        return {}
    return {"engine_id": handle.engine, "engine_uuid": info.uuid, "host": info.host, "method": method}


def failure_of(errors: Collection[BaseException], method: str) -> BaseException:
    """What to raise for the failures of one call: a `CompositeError`, unless it was just cancelled."""
    if all(isinstance(each, TaskAborted) for each in errors):
        return next(iter(errors))
    return composite_of(errors, method)


def composite_of(errors: Iterable[BaseException], method: str) -> CompositeError:
    """Several failures of one call as one; those that are several already are taken apart."""
    single: list[BaseException] = []
    for each in errors:
        single += each.errlist if isinstance(each, CompositeError) else [each]
    return CompositeError(f"one or more exceptions raised in: {method}", single)


def remote_error(failure: Failure, info: EngineInfoDict, earlier: tuple[RemoteError, ...] = ()) -> RemoteError:
    """A failure as the exception to raise: a `RemoteError` that is of the original's type too, where possible."""
    original = failure.error
    kind = _remote_type(type(original))  # type: ignore[arg-type]  # classes can be hashed
    try:
        error = copied(original, kind) if kind is not RemoteError else None
        if isinstance(error, CompositeError):
            return error
    except Exception:  # the original's own class does not allow it
        error = None
    if error is None:
        error = RemoteError(failure.ename, failure.evalue, failure.traceback, info)
        error.__cause__ = original
    error._original = original
    error.ename, error.evalue, error.traceback = failure.ename, failure.evalue, failure.traceback
    error.engine_info = info
    error.earlier = earlier
    error.__notes__ = list(getattr(original, "__notes__", ()))
    if failure.traceback:
        error.add_note(f"On the engine:\n{failure.traceback.rstrip()}")
    for number, each in enumerate(earlier, start=1):
        error.add_note(f"Attempt {number} failed, too: {each.ename}: {each.evalue}")
    return error


def _restored(
    parts: tuple[Any, ...], words: tuple[str, str, str], info: EngineInfoDict, earlier: tuple[RemoteError, ...]
) -> RemoteError:
    return remote_error(Failure(assembled(*parts), *words), info, earlier)


@lru_cache(maxsize=1024)
def _remote_type(original: type[BaseException]) -> type[RemoteError]:
    """`RemoteError` and that type in one. Plain `RemoteError` for those that mean something to whoever waits here."""
    if not issubclass(original, Exception) or issubclass(original, StopIteration | StopAsyncIteration):
        return RemoteError
    if issubclass(original, RemoteError):
        return original
    return joined("RemoteError", RemoteError, original)


@lru_cache(maxsize=1024)
def _composite_type(remote: type[RemoteError]) -> type[CompositeError]:
    return joined("CompositeError", CompositeError, remote)


def _entry(error: BaseException) -> Entry:
    if isinstance(error, RemoteError):
        return (error.ename, error.evalue, error.traceback, error.engine_info)
    return (type(error).__name__, str(error), None, {})


def _place(info: EngineInfoDict) -> str:
    return f"[{info['engine_id']}:{info.get('method', 'apply')}]" if info else "[Engine Exception]"


# As in IPython parallel ---------------------------------------------------------------------------------------


def collect_exceptions(rdict_or_list: Results, method: str = "unspecified") -> Results:
    """The results, if there is no failure among them.

    Raises:
        CompositeError: Of all failures among them.
    """
    results = rdict_or_list.values() if isinstance(rdict_or_list, dict) else rdict_or_list
    errors = [each for each in results if isinstance(each, RemoteError | TaskAborted)]
    if errors:
        raise composite_of(errors, method)
    return rdict_or_list


def wrap_exception(engine_info: EngineInfoDict | None = None) -> dict[str, Any]:
    """The exception that is being handled, as plain data."""
    kind, value, frames = sys.exc_info()
    return {
        "status": "error",
        "traceback": tracebacks.format_exception(kind, value, frames),
        "ename": kind.__name__ if kind is not None else "",
        "evalue": str(value),
        "engine_info": engine_info or {},
    }


def unwrap_exception(content: Mapping[str, Any]) -> RemoteError:
    """An exception again from what `wrap_exception` gave."""
    text = "\n".join(content["traceback"])
    return RemoteError(content["ename"], content["evalue"], text, content.get("engine_info", {}))
