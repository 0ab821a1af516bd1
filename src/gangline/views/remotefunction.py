"""Functions that run on engines when they are called."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from gangline.errors import UsageError
from gangline.views.partition import dealer

if TYPE_CHECKING:
    from gangline.views.view import View

__all__ = ["ParallelFunction", "RemoteFunction", "getname", "parallel", "remote"]


def remote(view: View, block: bool | None = None, **flags: Any) -> Callable[[Callable[..., Any]], RemoteFunction]:
    """Decorator: calls of the function run on an engine of this view.

    Args:
        view: Where.
        block: Whether calls wait; None is what the view does.
        flags: Set for each call, as in `temp_flags`.
    """
    return lambda f: RemoteFunction(view, f, block=block, **flags)


def parallel(
    view: View, dist: str = "b", block: bool | None = None, ordered: bool = True, **flags: Any
) -> Callable[[Callable[..., Any]], ParallelFunction]:
    """Decorator: the function is called with parts of sequences, or by its ``map`` with items, in parallel.

    Args:
        view: Where.
        dist: How sequences are dealt out: ``b`` in blocks, ``r`` round robin.
        block: Whether calls wait; None is what the view does.
        ordered: Whether to iterate over the results in order, or as they come.
        flags: Set for each call, as in `temp_flags`; also chunksize, return_exceptions.
    """
    return lambda f: ParallelFunction(view, f, dist=dist, block=block, ordered=ordered, **flags)


def getname(f: Any) -> str:
    """What to call a function: its ``__name__``, else its ``name``, else its text."""
    for attribute in ("__name__", "name"):
        try:
            return str(getattr(f, attribute))
        except Exception:  # whatever the object's own attributes raise
            continue
    return str(f)


class RemoteFunction:
    """A function whose calls run on an engine.

    Args:
        view: Where.
        f: The function.
        block: Whether calls wait; None is what the view does.
        flags: Set for each call, as in `temp_flags`.
    """

    def __init__(self, view: View, f: Callable[..., Any], block: bool | None = None, **flags: Any) -> None:
        self.view = view
        self.func = f
        self.block = block
        self.flags = flags
        self.__name__ = getname(f)
        if f.__doc__:
            self.__doc__ = f"{type(self).__name__} wrapping:\n{f.__doc__}"
        try:
            self.__signature__ = inspect.signature(f)
        except (TypeError, ValueError):  # some callables have none
            return

    def _own_view(self) -> View:
        flags = self.flags if self.block is None else {**self.flags, "block": self.block}
        return self.view._clone(**flags) if flags else self.view

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it on an engine."""
        return self._own_view().apply(self.func, *args, **kwargs)


class ParallelFunction(RemoteFunction):
    """A function that is called with the parts of sequences, one part for each engine, or by `map` with each item.

    Args:
        view: Where.
        f: The function.
        dist: How sequences are dealt out: ``b`` in blocks, ``r`` round robin.
        block: Whether calls wait; None is what the view does.
        chunksize: Items in a part, for a load-balanced view.
        ordered: Whether to iterate over the results in order, or as they come.
        return_exceptions: Whether to give errors in place of results, rather than raise them.
        flags: Set for each call, as in `temp_flags`.

    Raises:
        UsageError: An unknown `dist`.
    """

    def __init__(
        self,
        view: View,
        f: Callable[..., Any],
        dist: str = "b",
        block: bool | None = None,
        chunksize: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        **flags: Any,
    ) -> None:
        super().__init__(view, f, block=block, **flags)
        self.chunksize = chunksize
        self.ordered = ordered
        self.return_exceptions = return_exceptions
        self.mapObject = dealer(dist)

    def __call__(self, *sequences: Iterable[Any]) -> Any:
        """Call it with each part of the sequences, which must be of one length; lists and arrays it gives are joined.

        Raises:
            UsageError: Sequences of different lengths.
        """
        sized: list[Any] = [each if hasattr(each, "__len__") else list(each) for each in sequences]
        lengths = [len(each) for each in sized]
        if not any(lengths):
            return []
        if min(lengths) != max(lengths):
            raise UsageError(f"all sequences must have equal length, but have {lengths}")
        view = self._own_view()
        result = view._apply_parts(self, sized, lengths[0])
        return result.get() if view.block else result

    def map(self, *sequences: Iterable[Any]) -> Any:
        """Call it with each item of the sequences; like the builtin `map`, and like the view's."""
        options: dict[str, Any] = {"return_exceptions": self.return_exceptions}
        view = self._own_view()
        if view._balanced:
            options.update(chunksize=self.chunksize, ordered=self.ordered)
        elif self.chunksize:
            warnings.warn("chunksize is for load-balanced views only", UserWarning, stacklevel=2)
        return view.map(self.func, *sequences, **options)
