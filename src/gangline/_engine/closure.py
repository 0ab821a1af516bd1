"""What a function takes along: the globals, cells and defaults that it refers to, and whether they have changed."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from gangline._engine.importable import is_importable, uses_module_globals

__all__ = ["Watch", "captured_globals", "imported_submodules", "watch_function"]

_GLOBAL_OPERATIONS = frozenset({"LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME"})
_names_of_code: WeakKeyDictionary[CodeType, tuple[str, ...]] = WeakKeyDictionary()
_MISSING = object()

_CONSTANT_TYPES = frozenset(
    {int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented), range, CodeType}
)


def global_names(code: CodeType) -> tuple[str, ...]:
    """The names of all globals that the code, or code within it, refers to."""
    names = _names_of_code.get(code)
    if names is None:
        found = {step.argval: None for step in dis.get_instructions(code) if step.opname in _GLOBAL_OPERATIONS}
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                found.update(dict.fromkeys(global_names(constant)))
        names = _names_of_code[code] = tuple(found)
    return names


def captured_globals(function: FunctionType) -> dict[str, Any]:
    """The globals that the function refers to and that exist, with their values now."""
    scope = function.__globals__
    return {name: scope[name] for name in global_names(function.__code__) if name in scope}


def imported_submodules(function: FunctionType, values: Iterable[Any]) -> list[ModuleType]:
    """Loaded submodules that the function reaches through their package, as ``concurrent.futures``."""
    found = []
    for value in values:
        if isinstance(value, ModuleType) and getattr(value, "__path__", None) is not None:
            prefix = value.__name__ + "."
            reachable = set(_attribute_names(function.__code__))
            for name, module in list(sys.modules.items()):
                if (
                    name.startswith(prefix)
                    and module is not None
                    and reachable.issuperset(name[len(prefix) :].split("."))
                ):
                    found.append(module)
    return found


def _attribute_names(code: CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _attribute_names(constant)


class Watch:
    """Remembers everything that a function by value refers to, and tells whether it is all still the same.

    Attributes:
        stable: Whether it can be told at all: False when something mutable is among it.
    """

    __slots__ = ("_cells", "_functions", "_names", "_seen", "stable")

    def __init__(self) -> None:
        self.stable = True
        self._names: list[tuple[Mapping[str, Any], str, Any]] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._functions: list[tuple[FunctionType, CodeType, Any]] = []
        self._seen: set[int] = set()

    def unchanged(self) -> bool:
        """Whether every global, cell, default and class attribute is still the same object."""
        for scope, name, value in self._names:
            if scope.get(name, _MISSING) is not value:
                return False
        for cell, value in self._cells:
            if _cell_value(cell) is not value:
                return False
        for function, code, defaults in self._functions:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return False
        return True

    def add(self, value: Any) -> None:
        """Follow what can be followed; anything else makes the whole unstable."""
        kind = type(value)
        if kind in _CONSTANT_TYPES or kind is ModuleType or kind is BuiltinFunctionType or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if kind is FunctionType:
            if not is_importable(value):
                self._add_function(value)
        elif isinstance(value, type):
            if not is_importable(value):
                self._add_class(value)
        elif kind is tuple or kind is frozenset:
            for item in value:
                self.add(item)
        elif kind in (staticmethod, classmethod):
            self.add(value.__func__)
        elif kind is property:
            for part in (value.fget, value.fset, value.fdel):
                self.add(part)
        else:
            self.stable = False

    def _add_function(self, function: FunctionType) -> None:
        self._functions.append((function, function.__code__, function.__defaults__))
        if function.__dict__ or function.__kwdefaults__:
            for value in (*function.__dict__.values(), *(function.__kwdefaults__ or {}).values()):
                self.add(value)
            self._names.extend((function.__dict__, name, value) for name, value in function.__dict__.items())
        if function.__defaults__:
            self.add(function.__defaults__)
        for cell in function.__closure__ or ():
            value = _cell_value(cell)
            self._cells.append((cell, value))
            if value is not _MISSING:
                self.add(value)
        if not uses_module_globals(function):
            scope = function.__globals__
            for name in global_names(function.__code__):
                value = scope.get(name, _MISSING)
                self._names.append((scope, name, value))
                if value is not _MISSING:
                    self.add(value)

    def _add_class(self, cls: type) -> None:
        for base in cls.__bases__:
            self.add(base)
        for name, value in list(cls.__dict__.items()):
            if name not in _CLASS_MACHINERY and not _is_slot(value):
                self._names.append((cls.__dict__, name, value))
                self.add(value)


_CLASS_MACHINERY = frozenset(
    {"__dict__", "__weakref__", "__annotations__", "_abc_impl", "__dataclass_fields__", "__dataclass_params__"}
)


def _is_slot(value: Any) -> bool:
    return type(value).__name__ in ("getset_descriptor", "member_descriptor")


def _cell_value(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def watch_function(function: Callable[..., Any]) -> Watch:
    """Begin to watch a function or class that travels by value."""
    watch = Watch()
    watch.add(function)
    return watch
