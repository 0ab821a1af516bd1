"""Which calls are expected to take about equally long."""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import Any

__all__ = ["kind_of"]


def kind_of(function: Any) -> int:
    """One number for all functions made from the same code, even where each call makes a new one."""
    while (inner := getattr(function, "func", None)) is not None and callable(inner):
        function = inner  # functools.partial
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is not None:
        return id(code)
    return id(function) if isinstance(function, (type, BuiltinFunctionType)) else id(type(function))
