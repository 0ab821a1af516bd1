"""joblib, and with it scikit-learn, on the engines: ``joblib.parallel_config(backend="gangline")``.

joblib is imported only when a program asks for it, and so is the class that it calls. A program that has loaded joblib
when it makes a client, or imports `gangline.views`, can name the backend at once; others call
`register_joblib_backend` before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gangline.errors import MissingExtra

__all__ = ["offer", "register"]


def offer() -> None:
    """Let joblib find the backend by its name, without being registered first, if the program has joblib loaded."""
    loaded = sys.modules.get("joblib.parallel")
    if loaded is not None:
        loaded.EXTERNAL_BACKENDS.setdefault("gangline", _register_own)


def _register_own() -> None:
    import_module("gangline.views.joblib").register()


def register(
    view_factory: Callable[[], Any], name: str = "gangline", make_default: bool = False, *, owned: bool
) -> None:
    """Let joblib run through views that are made when they are needed.

    Args:
        view_factory: Makes a load-balanced view.
        name: For ``joblib.parallel_config(backend=name)``; ``gangline`` is known by the name ``ipyparallel``, too.
        make_default: Whether joblib is to use it unless told otherwise.
        owned: Whether to close the view's client when joblib has done with it.

    Raises:
        MissingExtra: joblib is not installed.
    """
    try:
        from joblib.parallel import register_parallel_backend

        from gangline.views.joblib_class import GanglineBackend
    except ImportError as exc:
        raise MissingExtra("joblib is not installed; install it with: pip install joblib") from exc

    def make(view: Any = None, **options: Any) -> Any:
        if view is not None:
            return GanglineBackend(lambda: view, False, **options)
        return GanglineBackend(view_factory, owned, **options)

    register_parallel_backend(name, make, make_default=make_default)
    if name == "gangline":
        register_parallel_backend("ipyparallel", make)
