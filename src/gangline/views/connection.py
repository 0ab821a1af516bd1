"""A client's hold on its session: engines by number, tasks by id. What views and results stand on."""

from __future__ import annotations

import os
import threading
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, overload

from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.errors import BackendError, UsageError, WaitTimeout
from gangline.messages import EngineId, EngineJoined, EngineLost, Scheme, TaskId
from gangline.views import ids as task_ids
from gangline.views.error import NoEnginesRegistered
from gangline.views.metadata import Metadata, metadata_of
from gangline.views.result import AsyncResult
from gangline.views.tasks import outcome

__all__ = ["Connection", "MsgIds", "UnknownEngine"]

_START_TIMEOUT_S = 120.0
"""How long the first question for engines waits for those that were asked for to come up."""


_STILLBORN_MAX = 3
"""So many engines in a row that end before they have joined are taken to mean that none will."""


class UnknownEngine(UsageError, IndexError):
    """There is no live engine of this number."""


class MsgIds(Sequence[str]):
    """The ids of tasks in the order of submission; a list to whoever reads it, a few bytes each to whoever keeps it."""

    __slots__ = ("_numbers", "_session_id")

    def __init__(self, session_id: str, numbers: array[int]) -> None:
        self._session_id = session_id
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [f"{self._session_id}_{number}" for number in self._numbers[index]]
        return f"{self._session_id}_{self._numbers[index]}"

    def __iter__(self) -> Iterator[str]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self[:] == list(other)

    __hash__ = None  # type: ignore[assignment]  # compares like a list, and can change like one

    def __add__(self, other: Iterable[str]) -> list[str]:
        return self[:] + list(other)

    def __repr__(self) -> str:
        return repr(self[:])


class _Finished(Mapping[str, Any]):
    """What became of the tasks that are remembered: result or exception by id."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getitem__(self, msg_id: str) -> Any:
        handle = self._connection.find_handle(msg_id)
        if handle is None or handle.status is None or self._connection._is_hidden(handle):
            raise KeyError(msg_id)
        return outcome(handle, "apply")[1]

    def __iter__(self) -> Iterator[str]:
        return (task_ids.msg_id(each) for each in self._connection._visible_handles() if each.status is not None)

    def __len__(self) -> int:
        return sum(each.status is not None for each in self._connection._visible_handles())


class _Known(Mapping[str, Metadata]):
    """The metadata of the tasks that are remembered, by id."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getitem__(self, msg_id: str) -> Metadata:
        handle = self._connection.find_handle(msg_id)
        if handle is None or self._connection._is_hidden(handle):
            raise KeyError(msg_id)
        return metadata_of(handle)

    def __iter__(self) -> Iterator[str]:
        return map(task_ids.msg_id, self._connection._visible_handles())

    def __len__(self) -> int:
        return len(self._connection._visible_handles())


class _Departures:
    """Remembers which engines are gone, and why.

    Not the connection itself, so that the session does not keep that alive.
    """

    def __init__(self) -> None:
        self.reasons: dict[EngineId, str] = {}
        self.first_at: EngineId | None = None
        """Engines with a higher number than this came after the first loss."""
        self.stillborn = 0
        """Engines in a row that ended before they had joined."""
        self._newest = EngineId(-1)
        self._joined: set[EngineId] = set()

    def __call__(self, event: EngineJoined | EngineLost) -> None:
        """Take note of an engine that joined or was lost."""
        if isinstance(event, EngineLost):
            self.reasons[event.engine] = event.reason
            if event.engine not in self._joined:
                self.stillborn += 1
            if self.first_at is None:
                self.first_at = self._newest
        else:
            self._newest = max(self._newest, event.engine)
            self._joined.add(event.engine)
            self.stillborn = 0


class Connection:
    """The engines and tasks of one session, as a client sees them.

    Args:
        session: Shared with others, or of its own.
        expected: How many engines have been asked for; the first question for engines waits for them.
        owns_session: Whether `close` ends the session.
        scheme: The session's, which says what views may ask for.
    """

    def __init__(
        self,
        session: Session,
        *,
        expected: int = 0,
        owns_session: bool = True,
        scheme: Scheme = Scheme.LEASTLOAD,
    ) -> None:
        self._session = session
        self._scheme = scheme
        self._expected = expected
        self._owns_session = owns_session
        self._closed = False
        self._ids: array[int] = array("q")
        self._histories: weakref.WeakValueDictionary[int, array[int]] = weakref.WeakValueDictionary()
        """The histories of this client's views, by `id`."""
        self._fetched: set[int] = set()
        """Tasks of other clients of the session that this one has asked for."""
        self._hidden: set[int] = set()
        self._hidden_below = 0
        """What `purge_local_results` took out of `results` and `metadata`: tasks in `_hidden`, and all older ones."""
        self._maps: weakref.WeakSet[AsyncResult] = weakref.WeakSet()
        """Maps of this client whose later parts may not have been submitted yet."""
        self._late: dict[int, Handle] = {}
        """By engine: the last call of a direct view there that waits for results of other tasks."""
        self._departures = _Departures()
        self._pid = os.getpid()
        self.block = False
        session.add_engine_listener(self._departures)

    # Engines -------------------------------------------------------------------------------------------------

    @property
    def ids(self) -> list[int]:
        """The numbers of the live engines, sorted. The first time, waits for those that have been asked for."""
        if self._expected:
            self._await_engines()
        return sorted(self._session.engines)

    def __len__(self) -> int:
        return len(self.ids)

    def __bool__(self) -> bool:
        return True

    def _await_engines(self) -> None:
        expected, session, departures = self._expected, self._session, self._departures

        def decided() -> bool:
            return len(session.engines) >= expected or departures.stillborn >= _STILLBORN_MAX

        if not session.wait_for(decided, _START_TIMEOUT_S):
            there = len(session.engines)
            raise WaitTimeout(f"{there} of {expected} engines came up within {_START_TIMEOUT_S:.0f} s")
        self._expected = 0
        if len(session.engines) < expected:
            reason = list(departures.reasons.values())[-1]
            raise BackendError(f"{len(session.engines)} of {expected} engines came up; the last one: {reason}")

    def _build_targets(self, targets: Any) -> list[int]:
        """The engines that are meant, by number.

        Args:
            targets: None or ``"all"``, a number (negative ones count from the end), a slice, or several numbers.

        Raises:
            SessionClosed: The client was closed.
            NoEnginesRegistered: There is no engine at all.
            UnknownEngine: One that is meant does not live; an IndexError.
            TypeError: For anything else.
        """
        self._session.check_usable()
        live = self.ids
        if not live:
            raise NoEnginesRegistered("there are no engines yet; wait_for_engines(n) waits for them")
        if targets is None or (isinstance(targets, str) and targets.lower() == "all"):
            return live
        if isinstance(targets, slice):
            return live[targets]
        if isinstance(targets, str) or not (hasattr(targets, "__index__") or isinstance(targets, Iterable)):
            raise TypeError(f"engines are given by number, slice, several numbers or 'all', not {targets!r}")
        wanted = [targets] if hasattr(targets, "__index__") else list(targets)
        return [self._live_engine(each, live) for each in wanted]

    def _live_engine(self, wanted: Any, live: Sequence[int]) -> int:
        if not hasattr(wanted, "__index__") or isinstance(wanted, bool):
            raise TypeError(f"an engine is given by its number, not {wanted!r}")
        number = int(wanted)
        if number < 0 and -number <= len(live):
            return live[number]
        if number in live:
            return number
        gone = self._departures.reasons.get(EngineId(number))
        because = f" ({gone})" if gone else ""
        raise UnknownEngine(f"No such engine: {number}{because}; live engines: {', '.join(map(str, live)) or 'none'}")

    def _restart_note(self, engine: int) -> str:
        """What to say when a name is missing on an engine that was started after another one was lost."""
        first = self._departures.first_at
        if first is None or engine <= first:
            return ""
        lost = ", ".join(f"engine {number}" for number in sorted(self._departures.reasons))
        return f"engine {engine} was started after {lost} had ended; names from before the restart are gone"

    # Tasks ---------------------------------------------------------------------------------------------------

    @property
    def history(self) -> MsgIds:
        """The ids of all tasks that this client has submitted, in order."""
        return MsgIds(self._session.id, self._ids)

    @property
    def outstanding(self) -> set[str]:
        """The ids of those that have not ended."""
        return {task_ids.msg_id(handle) for handle in self._outstanding_handles()}

    @property
    def results(self) -> Mapping[str, Any]:
        """Results and exceptions of tasks that have ended and are remembered, by id."""
        return _Finished(self)

    @property
    def metadata(self) -> Mapping[str, Metadata]:
        """What is known about each task that is remembered, by id."""
        return _Known(self)

    def find_handle(self, msg_id: str) -> Handle | None:
        """The task of this id, if this session remembers it."""
        return task_ids.find(self, msg_id)

    def known_handles(self) -> list[Handle]:
        """All tasks that the session remembers, in the order of submission."""
        return self._session.handles

    def _visible_handles(self) -> list[Handle]:
        return [handle for handle in self._session.handles if not self._is_hidden(handle)]

    def _is_hidden(self, handle: Handle) -> bool:
        return handle.id < self._hidden_below or handle.id in self._hidden

    def _hide(self, handles: Sequence[Handle]) -> None:
        if len(handles) < len(self._session.handles):
            self._hidden.update(handle.id for handle in handles)
        elif handles:
            self._hidden_below = handles[-1].id + 1
            self._hidden.clear()

    def _outstanding_handles(self) -> list[Handle]:
        pending = [handle for handle in self._session.handles if handle.status is None]
        if not self._owns_session:
            own = set(self._ids)
            pending = [handle for handle in pending if handle.id in own]
        return pending

    def _pending_among(self, numbers: Iterable[int]) -> list[Handle]:
        found = (self._session.find(TaskId(number)) for number in numbers)
        return [handle for handle in found if handle is not None and handle.status is None]

    # Life ----------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self, linger: float | None = None) -> None:
        """Let go of the engines; those that the client has started itself end. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._owns_session and self._pid == os.getpid():
            self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _when_engines(self, condition: Callable[[], bool], notify: Callable[[], None]) -> None:
        """Call `notify` once, as soon as engines that join or leave make the condition true."""
        told = threading.Lock()

        def ask(_event: EngineJoined | EngineLost) -> None:
            if condition() and told.acquire(blocking=False):
                notify()

        self._session.add_engine_listener(ask)
        if condition() and told.acquire(blocking=False):
            notify()
