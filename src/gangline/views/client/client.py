"""The client: where a program gets its engines and its views."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from gangline._engine import display
from gangline._runtime.session import Session
from gangline.errors import UsageError
from gangline.messages import Scheme
from gangline.ports import Backend
from gangline.views import joblib_backend
from gangline.views.broadcast import BroadcastView
from gangline.views.control import Control
from gangline.views.direct import DirectView
from gangline.views.executor import ViewExecutor
from gangline.views.loadbalanced import LoadBalancedView
from gangline.views.view import HERE

__all__ = ["Client", "cores", "make_session"]

_BACKENDS = {
    "inline": ("gangline.backends.inline", "InlineBackend"),
    "threads": ("gangline.backends.threads", "ThreadsBackend"),
    "processes": ("gangline.backends.processes", "ProcessesBackend"),
}
"""Where the backends are; each is imported when it is asked for."""

_HOW_TO = "Client() starts engines on this machine"


class Client(Control):
    """Engines to run on, and the views of them.

    Without arguments it starts local engines, one for each core. They come up while the program goes on: load-balanced
    tasks can be submitted at once, and whatever asks for the engines themselves waits for them.

    Args:
        connection_info: Where a running cluster is described. There is none to connect to yet.
        url_file: The same by its older name.
        profile: Likewise, by a name.
        cluster_id: Likewise, by an id.
        engines: How many engines; None is one for each core.
        n: The same by its short name.
        backend: What engines are: "processes", "threads", or "inline" (this very thread, for debugging).
        scheme: How an engine is chosen: leastload, lru, plainrandom, twobin, weighted or pure.
        seed: For the schemes that draw; None is a different one each time.
        cluster: The `Cluster` whose engines these are.
        session: A session to share; its engines go on when this client is closed.
        debug: Kept for programs that say it.
        backend_options: For the backend, such as ``memory_limit_bytes``.

    Raises:
        UsageError: A value out of range, or a running cluster that does not exist.
        BackendError: The engines cannot be started.

    Example:
        >>> with Client(engines=2) as rc:
        ...     rc.load_balanced_view().map_sync(abs, [-1, 2])
        [1, 2]
    """

    def __init__(
        self,
        connection_info: Any = None,
        *,
        url_file: Any = None,
        profile: str | None = None,
        cluster_id: str | None = None,
        engines: int | None = None,
        n: int | None = None,
        backend: str | Backend = "processes",
        scheme: str | Scheme = Scheme.LEASTLOAD,
        seed: int | None = None,
        cluster: Any = None,
        session: Session | None = None,
        debug: bool = False,
        **backend_options: Any,
    ) -> None:
        self._closed = True  # until there is something to close
        _refuse_remote(connection_info if connection_info is not None else url_file, profile, cluster_id)
        chosen = _scheme(scheme)
        self._engines_asked_for = _count(engines if engines is not None else n, backend)
        if session is None:
            session = make_session(backend, self._engines_asked_for, chosen, seed, backend_options)
            super().__init__(session, expected=self._engines_asked_for, scheme=chosen)
        else:
            super().__init__(session, owns_session=False, scheme=chosen)
        self.cluster = cluster
        self.profile = profile or "default"
        self.debug = debug
        _activate_first(self)
        joblib_backend.offer()

    def __del__(self) -> None:
        if self._closed or not self._owns_session or self._pid != os.getpid() or sys.is_finalizing():
            return
        # Not on this thread: the collector may run anywhere, even inside of what has to be waited for.
        threading.Thread(target=self._session.close, name="gangline-closing", daemon=True).start()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self._session.engines)} engines"
        return f"<{type(self).__name__} {self._session.backend.name}: {state}>"

    @property
    def session(self) -> Session:
        """The session that the client submits to."""
        return self._session

    def _asked_for(self) -> int:
        if self.cluster is not None:
            asked_for: int = self.cluster.engines_asked_for
            return asked_for
        return self._engines_asked_for

    # Views ---------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> DirectView:
        if isinstance(key, str) or not (isinstance(key, slice | tuple | list | range) or hasattr(key, "__index__")):
            raise TypeError(f"a client is indexed by the numbers of engines, not by {key!r}")
        return self.direct_view(key)

    def __iter__(self) -> Iterator[DirectView]:
        """A direct view of each engine."""
        return (self.direct_view(engine) for engine in self.ids)

    def direct_view(self, targets: Any = "all", **flags: Any) -> DirectView:
        """A view of engines that the user chooses.

        Args:
            targets: A number (results are then single), several, a slice; "all" is all that live at each call.
            flags: As in `DirectView.set_flags`.

        Raises:
            NoEnginesRegistered: There are no engines; not with "all".
            UnknownEngine: One of them does not live; an IndexError.
        """
        return DirectView(self, targets=targets, **flags)

    def load_balanced_view(self, targets: Any = None, **flags: Any) -> LoadBalancedView:
        """A view that leaves the choice of engine to the scheduler.

        Args:
            targets: Engines that it may choose from; None is all.
            flags: As in `LoadBalancedView.set_flags`.

        Raises:
            UnknownEngine: One of them does not live; an IndexError.
        """
        return LoadBalancedView(self, targets=targets, **flags)

    def broadcast_view(self, targets: Any = "all", is_coalescing: bool = False, **flags: Any) -> BroadcastView:
        """A direct view of engines, fixed now.

        Args:
            targets: Engines; "all" is all that live now.
            is_coalescing: Kept for programs that say it.
            flags: As in `DirectView.set_flags`.

        Raises:
            NoEnginesRegistered: There are no engines.
            UnknownEngine: One of them does not live; an IndexError.
        """
        return BroadcastView(self, targets=targets, is_coalescing=is_coalescing, **flags)

    def executor(self, targets: Any = None) -> ViewExecutor:
        """A `concurrent.futures.Executor` over a load-balanced view.

        Args:
            targets: Engines that it may choose from; None is all.
        """
        return self.load_balanced_view(targets).executor

    def set_limit(self, name: str, cap: int) -> None:
        """At most this many tasks that name the limit in their `limits` run at once.

        Args:
            name: The limit.
            cap: How many, 1 or more.

        Raises:
            UsageError: The cap is below 1.
        """
        self._session.set_limit(name, cap)

    def activate(self, targets: Any = "all", suffix: str = "") -> DirectView:
        """A blocking direct view with the magics ``%px`` and so on in IPython.

        Args:
            targets: Its engines.
            suffix: Put behind the names of the magics.
        """
        view = self.direct_view(targets, block=True)
        view.activate(suffix)
        return view


def make_session(
    backend: str | Backend, engines: int, scheme: Scheme, seed: int | None, options: dict[str, Any]
) -> Session:
    """A session on a backend by its name.

    Raises:
        UsageError: There is no backend of this name.
    """
    if isinstance(backend, str):
        if backend not in _BACKENDS:
            raise UsageError(f"there is no backend {backend!r}; there are {', '.join(_BACKENDS)}")
        module, name = _BACKENDS[backend]
        made: Backend = getattr(import_module(module), name)(**options)
        backend = made
    elif options:
        raise UsageError(f"{', '.join(options)}: options are for backends that are given by name")
    if backend.name in HERE:
        display.install()
    return Session(backend, engines=engines, scheme=scheme, seed=seed)


def _refuse_remote(connection_info: Any, profile: str | None, cluster_id: str | None) -> None:
    """Raise for a running cluster that is meant, since none can be had."""
    if connection_info is not None:
        raise UsageError(f"cannot connect to {connection_info!r}: no cluster is running there; {_HOW_TO}")
    if profile not in (None, "default"):
        raise UsageError(f"no cluster of the profile {profile!r} is running; {_HOW_TO}")
    if cluster_id:
        raise UsageError(f"no cluster with the id {cluster_id!r} is running; {_HOW_TO}")


def _scheme(scheme: str | Scheme) -> Scheme:
    try:
        return Scheme(scheme)
    except ValueError:
        known = ", ".join(each.value for each in Scheme)
        raise UsageError(f"there is no scheme {scheme!r}; there are {known}") from None


def _count(engines: int | None, backend: str | Backend) -> int:
    if engines is None:
        return 1 if (backend if isinstance(backend, str) else backend.name) == "inline" else cores()
    if isinstance(engines, bool) or not isinstance(engines, int):
        raise TypeError(f"engines must be a number, not {engines!r}")
    if engines < 0:
        raise UsageError(f"engines must be 0 or more, not {engines}")
    return engines


def cores() -> int:
    """How many cores this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _activate_first(client: Client) -> None:
    """In IPython, the first client gets the magics."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and "px" not in shell.magics_manager.magics["line"]:
        client.activate()
