"""Dependencies, under the path where programs for IPython parallel look for them."""

from gangline.views.dependency import Dependency, depend, dependent, require

__all__ = ["Dependency", "depend", "dependent", "require"]
