"""The views, under the path where programs for IPython parallel look for them."""

from gangline.views.broadcast import BroadcastView
from gangline.views.direct import DirectView
from gangline.views.executor import ViewExecutor
from gangline.views.loadbalanced import LoadBalancedView
from gangline.views.view import View

__all__ = ["BroadcastView", "DirectView", "LoadBalancedView", "View", "ViewExecutor"]
