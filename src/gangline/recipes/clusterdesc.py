"""Descriptions of clusters, under the name that the module has in LOFAR's framework."""

from gangline.cluster import ClusterDesc, ClusterError, get_compute_nodes, get_head_node

__all__ = ["ClusterDesc", "ClusterError", "get_compute_nodes", "get_head_node"]
