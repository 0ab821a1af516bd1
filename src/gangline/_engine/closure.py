"""What a function takes along: the globals, cells and defaults that it refers to, and whether they have changed."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any, Protocol
from weakref import WeakKeyDictionary, ref

from gangline._engine.importable import is_importable, uses_module_globals

__all__ = ["Watch", "captured_globals", "imported_submodules", "watch_function"]

_GLOBAL_OPERATIONS = frozenset({"LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME"})
_names_of_code: WeakKeyDictionary[CodeType, tuple[str, ...]] = WeakKeyDictionary()
_MISSING = object()

_CONSTANT_TYPES = frozenset(
    {
        *(int, float, complex, bool, str, bytes, range, type(None), type(...), type(NotImplemented)),
        *(CodeType, ModuleType),
    }
)
"""Types of values that stay as they are."""


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


_NOTHING: frozenset[int] = frozenset()


class Watch:
    """Remembers everything that a function by value refers to, and tells whether it is all still the same.

    Functions and classes are held weakly, so that watching keeps nothing alive.

    Attributes:
        stable: Whether it can be told at all: False when something mutable is among it.
    """

    __slots__ = ("_followed", "_seen", "stable")

    def __init__(self) -> None:
        self.stable = True
        self._followed: Sequence[_Followed] = []
        self._seen: AbstractSet[int] = set()

    def unchanged(self) -> bool:
        """Whether every global, cell, default and class attribute is still the same object."""
        for followed in self._followed:  # noqa: SIM110  # asked for each call: a generator would double the cost
            if not followed.unchanged():
                return False
        return True

    def add(self, value: Any) -> None:
        """Follow what can be followed; anything else makes the whole unstable."""
        kind = type(value)
        if kind in _CONSTANT_TYPES or id(value) in self._seen:
            return
        self._seen |= {id(value)}
        if kind is FunctionType:
            if not is_importable(value):
                self._follow(_FollowedFunction(value))
        elif isinstance(value, type):
            if not is_importable(value):
                self._follow(_FollowedClass(value))
        elif kind is BuiltinFunctionType:
            self.stable &= isinstance(value.__self__, ModuleType)  # else it is a method of something mutable
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

    def seal(self) -> None:
        """Nothing more is to be followed: keep no more than it takes to ask."""
        self._followed = tuple(self._followed)
        self._seen = _NOTHING

    def _follow(self, followed: _Followed) -> None:
        self._followed = [*self._followed, followed]
        for value in followed.values():
            self.add(value)


class _Followed(Protocol):
    def unchanged(self) -> bool: ...

    def values(self) -> list[Any]: ...


class _FollowedFunction:
    """One function: its code, its defaults, and the names and cells that it uses."""

    __slots__ = ("_cells", "_code", "_defaults", "_function", "_items", "_keyword_defaults", "_names")

    def __init__(self, function: FunctionType) -> None:
        self._function = ref(function)
        self._code = function.__code__
        self._defaults = function.__defaults__
        self._keyword_defaults = _snapshot(function.__kwdefaults__ or {})
        self._items = _snapshot(function.__dict__)
        self._cells = [_remember(_cell_value(cell)) for cell in function.__closure__ or ()]
        names = () if uses_module_globals(function) else global_names(function.__code__)
        self._names = [(name, _remember(function.__globals__.get(name, _MISSING))) for name in names]

    def unchanged(self) -> bool:
        function = self._function()
        if function is None or function.__code__ is not self._code or function.__defaults__ is not self._defaults:
            return False
        scope = function.__globals__
        for name, expected in self._names:
            value = scope.get(name, _MISSING)
            if value is not expected and not _is_same(value, expected):
                return False
        if self._cells:
            for cell, expected in zip(function.__closure__ or (), self._cells, strict=True):
                if not _is_same(_cell_value(cell), expected):
                    return False
        for names, expected in ((function.__kwdefaults__, self._keyword_defaults), (function.__dict__, self._items)):
            if (names or expected) and not _is_snapshot(names or {}, expected):
                return False
        return True

    def values(self) -> list[Any]:
        function = self._function()
        assert function is not None  # it is being followed at this moment
        found = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values(), *function.__dict__.values()]
        found.extend(_cell_value(cell) for cell in function.__closure__ or ())
        found.extend(function.__globals__.get(name, _MISSING) for name, _ in self._names)
        return [value for value in found if value is not _MISSING]


class _FollowedClass:
    """One class: its bases and its attributes."""

    __slots__ = ("_attributes", "_bases", "_class")

    def __init__(self, cls: type) -> None:
        self._class = ref(cls)
        self._bases = [_remember(base) for base in cls.__bases__]
        self._attributes = {name: _remember(value) for name, value in _attributes(cls).items()}

    def unchanged(self) -> bool:
        cls = self._class()
        return (
            cls is not None
            and _is_snapshot(_attributes(cls), self._attributes)
            and all(map(_is_same, cls.__bases__, self._bases))
        )

    def values(self) -> list[Any]:
        cls = self._class()
        assert cls is not None  # it is being followed at this moment
        return [*cls.__bases__, *_attributes(cls).values()]


_CLASS_MACHINERY = frozenset(
    {"__dict__", "__weakref__", "__annotations__", "_abc_impl", "__dataclass_fields__", "__dataclass_params__"}
)


def _attributes(cls: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in cls.__dict__.items()
        if name not in _CLASS_MACHINERY and type(value).__name__ not in ("getset_descriptor", "member_descriptor")
    }


def _remember(value: Any) -> Any:
    """The value, or a weak reference to it where it may refer back to what is followed."""
    return ref(value) if isinstance(value, (FunctionType, type)) else value


def _is_same(value: Any, remembered: Any) -> bool:
    return value is remembered or (type(remembered) is ref and remembered() is value)


def _snapshot(names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _remember(value) for name, value in names.items()}


def _is_snapshot(names: Mapping[str, Any], remembered: Mapping[str, Any]) -> bool:
    return len(names) == len(remembered) and all(_is_same(names.get(name), value) for name, value in remembered.items())


def _cell_value(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def watch_function(function: Callable[..., Any]) -> Watch:
    """Begin to watch a function or class that travels by value."""
    watch = Watch()
    watch.add(function)
    watch.seal()
    return watch
