"""Clusters for the time of a block, under the names that they have in LOFAR's framework."""

from gangline.cluster.running import cluster

__all__ = ["cluster", "clusterhandler", "ipython_cluster"]

ipython_cluster = clusterhandler = cluster
