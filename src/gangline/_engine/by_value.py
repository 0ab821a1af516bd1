"""Functions and classes by value: cloudpickle with two rules of our own about the globals of functions.

- A function of ``__main__`` gets the engine's persistent namespace as its globals. The globals that it uses travel
  along and fill what the user has not put there himself.
- A function made inside an importable module (a lambda, a closure) gets that module's own globals, as its neighbours
  do.

Everything else (code from `exec`, from modules made by hand) keeps cloudpickle's way: the globals it uses, in a dict
of its own.
"""

from __future__ import annotations

import marshal
import sys
from types import CellType, FunctionType
from typing import Any

import cloudpickle

from gangline._engine.closure import captured_globals, imported_submodules
from gangline._engine.importable import is_importable, is_importable_module, uses_module_globals
from gangline._engine.rebuild import complete_function, make_function

__all__ = ["FullPickler"]


class FullPickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle ships no types
    """Pickles anything that can be pickled at all."""

    def reducer_override(self, obj: Any) -> Any:
        """How to pickle functions and classes; everything else in the usual way."""
        if isinstance(obj, FunctionType):
            if is_importable(obj):
                return NotImplemented
            if uses_module_globals(obj):
                return self._reduce_function(obj, obj.__module__, {})
            if obj.__module__ == "__main__":
                return self._reduce_function(obj, "__main__", captured_globals(obj))
        if isinstance(obj, (FunctionType, type)) and not is_importable(obj):
            _declare_unimportable(obj)
        return super().reducer_override(obj)

    def _reduce_function(self, function: FunctionType, home: str, captured: dict[str, Any]) -> tuple[Any, ...]:
        cells = [_contents(cell) for cell in function.__closure__ or ()]
        state = {
            "globals": captured,
            "cells": cells,
            "submodules": imported_submodules(
                function, [*captured.values(), *(value for full, value in cells if full)]
            ),
            "attributes": function.__dict__,
            "slots": {
                name: getattr(function, name)
                for name in (
                    "__qualname__",
                    "__module__",
                    "__doc__",
                    "__defaults__",
                    "__kwdefaults__",
                    "__annotations__",
                )
            },
        }
        code = marshal.dumps(function.__code__)
        return make_function, (code, home, function.__name__, len(cells)), state, None, None, complete_function


def _declare_unimportable(obj: Any) -> None:
    """Tell cloudpickle, which takes whatever is in `sys.modules` for importable."""
    module = sys.modules.get(getattr(obj, "__module__", None) or "")
    if module is not None and module.__name__ != "__main__" and not is_importable_module(module):
        cloudpickle.register_pickle_by_value(module)


def _contents(cell: CellType) -> tuple[bool, Any]:
    try:
        return True, cell.cell_contents
    except ValueError:
        return False, None
