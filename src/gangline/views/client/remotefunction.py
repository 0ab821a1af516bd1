"""Remote and parallel functions, under the path where programs for IPython parallel look for them."""

from gangline.views.remotefunction import ParallelFunction, RemoteFunction, getname, parallel, remote

__all__ = ["ParallelFunction", "RemoteFunction", "getname", "parallel", "remote"]
