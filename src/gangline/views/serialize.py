"""`Reference`, under the path where programs for IPython parallel look for it."""

from gangline.views.reference import Reference

__all__ = ["Reference"]
