"""The task interface of IPython parallel: ``import gangline.views as ipp``, and a program written for it runs.

`Client` has the engines; `LoadBalancedView` leaves the choice of engine to the scheduler, `DirectView` to its user.
Calls give an `AsyncResult`, maps an `AsyncMapResult`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from gangline.views import joblib_backend

if TYPE_CHECKING:
    from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION

    from gangline.views import error
    from gangline.views.asyncresult import AsyncHubResult, AsyncMapResult, AsyncResult
    from gangline.views.broadcast import BroadcastView
    from gangline.views.client import Client
    from gangline.views.cluster import Cluster
    from gangline.views.datapub import publish_data
    from gangline.views.dependency import Dependency, depend, dependent, interactive, require
    from gangline.views.direct import DirectView
    from gangline.views.error import (
        AlreadyDisplayedError,
        CompositeError,
        DependencyTimeout,
        EngineError,
        ImpossibleDependency,
        InvalidDependency,
        IPythonError,
        KernelError,
        NoEnginesRegistered,
        RemoteError,
        TaskAborted,
        TaskRejectError,
        TaskTimeout,
        TimeoutError,
        UnmetDependency,
        collect_exceptions,
        unwrap_exception,
        wrap_exception,
    )
    from gangline.views.execution import ExecuteReply
    from gangline.views.executor import ViewExecutor
    from gangline.views.joblib import register_joblib_backend
    from gangline.views.loadbalanced import LoadBalancedView
    from gangline.views.metadata import Metadata
    from gangline.views.reference import Reference
    from gangline.views.remotefunction import ParallelFunction, RemoteFunction, parallel, remote

_HOMES = {
    "asyncresult": ("AsyncHubResult", "AsyncMapResult", "AsyncResult"),
    "broadcast": ("BroadcastView",),
    "client": ("Client",),
    "cluster": ("Cluster",),
    "datapub": ("publish_data",),
    "dependency": ("Dependency", "depend", "dependent", "interactive", "require"),
    "direct": ("DirectView",),
    "error": (
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
        "collect_exceptions",
        "unwrap_exception",
        "wrap_exception",
    ),
    "execution": ("ExecuteReply",),
    "executor": ("ViewExecutor",),
    "joblib": ("register_joblib_backend",),
    "loadbalanced": ("LoadBalancedView",),
    "metadata": ("Metadata",),
    "reference": ("Reference",),
    "remotefunction": ("ParallelFunction", "RemoteFunction", "parallel", "remote"),
}
_WHERE = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
_WHERE.update(dict.fromkeys(("ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"), "concurrent.futures"))
__version__ = "0.1.0"
version_info = (0, 1, 0)

_MODULES = (*_HOMES, "controller", "importing", "magics", "serialize", "util")

__all__ = [  # noqa: RUF022  in the order in which a reader wants them
    "Client",
    "Cluster",
    "LoadBalancedView",
    "DirectView",
    "BroadcastView",
    "AsyncResult",
    "AsyncMapResult",
    "AsyncHubResult",
    "Dependency",
    "depend",
    "dependent",
    "require",
    "interactive",
    "parallel",
    "remote",
    "ParallelFunction",
    "RemoteFunction",
    "Reference",
    "ViewExecutor",
    "ExecuteReply",
    "Metadata",
    "publish_data",
    "register_joblib_backend",
    "bind_kernel",
    "error",
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
    "collect_exceptions",
    "unwrap_exception",
    "wrap_exception",
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "__version__",
    "version_info",
]


def __getattr__(name: str) -> Any:
    """Names are imported when they are first used."""
    home = _WHERE.get(name)
    if home is None:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})


def bind_kernel(**kwargs: Any) -> NoReturn:
    """Not here: engines are not Jupyter kernels.

    Raises:
        UsageError: Always.
    """
    from gangline.errors import UsageError

    raise UsageError("engines are not Jupyter kernels, so no front end can be bound to one; use view.execute or %px")


joblib_backend.offer()
