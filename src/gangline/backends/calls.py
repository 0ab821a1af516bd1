"""Calls made ready to travel to another process, and the functions that travel once for all their calls."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from gangline._engine import serialize
from gangline._engine.closure import Watch, watch_function
from gangline._engine.execute import FIXED
from gangline._engine.importable import is_importable
from gangline._engine.parcel import pack
from gangline._engine.segments import Lease, SegmentPool
from gangline.backends.function_numbers import NumberList
from gangline.backends.kinds import kind_of
from gangline.errors import Unpicklable

__all__ = ["Call", "Calls", "Definition"]

_SMALL = 512
_MAX_RAW_ARGUMENTS = 16
_CALL_BYTES = 128


class Definition:
    """A function as it travels, with the number that its calls name it by.

    Functions that travel as the same bytes (a lambda in a loop is a new one in each turn) share one definition. It
    lives as long as one of them or a call of it; then its number is put on the list of those that engines may forget.
    """

    __slots__ = ("__weakref__", "_forgotten", "data", "kind", "number")

    def __init__(self, number: int, data: bytes, kind: int, forgotten: NumberList) -> None:
        self.number = number
        self.data = data
        self.kind = kind
        self._forgotten = forgotten

    def __del__(self) -> None:
        self._forgotten.append(self.number)


class Registered:
    """One function object of this process whose definition is known.

    Attributes:
        definition: As which it travels.
        watch: Tells whether what it refers to has changed since; None for what travels by reference.
        reference: Has it taken from the register when the function is gone.
    """

    __slots__ = ("definition", "reference", "watch")

    def __init__(self, definition: Definition, watch: Watch | None, reference: weakref.ref[Any]) -> None:
        self.definition = definition
        self.watch = watch
        self.reference = reference


class Call:
    """The payload of one task.

    Attributes:
        definition: The function; None when it travels in `data`.
        data: The arguments as they are (a tuple), or pickled together with the keyword arguments; None when they are
            in `lease`.
        keywords: With a tuple of arguments: the keyword arguments, or None.
        lease: The large arguments, in shared memory.
        kind: Calls of one function have one.
        size_bytes: About how much memory it holds.
    """

    __slots__ = ("data", "definition", "keywords", "kind", "lease", "size_bytes")

    def __init__(
        self,
        definition: Definition | None,
        data: Any,
        keywords: dict[str, Any] | None,
        kind: int,
        size_bytes: int = _CALL_BYTES,
    ) -> None:
        self.definition = definition
        self.data = data
        self.keywords = keywords
        self.kind = kind
        self.size_bytes = size_bytes
        self.lease: Lease | None = None


class Calls:
    """Prepares calls. May be used from any thread.

    Attributes:
        forgotten: Numbers of functions that no call can name any more.
    """

    def __init__(self, pool: SegmentPool) -> None:
        self.forgotten = NumberList()
        self._pool = pool
        self._numbers = itertools.count()
        self._registered: dict[int, Registered] = {}
        self._definitions: weakref.WeakValueDictionary[bytes, Definition] = weakref.WeakValueDictionary()

    def prepare(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
        """A call that does not change any more, whatever becomes of its arguments.

        Raises:
            Unpicklable: naming the argument that cannot travel, and why.
        """
        registered = self._registered.get(id(function))
        if registered is None or (registered.watch is not None and not registered.watch.unchanged()):
            definition = self._define(function)
        else:
            definition = registered.definition
        if definition is not None:
            for value in args:
                if type(value) not in FIXED and not _is_small(value):
                    break
            else:
                if not kwargs:
                    if len(args) <= _MAX_RAW_ARGUMENTS:
                        return Call(definition, args, None, definition.kind)
                elif all(type(value) in FIXED or _is_small(value) for value in kwargs.values()):
                    return Call(definition, args, dict(kwargs), definition.kind)
        return self._pickled(definition, function, args, dict(kwargs))

    def _pickled(
        self, definition: Definition | None, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call:
        content = (function, args, kwargs) if definition is None else (args, kwargs)
        try:
            packed = pack(content, self._pool)
        except Exception as exc:
            raise _explain(function, args, kwargs, exc) from exc
        kind = kind_of(function) if definition is None else definition.kind
        if isinstance(packed, Lease):
            call = Call(definition, None, None, kind, packed.size_bytes)
            call.lease = packed
            return call
        return Call(definition, packed, None, kind, len(packed) + _CALL_BYTES)

    def _define(self, function: Callable[..., Any]) -> Definition | None:
        """The function's definition as of now; None when it has to be pickled anew for each call."""
        key = id(function)
        self._registered.pop(key, None)
        watch = None
        if isinstance(function, (FunctionType, type)):
            if not is_importable(function):
                watch = watch_function(function)
                if not watch.stable:
                    return None
        elif isinstance(function, BuiltinFunctionType):
            if not isinstance(function.__self__, ModuleType):
                return None
        elif not getattr(function, "__gangline_cache__", False):
            return None
        try:
            data = serialize.dumps(function)
        except Exception as exc:
            raise Unpicklable(f"function {_name(function)} cannot be pickled: {_words(exc)}") from exc
        definition = self._definitions.get(data)
        if definition is None:
            definition = Definition(next(self._numbers), data, kind_of(function), self.forgotten)
            self._definitions[data] = definition
        registered = self._registered
        reference = weakref.ref(function, lambda _: registered.pop(key, None))
        registered[key] = Registered(definition, watch, reference)
        return definition


def _is_small(value: Any) -> bool:
    kind = type(value)
    if kind is str or kind is bytes:
        return len(value) <= _SMALL
    if kind is tuple:
        return len(value) <= _MAX_RAW_ARGUMENTS and all(type(item) in FIXED for item in value)
    return False


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", None) or f"an object of type {type(function).__name__}"


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _explain(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], error: Exception) -> Unpicklable:
    """Find out what it was that could not be pickled."""
    for what, value in (
        ("", function),
        *_named_arguments(function, args),
        *((f"argument {k}", v) for k, v in kwargs.items()),
    ):
        try:
            serialize.dumps(value)
        except Exception as exc:
            of = f"{what} of {_name(function)}: " if what else f"function {_name(function)} cannot be pickled: "
            return Unpicklable(of + _words(exc))
    return Unpicklable(f"the call of {_name(function)} cannot be pickled: {_words(error)}")


def _named_arguments(function: Any, args: tuple[Any, ...]) -> list[tuple[str, Any]]:
    import inspect  # only errors pay for it

    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [
        (f"argument {i + 1} ({positional[i]})" if i < len(positional) else f"argument {i + 1}", value)
        for i, value in enumerate(args)
    ]
