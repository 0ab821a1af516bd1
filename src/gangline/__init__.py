"""Gangline: parallel and distributed work in plain Python, from a laptop to a cluster.

Nothing is imported before it is used, so that ``import gangline`` costs next to nothing.
"""

from __future__ import annotations

from gangline._lazy import lazy

TYPE_CHECKING = False  # as importing typing would take longer than all the rest of this
if TYPE_CHECKING:
    from gangline.errors import (
        BackendError,
        DependencyError,
        DependencyTimeout,
        EngineError,
        GanglineError,
        ImpossibleDependency,
        InvalidDependency,
        NoEngines,
        TaskCancelled,
        TaskError,
        UnmetDependency,
        UsageError,
        WaitTimeout,
    )
    from gangline.remote.command import Command, CommandResult
    from gangline.views.asyncresult import AsyncMapResult, AsyncResult
    from gangline.views.client import Client
    from gangline.views.cluster import Cluster
    from gangline.views.dependency import Dependency, depend, dependent, interactive, require
    from gangline.views.direct import DirectView
    from gangline.views.error import CompositeError, RemoteError, TaskAborted
    from gangline.views.joblib import register_joblib_backend
    from gangline.views.loadbalanced import LoadBalancedView
    from gangline.views.reference import Reference

__version__ = "0.1.0"

_HOMES = {
    "errors": (
        "BackendError",
        "DependencyError",
        "DependencyTimeout",
        "EngineError",
        "GanglineError",
        "ImpossibleDependency",
        "InvalidDependency",
        "NoEngines",
        "TaskCancelled",
        "TaskError",
        "UnmetDependency",
        "UsageError",
        "WaitTimeout",
    ),
    "remote.command": ("Command", "CommandResult"),
    "views.asyncresult": ("AsyncMapResult", "AsyncResult"),
    "views.client": ("Client",),
    "views.cluster": ("Cluster",),
    "views.dependency": ("Dependency", "depend", "dependent", "interactive", "require"),
    "views.direct": ("DirectView",),
    "views.error": ("CompositeError", "RemoteError", "TaskAborted"),
    "views.joblib": ("register_joblib_backend",),
    "views.loadbalanced": ("LoadBalancedView",),
    "views.reference": ("Reference",),
}
_WHERE = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022  in the order in which a reader wants them
    "Client",
    "Cluster",
    "LoadBalancedView",
    "DirectView",
    "AsyncResult",
    "AsyncMapResult",
    "Command",
    "CommandResult",
    "Dependency",
    "depend",
    "dependent",
    "require",
    "interactive",
    "Reference",
    "register_joblib_backend",
    "GanglineError",
    "UsageError",
    "TaskError",
    "RemoteError",
    "CompositeError",
    "EngineError",
    "TaskCancelled",
    "TaskAborted",
    "WaitTimeout",
    "DependencyError",
    "DependencyTimeout",
    "UnmetDependency",
    "ImpossibleDependency",
    "InvalidDependency",
    "BackendError",
    "NoEngines",
    "__version__",
]


__getattr__, __dir__ = lazy(__name__, _WHERE)
