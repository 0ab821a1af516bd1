"""The results, under the path where programs for IPython parallel look for them."""

from gangline.views.asyncresult import AsyncHubResult, AsyncMapResult, AsyncResult

__all__ = ["AsyncHubResult", "AsyncMapResult", "AsyncResult"]
