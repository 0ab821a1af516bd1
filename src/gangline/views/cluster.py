"""A cluster by the name that its users know: sets of local engines that are started, signalled and stopped together.

Each action waits, under a name that ends in ``_sync``; under its plain name it is the same as a coroutine.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from gangline._runtime.session import Session
from gangline.errors import BackendError, UsageError
from gangline.messages import EngineId, Scheme
from gangline.views.client.client import Client, cores, make_session
from gangline.views.engineset import EngineSet, Roster

__all__ = ["Cluster", "EngineSet"]

P = ParamSpec("P")
T = TypeVar("T")

_BACKENDS = {"local": "processes", "processes": "processes", "threads": "threads", "inline": "inline"}
_WITHOUT_MEANING = frozenset(
    {
        "cluster_file", "config", "controller", "controller_args", "controller_ip", "controller_location", "delay",
        "load_profile", "log", "log_level", "parent", "profile_dir", "send_engines_connection_env",
    }
)  # fmt: skip
"""Options of other kinds of clusters, which programs may go on to pass."""

_GENTLE_S = 5.0
"""How long an engine that is to stop may go on with its task."""


def _awaitable(action: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same action as a coroutine; it waits on a thread of its own."""

    @wraps(action)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(action, *args, **kwargs)

    return run


class Cluster:
    """Engines on this machine that can be started and stopped in sets.

    Args:
        n: Engines in a set; None is one for each core.
        engines: What they are: "local" (processes) or "threads".
        cluster_id: Its name; None makes one.
        profile: Kept for programs that say it.
        engine_timeout: Seconds that a set may take to come up.
        shutdown_atexit: Local engines always end with the program.
        scheme: How an engine is chosen, as for `Client`.
        options: For the backend. Options of other kinds of clusters are taken and have no meaning.

    Raises:
        UsageError: Engines elsewhere, or that are to outlive the program.

    Example:
        >>> with Cluster(n=2) as rc:
        ...     rc[:].apply_sync(abs, -1)
        [1, 1]
    """

    def __init__(
        self,
        *,
        n: int | None = None,
        engines: str | None = None,
        cluster_id: str | None = None,
        profile: str | None = None,
        engine_timeout: float = 60,
        shutdown_atexit: bool = True,
        scheme: str | Scheme = Scheme.LEASTLOAD,
        **options: Any,
    ) -> None:
        backend = _BACKENDS.get((engines or "local").lower())
        if backend is None:
            raise UsageError(
                f"engines can be {', '.join(_BACKENDS)}, not {engines!r}; other machines are not for views yet"
            )
        if not shutdown_atexit:
            raise UsageError("local engines end with the program that started them: shutdown_atexit cannot be False")
        self.n = n
        self.cluster_id = cluster_id or secrets.token_hex(4)
        self.profile = profile or "default"
        self.engine_timeout = engine_timeout
        self._backend = backend
        self._scheme = Scheme(scheme)
        self._options = {name: value for name, value in options.items() if name not in _WITHOUT_MEANING}
        self._session: Session | None = None
        self._roster = Roster()
        self._context_client: Client | None = None
        self._pid = os.getpid()

    def __repr__(self) -> str:
        state = "running" if self._session is not None else "stopped"
        return f"<Cluster(cluster_id={self.cluster_id!r}, {state}, engine_sets={list(self.engines)})>"

    def __del__(self) -> None:
        session = getattr(self, "_session", None)
        if session is not None and self._pid == os.getpid() and not sys.is_finalizing():
            # Not on this thread: the collector may run anywhere, even inside of what has to be waited for.
            threading.Thread(target=session.close, name="gangline-closing", daemon=True).start()

    @property
    def engines(self) -> dict[str, EngineSet]:
        """The sets that run, by id."""
        return self._roster.sets

    @property
    def engine_set(self) -> EngineSet | None:
        """The first set."""
        return next(iter(self.engines.values()), None)

    @property
    def engines_asked_for(self) -> int:
        """How many engines there are to be."""
        return sum(each.n for each in self.engines.values())

    @property
    def controller(self) -> Session | None:
        """What runs the engines; None while nothing runs."""
        return self._session

    # Starting ------------------------------------------------------------------------------------------------

    def start_controller_sync(self) -> None:
        """Start what runs the engines.

        Raises:
            UsageError: It runs already.
        """
        if self._session is not None:
            raise UsageError("the cluster runs already; stop_cluster() stops it")
        self._session = make_session(self._backend, 0, self._scheme, None, self._options)
        self._session.add_engine_listener(self._roster)

    def start_engines_sync(self, n: int | None = None, engine_set_id: str | None = None) -> str:
        """Start a set of engines, and wait until they are there.

        Args:
            n: How many; None is the cluster's `n`.
            engine_set_id: The set's id; None makes one.

        Returns:
            The set's id, for `stop_engines`.

        Raises:
            UsageError: There is a set of this id.
            BackendError: They did not come up in time.
        """
        session = self._running()
        wanted = n if n is not None else self.n if self.n is not None else cores()
        set_id = engine_set_id or secrets.token_hex(4)
        if set_id in self.engines:
            raise UsageError(f"there is an engine set {set_id!r} already")
        made = self.engines[set_id] = EngineSet(set_id, wanted)
        if wanted:
            session.add_engines(wanted)
        if not session.wait_for(lambda: len(made.ids) >= wanted, self.engine_timeout):
            raise BackendError(f"{len(made.ids)} of {wanted} engines came up within {self.engine_timeout} s")
        made.starting = False
        return set_id

    def start_cluster_sync(self, n: int | None = None) -> Cluster:
        """Start everything.

        Args:
            n: How many engines; None is the cluster's `n`.
        """
        if self._session is None:
            self.start_controller_sync()
        self.start_engines_sync(n)
        return self

    def connect_client_sync(self, **options: Any) -> Client:
        """A client of this cluster; closing it leaves the engines running.

        Args:
            options: As for `Client`.
        """
        return Client(session=self._running(), cluster=self, scheme=self._scheme, **options)

    def start_and_connect_sync(self, n: int | None = None, activate: bool = False) -> Client:
        """Start everything, and a client.

        Args:
            n: How many engines; None is the cluster's `n`.
            activate: Whether to define the magics ``%px`` and so on.
        """
        self.start_cluster_sync(n)
        client = self.connect_client_sync()
        if activate:
            client.activate()
        return client

    # Stopping and signalling ---------------------------------------------------------------------------------

    def stop_engines_sync(self, engine_set_id: str | None = None) -> None:
        """Stop a set of engines.

        Args:
            engine_set_id: Its id; None is all.

        Raises:
            UsageError: There is no such set.
        """
        for each in self._sets(engine_set_id):
            each.state = "after"
            self._stop_all(set(each.ids))
            self.engines.pop(each.engine_set_id, None)

    def stop_engine_sync(self, engine_id: int) -> None:
        """Stop one engine; its set is smaller by one from now on.

        Raises:
            UsageError: It is in no set.
        """
        engine = EngineId(engine_id)
        self._set_of(engine).n -= 1
        self._stop_all({engine})

    def restart_engines_sync(self, engine_set_id: str | None = None) -> None:
        """Stop a set of engines and start as many new ones, with new numbers and empty namespaces.

        Args:
            engine_set_id: Its id, which it keeps; None is all.

        Raises:
            UsageError: There is no such set.
        """
        for each in self._sets(engine_set_id):
            self.stop_engines_sync(each.engine_set_id)
            self.start_engines_sync(each.n, each.engine_set_id)

    def restart_engine_sync(self, engine_id: int) -> None:
        """Stop one engine and start a new one, with a new number and an empty namespace.

        Raises:
            UsageError: It is in no set.
        """
        session, engines = self._running(), self._set_of(EngineId(engine_id))
        self.stop_engine_sync(engine_id)
        engines.n += 1
        session.add_engines(1)
        session.wait_for(lambda: len(engines.ids) >= engines.n, self.engine_timeout)

    def signal_engines_sync(self, signum: int, engine_set_id: str | None = None) -> None:
        """Send a signal to a set of engines.

        Args:
            signum: The signal.
            engine_set_id: The set's id; None is all.

        Raises:
            UsageError: There is no such set.
        """
        session = self._running()
        for each in self._sets(engine_set_id):
            for engine in sorted(each.ids):
                session.signal_engine(engine, signal.Signals(signum))

    def signal_engine_sync(self, signum: int, engine_id: int) -> None:
        """Send a signal to one engine."""
        self._running().signal_engine(EngineId(engine_id), signal.Signals(signum))

    def stop_controller_sync(self) -> None:
        """Stop what runs the engines, and so the engines."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
        for each in self.engines.values():
            each.state = "after"
        self.engines.clear()

    def stop_cluster_sync(self) -> None:
        """Stop everything. What has not ended is cancelled."""
        self.stop_controller_sync()

    start_controller = _awaitable(start_controller_sync)
    start_engines = _awaitable(start_engines_sync)
    start_cluster = _awaitable(start_cluster_sync)
    connect_client = _awaitable(connect_client_sync)
    start_and_connect = _awaitable(start_and_connect_sync)
    stop_engines = _awaitable(stop_engines_sync)
    stop_engine = _awaitable(stop_engine_sync)
    restart_engines = _awaitable(restart_engines_sync)
    restart_engine = _awaitable(restart_engine_sync)
    signal_engines = _awaitable(signal_engines_sync)
    signal_engine = _awaitable(signal_engine_sync)
    stop_controller = _awaitable(stop_controller_sync)
    stop_cluster = _awaitable(stop_cluster_sync)

    # As a context --------------------------------------------------------------------------------------------

    def __enter__(self) -> Client:
        """A client of the started cluster."""
        self._context_client = self.start_and_connect_sync()
        return self._context_client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        client, self._context_client = self._context_client, None
        if client is not None:
            client.close()
        self.stop_cluster_sync()

    async def __aenter__(self) -> Client:
        """A client of the started cluster."""
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, traceback)

    # Inside --------------------------------------------------------------------------------------------------

    def _running(self) -> Session:
        if self._session is None:
            raise UsageError("the cluster does not run; start_cluster() starts it")
        return self._session

    def _sets(self, engine_set_id: str | None) -> list[EngineSet]:
        if engine_set_id is None:
            return list(self.engines.values())
        if engine_set_id not in self.engines:
            raise UsageError(f"there is no engine set {engine_set_id!r}; there are {', '.join(self.engines) or 'none'}")
        return [self.engines[engine_set_id]]

    def _set_of(self, engine: EngineId) -> EngineSet:
        for each in self.engines.values():
            if engine in each.ids:
                return each
        raise UsageError(f"engine {engine} belongs to no set of this cluster")

    def _stop_all(self, engines: set[EngineId]) -> None:
        session = self._running()
        for engine in engines:
            session.stop_engine(engine)

        def gone() -> bool:
            return engines.isdisjoint(session.engines)

        if not session.wait_for(gone, _GENTLE_S):
            for engine in engines:
                session.stop_engine(engine, at_once=True)
            session.wait_for(gone, _GENTLE_S)
