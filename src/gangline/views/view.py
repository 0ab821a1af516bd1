"""What all views have in common: flags, history, ways to submit, and the client's methods for the tasks of one view."""

from __future__ import annotations

import weakref
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from gangline._engine import actions
from gangline._runtime.handle import Handle
from gangline.views.arguments import submitter
from gangline.views.asyncresult import AsyncMapResult, AsyncResult
from gangline.views.connection import MsgIds
from gangline.views.control import Control
from gangline.views.executor import ViewExecutor
from gangline.views.flags import Flag, Flagged, Flags, anything, text, truth
from gangline.views.reference import Reference
from gangline.views.remotefunction import ParallelFunction, RemoteFunction, parallel, remote
from gangline.views.results import Jobs

__all__ = ["View"]

_SHOWN_MAX = 16
"""Characters of the targets that `repr` shows."""


class View(Flagged):
    """A user's hold on some engines. Made by the methods of `Client`.

    Args:
        client: Whose engines.
        socket: Kept for programs that pass it.
        flags: As in `set_flags`.

    Attributes:
        client: The client that it belongs to.
        block: Whether calls wait and give the result itself.
        track: Kept for programs that set it: what is sent is always safe to change afterwards.
        targets: The engines.
        label: Given to every task, for people.
    """

    _balanced = False
    map: Callable[..., Any]
    imap: Callable[..., Any]

    block = Flag(False, truth)
    track = Flag(False, truth)
    targets = Flag(None, anything)
    label = Flag(None, text)

    def __init__(self, client: Control, socket: Any = None, **flags: Any) -> None:
        if type(self) is View:
            raise TypeError("a view is a LoadBalancedView, a DirectView or a BroadcastView")
        super().__init__()
        self.client = client
        self._session = client._session
        self._ids: array[int] = array("q")
        client._histories[id(self._ids)] = self._ids
        self._submit = submitter(client._session)
        self._record = self._ids.append
        self._record_in_client = client._ids.append
        self._maps: weakref.WeakSet[AsyncMapResult] = weakref.WeakSet()
        self.set_flags(**{"block": client.block, **flags})

    def __repr__(self) -> str:
        shown = str(self.targets)
        if len(shown) > _SHOWN_MAX:
            shown = f"{shown[: _SHOWN_MAX - 4]}...]"
        return f"<{type(self).__name__} {shown}>"

    def __len__(self) -> int:
        targets = self.targets
        if isinstance(targets, list):
            return len(targets)
        return 1 if isinstance(targets, int) else len(self.client)

    def __bool__(self) -> bool:
        return True

    @property
    def executor(self) -> ViewExecutor:
        """A `concurrent.futures.Executor` that submits through this view."""
        return ViewExecutor(self)

    # Tasks of this view ------------------------------------------------------------------------------------------

    @property
    def history(self) -> MsgIds:
        """The ids of all tasks submitted through this view, in order."""
        return MsgIds(self._session.id, self._ids)

    @property
    def outstanding(self) -> set[str]:
        """The ids of those that have not ended."""
        session_id = self._session.id
        return {f"{session_id}_{handle.id}" for handle in self.client._pending_among(self._ids)}

    @property
    def results(self) -> Mapping[str, Any]:
        """Results of the client's tasks, by id."""
        return self.client.results

    def _note(self, handles: Iterable[Handle]) -> None:
        """Put tasks into the histories."""
        numbers = [handle.id for handle in handles]
        self._ids.extend(numbers)
        self.client._ids.extend(numbers)

    def _watch_map(self, result: AsyncMapResult) -> AsyncMapResult:
        """Let `wait` know of a map whose later parts may not have been submitted yet."""
        self._maps.add(result)
        self.client._maps.add(result)
        return result

    # Submission --------------------------------------------------------------------------------------------------

    def apply(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call ``f(*args, **kwargs)`` on an engine, or on each engine of a direct view.

        An `AsyncResult` among the arguments, or in a list, tuple or dict that is one, stands for its result: the call
        runs after those tasks, and cannot if one of them fails (`ImpossibleDependency`). Later calls on an engine of a
        direct view stay behind it. The result of a map must be complete, and is waited for here.

        Returns:
            The result, if the view blocks; else an `AsyncResult`.

        Raises:
            Unpicklable: An argument cannot travel.
        """
        result = self._apply(f, args, kwargs)
        return result.get() if self._flags_now().values["block"] else result

    def apply_async(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AsyncResult:
        """As `apply`, without waiting."""
        return self._apply(f, args, kwargs)

    def apply_sync(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """As `apply`, waiting for the result."""
        return self._apply(f, args, kwargs).get()

    def _apply(self, f: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AsyncResult:
        raise NotImplementedError

    def _apply_parts(self, function: ParallelFunction, sequences: list[Any], length: int) -> AsyncMapResult:
        """Call a function with parts of sequences."""
        raise NotImplementedError

    def map_async(self, f: Callable[..., Any], *sequences: Iterable[Any], **options: Any) -> AsyncMapResult:
        """As `map`, without waiting."""
        _no_block("map_async", options)
        result: AsyncMapResult = self.map(f, *sequences, block=False, **options)
        return result

    def map_sync(self, f: Callable[..., Any], *sequences: Iterable[Any], **options: Any) -> list[Any]:
        """As `map`, waiting for the list of results."""
        _no_block("map_sync", options)
        results: list[Any] = self.map(f, *sequences, block=True, **options)
        return results

    def remote(self, block: bool | None = None, **flags: Any) -> Callable[[Callable[..., Any]], RemoteFunction]:
        """Decorator: calls of the function run on an engine.

        Args:
            block: Whether calls wait; None is what the view does now.
            flags: Set for each call, as in `temp_flags`.
        """
        return remote(self, block=self.block if block is None else block, **flags)

    def parallel(
        self, dist: str = "b", block: bool | None = None, **flags: Any
    ) -> Callable[[Callable[..., Any]], ParallelFunction]:
        """Decorator: the function is called with parts of sequences, or by its ``map`` with items, in parallel.

        Args:
            dist: How sequences are dealt out: ``b`` in blocks, ``r`` round robin.
            block: Whether calls wait; None is what the view does now.
            flags: Set for each call, as in `temp_flags`; also chunksize, ordered, return_exceptions.
        """
        return parallel(self, dist=dist, block=self.block if block is None else block, **flags)

    # The client's methods for this view --------------------------------------------------------------------------

    def spin(self) -> None:
        """Nothing: results arrive by themselves."""
        self.client.spin()

    def wait(self, jobs: Any = None, timeout: float | None = -1) -> bool:
        """Wait until tasks have ended; None is all of this view.

        As `Client.wait`, but numbers are places in this view's history.
        """
        if jobs is not None:
            return self.client.wait(self._named(jobs), timeout)
        return self.client._wait_all(lambda: self.client._pending_among(self._ids), self._maps, timeout)

    def abort(
        self, jobs: Jobs | None = None, targets: Any = None, block: bool | None = None, *, interrupt: bool = False
    ) -> list[str]:
        """Take tasks back; None is all outstanding ones of this view. As `Client.abort`."""
        if jobs is not None:
            return self.client.abort(jobs, targets, block, interrupt=interrupt)
        for each in list(self._maps):
            each.cancel()
        return self.client._take_back(self.client._pending_among(self._ids), interrupt=interrupt)

    def queue_status(self, targets: Any = None, verbose: bool = False) -> dict[Any, Any]:
        """What this view's engines have to do. As `Client.queue_status`."""
        return self.client.queue_status(self._engines_meant(targets), verbose)

    def purge_results(self, jobs: Jobs = (), targets: Any = ()) -> None:
        """Forget tasks. As `Client.purge_results`."""
        meant = self.targets if targets is None or (isinstance(targets, str) and targets == "all") else targets
        self.client.purge_results(jobs, meant)

    def shutdown(
        self, targets: Any = None, restart: bool = False, hub: bool = False, block: bool | None = None
    ) -> None:
        """End this view's engines. As `Client.shutdown`."""
        self.client.shutdown(self._engines_meant(targets), restart, hub, self.block if block is None else block)

    def get_result(
        self, indices_or_msg_ids: Jobs | None = None, block: bool | None = None, owner: bool = False
    ) -> AsyncResult:
        """As `Client.get_result`, but numbers are places in this view's history."""
        jobs = self._named(-1 if indices_or_msg_ids is None else indices_or_msg_ids)
        return self.client.get_result(jobs, block=block, owner=owner)

    def _named(self, jobs: Any) -> Any:
        """Places in this view's history as ids; everything else as it is."""
        if isinstance(jobs, int):
            return self.history[jobs]
        if isinstance(jobs, list | tuple | set):
            return [self.history[job] if isinstance(job, int) else job for job in jobs]
        return jobs

    def _engines_meant(self, targets: Any) -> Any:
        meant = self.targets if targets is None else targets
        return "all" if meant is None else meant

    # Inside ------------------------------------------------------------------------------------------------------

    def _clone(self, **flags: Any) -> Self:
        """A view with the same history, and flags of its own that begin as this one's are here and now."""
        clone = object.__new__(type(self))
        clone.__dict__.update(self.__dict__)
        Flagged.__init__(clone)
        clone._flags = Flags(self._flags_now().values)
        return clone.set_flags(**flags)


def _no_block(name: str, options: Mapping[str, Any]) -> None:
    if "block" in options:
        raise TypeError(f"{name} says by its name whether it waits; it takes no block")


def callable_of(f: Any, args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A call of what may be a reference to a function.

    Raises:
        TypeError: It is neither a function nor a reference to one.
    """
    if isinstance(f, Reference):
        return actions.call, (f, *args)
    raise TypeError(f"only what can be called can be applied, not {f!r}")


def block_or(view: View, block: bool | None) -> bool:
    """The view's own way, unless the call says another."""
    own: bool = view.block
    return own if block is None else block
