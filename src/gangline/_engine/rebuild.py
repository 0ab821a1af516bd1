"""Makes functions that have travelled by value: what `by_value` takes apart, without the import of cloudpickle."""

from __future__ import annotations

import builtins
import importlib
import marshal
from types import CellType, FunctionType
from typing import Any

from gangline._engine.context import current

__all__ = ["complete_function", "make_function"]


def make_function(code: bytes, home: str, name: str, cells: int) -> FunctionType:
    """A function without contents yet, so that it can refer to itself.

    Args:
        code: Its code, marshalled.
        home: The module whose globals it uses.
        name: Its name.
        cells: How many variables of enclosing functions it uses.
    """
    context = current()
    if home != "__main__":
        scope = importlib.import_module(home).__dict__
    elif context is not None:
        scope = context.namespace
    else:
        scope = {"__name__": "__main__", "__builtins__": builtins}
    return FunctionType(marshal.loads(code), scope, name, None, tuple(CellType() for _ in range(cells)))


def complete_function(function: FunctionType, state: dict[str, Any]) -> None:
    """Give it what it refers to, as `by_value` has put it together."""
    captured = state["globals"]
    context = current()
    if context is not None and function.__globals__ is context.namespace:
        context.fill(captured)
    else:
        function.__globals__.update(captured)
    for cell, (full, value) in zip(function.__closure__ or (), state["cells"], strict=True):
        if full:
            cell.cell_contents = value
    function.__dict__.update(state["attributes"])
    for name, value in state["slots"].items():
        setattr(function, name, value)
