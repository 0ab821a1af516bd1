"""Whether an engine can import what this process has: the question behind "by reference or by value"."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["is_importable", "is_importable_module", "uses_module_globals"]

_known: WeakKeyDictionary[ModuleType, bool] = WeakKeyDictionary()


def is_importable(obj: Any) -> bool:
    """Whether a function or a class can be had elsewhere by importing its module and following its qualified name."""
    name = getattr(obj, "__module__", None)
    if name == "builtins":
        return True
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is None or not is_importable_module(module):
        return False
    found: Any = module
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is obj


def is_importable_module(module: ModuleType) -> bool:
    """Whether a fresh interpreter with the same `sys.path` would import this very module under its name."""
    name = _name_of(module)
    if name == "__main__" or sys.modules.get(name) is not module:
        return False
    try:
        known = _known.get(module)
        if known is None:
            known = _known[module] = _would_import(module)
    except TypeError:  # some modules are replaced by objects that cannot be weakly referenced or hashed
        known = _would_import(module)
    return known


def uses_module_globals(function: FunctionType) -> bool:
    """Whether the function's globals are those of a module that the other side can import."""
    module = sys.modules.get(function.__module__ or "")
    return module is not None and function.__globals__ is module.__dict__ and is_importable_module(module)


def _name_of(module: ModuleType) -> str:
    """What the module is imported as: some of the interpreter's own say that they are another (`_io`)."""
    name = getattr(getattr(module, "__spec__", None), "name", None)
    return name if name is not None and sys.modules.get(name) is module else module.__name__


def _would_import(module: ModuleType) -> bool:
    name = _name_of(module)
    if _registered_by_value(name):
        return False
    if getattr(module, "__spec__", None) is None:
        return False
    parent, _, _ = name.rpartition(".")
    path = None
    if parent:
        package = sys.modules.get(parent)
        if package is None or not is_importable_module(package):
            return False
        path = getattr(package, "__path__", None)
        if path is None:  # an attribute that poses as a submodule, as os.path does
            return True
    return _found_again(module, name, path)


def _found_again(module: ModuleType, name: str, path: Any) -> bool:
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        try:
            spec = find_spec(name, path) if find_spec else None
        except Exception:  # somebody else's finder
            continue
        if spec is not None:
            return spec.origin in (getattr(module, "__file__", None), getattr(module.__spec__, "origin", None))
    # Made by its package while that was imported (six.moves and the like): importing the package makes it again.
    return "." in name


def _registered_by_value(name: str) -> bool:
    cloudpickle = sys.modules.get("cloudpickle")
    if cloudpickle is None:
        return False
    registered = cloudpickle.list_registry_pickle_by_value()
    parts = name.split(".")
    return any(".".join(parts[: i + 1]) in registered for i in range(len(parts)))
