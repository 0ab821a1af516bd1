"""The magics, under the path where programs for IPython parallel look for them."""

from gangline.views.magics import ParallelMagics

__all__ = ["ParallelMagics"]
