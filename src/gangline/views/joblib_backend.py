"""joblib, and with it scikit-learn, on the engines: ``joblib.parallel_config(backend="gangline")``.

joblib is imported only when a program asks for it, and so is the class that it calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from gangline.errors import MissingExtra
from gangline.views.result import AsyncResult

__all__ = ["register", "register_joblib_backend"]


class JoblibView(Protocol):
    """A load-balanced view, as far as joblib needs one."""

    client: Any

    def apply_async(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AsyncResult:
        """Submit a call."""

    def __len__(self) -> int:
        """How many engines it has."""


def register_joblib_backend(name: str = "gangline", make_default: bool = False, view: JoblibView | None = None) -> None:
    """Let joblib run through a view.

    Args:
        name: For ``joblib.parallel_config(backend=name)``.
        make_default: Whether joblib is to use it unless told otherwise.
        view: The view. It is not closed when joblib has done with it.

    Raises:
        MissingExtra: joblib is not installed.
    """
    register(lambda: view, name, make_default, owned=False)


def register(
    view_factory: Callable[[], Any], name: str = "gangline", make_default: bool = False, *, owned: bool = True
) -> None:
    """Let joblib run through views that are made when they are needed.

    Args:
        view_factory: Makes a load-balanced view.
        name: For ``joblib.parallel_config(backend=name)``.
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
