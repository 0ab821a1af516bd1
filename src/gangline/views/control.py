"""What a client can do with its engines and tasks as a whole: wait, abort, signal, clear, shut down, ask."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from functools import lru_cache
from typing import Any

from gangline._engine import actions
from gangline._runtime.handle import Handle
from gangline.errors import UsageError, WaitTimeout
from gangline.messages import EngineId, Terms
from gangline.views import ids as task_ids
from gangline.views.asyncresult import AsyncResult
from gangline.views.error import NoEnginesRegistered
from gangline.views.results import Jobs, OutstandingTasks, Results
from gangline.views.tasks import patience

__all__ = ["Control"]

_STOP_TIMEOUT_S = 30.0
"""How long a blocking `shutdown` waits for engines that are busy."""


class Control(Results):
    """A connection that can be waited on, and whose engines can be governed."""

    # Waiting -------------------------------------------------------------------------------------------------

    def wait(self, jobs: Any = None, timeout: float | None = -1) -> bool:
        """Wait until tasks have ended.

        Args:
            jobs: Ids, positions in `history`, results, other futures, or several of them; None is all that is
                outstanding.
            timeout: In seconds; None or a negative one is for ever.

        Returns:
            Whether all have ended.
        """
        if jobs is None:
            return self._wait_all(self._outstanding_handles, self._maps, timeout)
        limit = patience(timeout)
        if isinstance(jobs, str | int | Future) or not isinstance(jobs, Iterable):
            jobs = [jobs]
        handles: list[Handle] = []
        others: list[Future[Any]] = []
        for job in jobs:
            if isinstance(job, Future) and not isinstance(job, AsyncResult):
                others.append(job)
            elif not isinstance(job, str) or self.find_handle(job) is not None:
                # An id that is not remembered has ended, and was purged.
                handles.extend(self._handles_of(job))
        done = self._session.wait(handles, limit)
        return done and not wait_for_futures(others, limit).not_done

    def _wait_all(
        self, pending: Callable[[], list[Handle]], maps: Iterable[AsyncResult], timeout: float | None
    ) -> bool:
        """Wait for tasks, and for maps that may go on to submit some."""
        limit = patience(timeout)
        deadline = None if limit is None else time.monotonic() + limit
        for each in list(maps):
            if not each.wait(limit):
                return False
            limit = None if deadline is None else max(0.0, deadline - time.monotonic())
        return self._session.wait(pending(), limit)

    def wait_interactive(self, jobs: Jobs | None = None, interval: float = 1.0, timeout: float = -1.0) -> Any:
        """Wait like `wait`, with a progress bar.

        Args:
            jobs: As in `get_result`; None is all outstanding tasks.
            interval: How often the bar moves, in seconds.
            timeout: In seconds; a negative one is for ever.
        """
        handles = self._outstanding_handles() if jobs is None else self._handles_of(jobs)
        if not handles:
            return None
        return AsyncResult(self, handles, single=False).wait_interactive(interval=interval, timeout=timeout)

    def wait_for_engines(
        self,
        n: int | None = None,
        *,
        timeout: float = -1,
        block: bool = True,
        interactive: bool | None = None,
        widget: bool | None = None,
    ) -> Future[None] | None:
        """Wait until there are this many engines.

        Args:
            n: How many; None is as many as were asked for when the client or its cluster was made.
            timeout: In seconds; a negative one is for ever.
            block: Whether to wait here, or to give a future to wait on.
            interactive: Kept for programs that say it; engines come up too fast for a progress bar.
            widget: Likewise.

        Raises:
            WaitTimeout: There are not as many in time; a TimeoutError.
            TypeError: It is not known how many to wait for.
        """
        wanted = self._asked_for() if n is None else n
        session = self._session

        def enough() -> bool:
            return len(session.engines) >= wanted

        def too_late() -> WaitTimeout:
            return WaitTimeout(f"{wanted} engines not ready in {timeout} seconds; ready: {len(session.engines)}")

        if not block:
            return self._future_of(enough, timeout, too_late)
        if not session.wait_for(enough, None if timeout < 0 else timeout):
            raise too_late()
        return None

    def _asked_for(self) -> int:
        """How many engines the client was made with."""
        raise TypeError("say how many engines to wait for")

    def _future_of(self, condition: Any, timeout: float, too_late: Any) -> Future[None]:
        future: Future[None] = Future()
        settled = threading.Lock()

        def settle(error: Exception | None) -> None:
            if settled.acquire(blocking=False):
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)

        self._when_engines(condition, lambda: settle(None))
        if timeout >= 0 and not future.done():
            timer = threading.Timer(timeout, lambda: settle(too_late()))
            timer.daemon = True
            future.add_done_callback(lambda _: timer.cancel())
            timer.start()
        return future

    # Tasks ---------------------------------------------------------------------------------------------------

    def abort(
        self, jobs: Jobs | None = None, targets: Any = None, block: bool | None = None, *, interrupt: bool = False
    ) -> list[str]:
        """Take tasks back. Those that have not begun end at once as `TaskAborted`.

        Args:
            jobs: Ids or results; None is all outstanding tasks.
            targets: Only tasks that these engines have; None is any.
            block: Kept for programs that say it; tasks are taken back at once.
            interrupt: Whether to raise KeyboardInterrupt in those that have begun.

        Returns:
            The ids of those that have begun and go on; a warning says so where they were named.

        Raises:
            OutstandingTasks: A task that was named has ended already; a RuntimeError.
            TypeError: For anything else among the jobs.
        """
        named = jobs is not None
        if isinstance(jobs, int) or (isinstance(jobs, list | tuple) and any(isinstance(job, int) for job in jobs)):
            raise TypeError("tasks are aborted by id or result, not by number")
        handles = self._handles_of(jobs) if named else self._outstanding_handles()
        ended = [task_ids.msg_id(handle) for handle in handles if handle.status is not None]
        if ended and len(ended) == len(handles):
            raise OutstandingTasks(f"tasks that have ended cannot be aborted: {', '.join(ended[:3])}")
        if targets is not None and not named:
            engines = set(self._build_targets(targets))
            handles = [handle for handle in handles if handle.engine is None or handle.engine in engines]
        going_on = self._take_back(handles, interrupt=interrupt)
        if named and going_on:
            message = f"running tasks go on: {', '.join(going_on[:3])}; abort(..., interrupt=True) interrupts them"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        return going_on

    def _take_back(self, handles: list[Handle], *, interrupt: bool) -> list[str]:
        """Take tasks back, the last first, so that none is started in between; gives the ids of those that go on."""
        return [task_ids.msg_id(handle) for handle in reversed(handles) if not self._cancel(handle, interrupt)]

    def _cancel(self, handle: Handle, interrupt: bool) -> bool:
        try:
            return self._session.cancel(handle, interrupt=interrupt)
        except UsageError:
            if handle.status is None:
                raise
            return True  # it has ended

    def queue_status(self, targets: Any = "all", verbose: bool = False) -> dict[Any, Any]:
        """What the engines have to do and have done.

        Args:
            targets: Engines; for a single number only its own entry is given.
            verbose: Whether to list the ids, rather than count them.

        Returns:
            For each engine ``queue`` (of direct views), ``tasks`` (balanced) and ``completed``; and ``unassigned``.
        """
        engines = self.ids if isinstance(targets, str) and targets == "all" else self._build_targets(targets)
        status: dict[Any, dict[str, list[str]]] = {
            engine: {"queue": [], "completed": [], "tasks": []} for engine in engines
        }
        unassigned: list[str] = []
        assigned = {number: engine for engine, numbers in self._session.assigned.items() for number in numbers}
        for handle in self.known_handles():
            msg_id = task_ids.msg_id(handle)
            if handle.status is not None:
                if handle.engine in status:
                    status[handle.engine]["completed"].append(msg_id)
                continue
            engine = assigned.get(handle.id)
            if engine is None and handle.terms.pinned:
                engine = next(iter(handle.terms.targets or ()), None)
            if engine is None:
                unassigned.append(msg_id)
            elif engine in status:
                status[engine]["queue" if handle.terms.pinned else "tasks"].append(msg_id)
        if isinstance(targets, int):
            return _counted(status[engines[0]], verbose)
        shown: dict[Any, Any] = {engine: _counted(entry, verbose) for engine, entry in status.items()}
        shown["unassigned"] = unassigned if verbose else len(unassigned)
        return shown

    # Engines -------------------------------------------------------------------------------------------------

    def send_signal(self, sig: int | str, targets: Any = None, block: bool | None = None) -> None:
        """Send a signal to engines.

        Args:
            sig: Its number or its name.
            targets: Engines; None is all.
            block: Kept for programs that say it; signals are sent at once.

        Raises:
            UsageError: There is no such signal.
        """
        number = getattr(signal, sig, None) if isinstance(sig, str) else sig
        if not isinstance(number, int):
            raise UsageError(f"there is no signal {sig!r}")
        for engine in self._build_targets(targets):
            self._session.signal_engine(EngineId(engine), number)

    def clear(self, targets: Any = None, block: bool | None = None) -> AsyncResult | None:
        """Empty the namespaces of engines.

        Args:
            targets: Engines; None is all.
            block: Whether to wait for it; None is the client's own `block`.

        Returns:
            The result to wait on, unless it was waited for.
        """
        engines = self._build_targets(targets)
        handles = [self._session.submit(actions.clear, (), {}, pinned(engine)) for engine in engines]
        result = AsyncResult(self, handles, fname="clear", single=False, targets=engines, owner=True)
        if self.block if block is None else block:
            result.get()
            return None
        return result

    def shutdown(
        self, targets: Any = "all", restart: bool = False, hub: bool = False, block: bool | None = None
    ) -> None:
        """End engines.

        Args:
            targets: Which; all if the client itself is to end.
            restart: Whether to start as many new ones.
            hub: Whether to close the client too.
            block: Whether to wait until they have ended; None is the client's own `block`.
        """
        try:
            engines = [EngineId(engine) for engine in self._build_targets("all" if hub else targets)]
        except NoEnginesRegistered:
            engines = []
        session = self._session
        for engine in engines:
            session.stop_engine(engine)
        if restart and engines:
            session.add_engines(len(engines))
        if hub:
            self.close()
        elif self.block if block is None else block:
            session.wait_for(lambda: not any(engine in session.engines for engine in engines), _STOP_TIMEOUT_S)

    # What older programs still call ------------------------------------------------------------------------------

    def spin(self) -> None:
        """Nothing: results arrive by themselves."""
        _needless("spin")

    def spin_thread(self, interval: float = 1) -> None:
        """Nothing: results arrive by themselves."""
        _needless("spin_thread")

    def stop_spin_thread(self) -> None:
        """Nothing: results arrive by themselves."""
        _needless("stop_spin_thread")

    def become_dask(self, *args: Any, **kwargs: Any) -> Any:
        """Not here: a Dask cluster is a backend of its own.

        Raises:
            UsageError: Always; it says what to do.
        """
        raise UsageError("engines do not turn into Dask workers here; start a dask.distributed cluster beside them")

    become_distributed = stop_dask = stop_distributed = become_dask


@lru_cache(maxsize=4096)
def pinned(engine: int, label: str = "") -> Terms:
    """The terms of a task that belongs on this one engine."""
    return Terms(targets=frozenset((EngineId(engine),)), pinned=True, label=label)


def _counted(entry: dict[str, list[str]], verbose: bool) -> dict[str, Any]:
    return dict(entry) if verbose else {name: len(found) for name, found in entry.items()}


def _needless(name: str) -> None:
    warnings.warn(f"{name} does nothing: results arrive by themselves", DeprecationWarning, stacklevel=3)
