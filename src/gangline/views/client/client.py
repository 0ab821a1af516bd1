"""The client: where a program gets its engines and its views."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from gangline._engine import display
from gangline._runtime.session import Session
from gangline.errors import MissingExtra, UsageError
from gangline.messages import Scheme
from gangline.ports import Backend
from gangline.views import joblib_backend
from gangline.views.arguments import HERE
from gangline.views.broadcast import BroadcastView
from gangline.views.control import Control
from gangline.views.direct import DirectView
from gangline.views.executor import ViewExecutor
from gangline.views.loadbalanced import LoadBalancedView

if TYPE_CHECKING:
    from gangline.backends.batch.backend import BatchBackend
    from gangline.backends.dask.backend import DaskBackend

__all__ = ["Client", "cores", "make_session"]

_BACKENDS = {
    "inline": ("gangline.backends.inline", "InlineBackend"),
    "threads": ("gangline.backends.threads", "ThreadsBackend"),
    "processes": ("gangline.backends.processes", "ProcessesBackend"),
    "dask": ("gangline.backends.dask.backend", "DaskBackend"),
    "batch": ("gangline.backends.batch.backend", "BatchBackend"),
}
"""Where the backends are; each is imported when it is asked for."""

_HOW_TO = "Client() starts engines on this machine"


class Client(Control):
    """Engines to run on, and the views of them.

    Without arguments it starts local engines, one for each core. They come up while the program goes on: load-balanced
    tasks can be submitted at once, and whatever asks for the engines themselves waits for them. Where the program is in
    a `with gangline.cluster.cluster()`, or a cluster called "default" is running (`gangline cluster start`), it has the
    engines of that.

    Given a Dask cluster, its worker processes are the engines. Closing the client leaves the cluster as it was.

    Args:
        connection_info: A Dask cluster: the address of its scheduler, such as ``tcp://host:8786``, a cluster object, or
            a client of one.
        url_file: The same by its older name.
        profile: A running cluster by its name, as `gangline cluster start --profile NAME` has started it.
        cluster_id: Kept for programs that say it; there are no clusters with ids.
        engines: How many engines; None is one for each core, or for each engine of a cluster. A number given means
            local engines, unless the program is in a `with cluster()`.
        n: The same by its short name.
        backend: What engines are: "processes", "threads", "inline" (this very thread, for debugging), "dask" (the
            workers of a Dask cluster that is started here and ends with the client), or "batch" (each task is a job of
            the site's scheduler; engines are how many it is given at once, 200 unless told). None: a running cluster as
            said above, else "processes".
        scheme: How an engine is chosen: leastload, lru, plainrandom, twobin, weighted or pure.
        seed: For the schemes that draw; None is a different one each time.
        cluster: The `Cluster` whose engines these are; or a Dask cluster, as `connection_info`.
        session: A session to share; its engines go on when this client is closed.
        debug: Kept for programs that say it.
        backend_options: For the backend, such as ``memory_limit_bytes``; with Dask ``connect_timeout_s`` and
            ``security``; with batch ``system``, ``folder``, ``cores``, ``memory``, ``wall_time``, ``queue``,
            ``account`` and ``options`` (see `BatchBackend`).

    Raises:
        UsageError: A value out of range, or a running cluster that does not exist.
        MissingExtra: The backend needs a package that is not installed.
        BackendError: The engines cannot be started, or the cluster cannot be reached.

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
        backend: str | Backend | None = None,
        scheme: str | Scheme = Scheme.LEASTLOAD,
        seed: int | None = None,
        cluster: Any = None,
        session: Session | None = None,
        debug: bool = False,
        **backend_options: Any,
    ) -> None:
        self._closed = True  # until there is something to close
        dask = _dask_cluster(connection_info if connection_info is not None else url_file, cluster)
        count = engines if engines is not None else n
        if dask is None:
            may_find = backend is None and session is None and cluster is None
            dask = _running_cluster(profile, cluster_id, may_find=may_find, only_ours=count is not None)
        if dask is not None:
            backend, backend_options = "dask", {"cluster": dask, **backend_options}
        backend = "processes" if backend is None else backend
        chosen = _scheme(scheme)
        wanted = _count(count, backend, everywhere=dask is not None)
        self._engines_asked_for = wanted or 0
        if session is None:
            session = make_session(backend, wanted, chosen, seed, backend_options)
            if wanted is None:
                self._engines_asked_for = cast("DaskBackend | BatchBackend", session.backend).expected
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
        asked_for: int = getattr(self.cluster, "engines_asked_for", self._engines_asked_for)  # those of Dask have none
        return asked_for

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
    backend: str | Backend, engines: int | None, scheme: Scheme, seed: int | None, options: dict[str, Any]
) -> Session:
    """A session on a backend by its name.

    Raises:
        UsageError: There is no backend of this name.
        MissingExtra: It needs a package that is not installed.
    """
    if isinstance(backend, str):
        if backend not in _BACKENDS:
            raise UsageError(f"there is no backend {backend!r}; {_which_backend(backend)}")
        module, name = _BACKENDS[backend]
        try:
            kind = getattr(import_module(module), name)
            _refuse_unknown(kind, backend, options)
            made: Backend = kind(**options)
        except ModuleNotFoundError as exc:
            raise MissingExtra(
                f"{exc.name} is not installed; install it with: pip install 'gangline[{backend}]'"
            ) from exc
        backend = made
    elif options:
        raise UsageError(f"{', '.join(options)}: options are for backends that are given by name")
    if backend.name in HERE:
        display.install()
    return Session(backend, engines=engines, scheme=scheme, seed=seed)


_SCHEDULERS = ("slurm", "sge", "uge", "drmaa", "sbatch", "qsub", "gridengine")


def _which_backend(name: str) -> str:
    known = f"there are {', '.join(_BACKENDS)}"
    if name.lower() in _SCHEDULERS:
        return f"jobs of a scheduler are the backend 'batch', which finds out what this host has ({known})"
    from difflib import get_close_matches  # for those who mistype only

    near = get_close_matches(name.lower(), _BACKENDS, 1)
    return f"did you mean {near[0]!r}? ({known})" if near else known


def _refuse_unknown(kind: Any, backend: str, options: dict[str, Any]) -> None:
    if not options:
        return
    from difflib import get_close_matches  # hardly anybody gives options
    from inspect import signature

    known = signature(kind).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in known):
        return
    for name in options:
        if name not in [each.name for each in known]:
            near = get_close_matches(name, ["profile", "engines", *(each.name for each in known)], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            hint = f"; the address comes first: Client({options[name]!r})" if name == "address" else hint
            raise UsageError(f"the backend {backend!r} has no option {name!r}{hint}")


def _dask_cluster(connection_info: Any, cluster: Any) -> Any:
    """The Dask cluster that is meant: by its address, as an object, or as a client of one; None if none is."""
    if isinstance(connection_info, str) and "://" in connection_info:
        return connection_info
    for meant in (connection_info, cluster):
        if hasattr(meant, "scheduler_address") or hasattr(meant, "scheduler_info"):
            return meant
    if connection_info is not None:
        raise UsageError(
            f"cannot connect to {connection_info!r}: it is no Dask cluster, nor its address such as 'tcp://host:8786'; "
            f"{_HOW_TO}"
        )
    return None


def _running_cluster(profile: str | None, cluster_id: str | None, *, may_find: bool, only_ours: bool) -> Any:
    """The cluster that is meant by its name, or without one; None if there is none.

    Args:
        profile: The name.
        cluster_id: An id.
        may_find: Nothing else is said about the engines, so it may be a cluster.
        only_ours: It must be one of this very program.

    Raises:
        UsageError: There is no such cluster, or something else is said as well.
    """
    from gangline.cluster import connection  # the others are for those who start clusters

    if cluster_id:
        raise UsageError(f"no cluster with the id {cluster_id!r} is running; {_HOW_TO}")
    if profile not in (None, "default"):
        found = connection.find(profile)
        if not may_find:
            raise UsageError(f"either the cluster {profile!r} or engines of another kind, not both")
        return found
    return connection.current(only_ours=only_ours) if may_find else None


def _scheme(scheme: str | Scheme) -> Scheme:
    try:
        return Scheme(scheme)
    except ValueError:
        known = ", ".join(each.value for each in Scheme)
        raise UsageError(f"there is no scheme {scheme!r}; there are {known}") from None


def _count(engines: int | None, backend: str | Backend, *, everywhere: bool) -> int | None:
    """How many engines are wanted; None is one on each worker of a cluster, or as many as a scheduler is given jobs."""
    if engines is None:
        name = backend if isinstance(backend, str) else backend.name
        if everywhere or name == "batch":
            return None
        return 1 if name == "inline" else cores()
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
