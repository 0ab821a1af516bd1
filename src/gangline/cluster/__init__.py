"""Clusters: which hosts there are.

Attributes:
    ClusterDesc: What a file says about a cluster.
"""

from gangline.cluster.description import ClusterDesc, ClusterError, get_compute_nodes, get_head_node

__all__ = ["ClusterDesc", "ClusterError", "get_compute_nodes", "get_head_node"]
