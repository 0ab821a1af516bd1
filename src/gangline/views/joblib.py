"""joblib on engines of its own: ``register()``, then ``joblib.parallel_config(backend="gangline")``.

A view that is there already is registered with its own ``register_joblib_backend()``.
"""

from __future__ import annotations

from gangline.views import joblib_backend
from gangline.views.client.client import Client
from gangline.views.loadbalanced import LoadBalancedView

__all__ = ["register", "register_joblib_backend"]


def register_joblib_backend(name: str = "gangline", make_default: bool = False) -> None:
    """Let joblib run on the engines of a client that is made when joblib needs it, and closed when joblib has done.

    Args:
        name: For ``joblib.parallel_config(backend=name)``; ``gangline`` is known by the name ``ipyparallel``, too.
        make_default: Whether joblib is to use it unless told otherwise.

    Raises:
        MissingExtra: joblib is not installed.
    """
    joblib_backend.register(_new_view, name, make_default, owned=True)


register = register_joblib_backend


def _new_view() -> LoadBalancedView:
    return Client().load_balanced_view()
