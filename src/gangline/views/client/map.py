"""How sequences are dealt out, under the path where programs for IPython parallel look for it."""

from gangline.views.partition import Map, RoundRobinMap, dists, is_array, mappable

__all__ = ["Map", "RoundRobinMap", "dists", "is_array", "mappable"]
