"""`interactive`, under the path where programs for IPython parallel look for it."""

from gangline.views.dependency import interactive

__all__ = ["interactive"]
