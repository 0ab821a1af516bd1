"""Clusters: engines on many hosts, for the time of a block or for many runs, and which hosts there are.

    from gangline import Client
    from gangline.cluster import cluster

    with cluster(config="observatory.toml"), Client() as rc:
        print(rc.load_balanced_view().map_sync(abs, range(-10, 0)))

Those that are to outlast a program are started with `gangline cluster start`.
"""

from __future__ import annotations

from gangline._lazy import lazy

TYPE_CHECKING = False  # every client comes by here; what it does not need is not to be imported
if TYPE_CHECKING:
    from gangline.cluster.adaptive import Adaptive
    from gangline.cluster.configuration import ClusterConfiguration, read_configuration
    from gangline.cluster.connection import ClusterConnection
    from gangline.cluster.description import ClusterDesc, ClusterError, get_compute_nodes, get_head_node
    from gangline.cluster.hosts import EngineReport
    from gangline.cluster.running import RunningCluster, cluster
    from gangline.cluster.standing import ClusterStatus, scale, start, status, stop

_HOMES = {
    "adaptive": ("Adaptive",),
    "configuration": ("ClusterConfiguration", "read_configuration"),
    "connection": ("ClusterConnection",),
    "description": ("ClusterDesc", "ClusterError", "get_compute_nodes", "get_head_node"),
    "hosts": ("EngineReport",),
    "running": ("RunningCluster", "cluster"),
    "standing": ("ClusterStatus", "scale", "start", "status", "stop"),
}
_WHERE = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022  in the order in which a reader wants them
    "cluster",
    "RunningCluster",
    "EngineReport",
    "ClusterConfiguration",
    "read_configuration",
    "start",
    "status",
    "scale",
    "stop",
    "ClusterStatus",
    "ClusterConnection",
    "Adaptive",
    "ClusterDesc",
    "ClusterError",
    "get_compute_nodes",
    "get_head_node",
]


__getattr__, __dir__ = lazy(__name__, _WHERE)
