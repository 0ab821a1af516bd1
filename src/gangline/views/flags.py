"""The flags of a view: what may be set, checked at once, and set for a while without another thread noticing.

A view's flags are one immutable record that is replaced as a whole, so that a wrong value changes nothing. `temp_flags`
puts a second record in front of it for the code inside the ``with`` only: for this thread, or this task of asyncio.
"""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Self

from gangline.errors import UsageError
from gangline.messages import Terms
from gangline.views.asyncresult import AsyncResult
from gangline.views.dependency import Dependency

__all__ = ["Flag", "Flagged", "Flags", "UnknownFlag"]


class UnknownFlag(UsageError, KeyError):
    """A view has no flag of this name."""

    def __str__(self) -> str:
        return str(self.args[0])


class Flags:
    """The values of all flags at one time, and the terms that follow from them once they have been worked out."""

    __slots__ = ("terms", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.terms: Terms | None = None

    def changed(self, values: Mapping[str, Any]) -> Flags:
        """The same but for these."""
        return Flags({**self.values, **values})


_NO_FRAMES: Mapping[int, Flags] = MappingProxyType({})
_frames: ContextVar[Mapping[int, Flags]] = ContextVar("gangline_view_flags", default=_NO_FRAMES)
"""Views (by `id`) whose flags are set for a while in this thread or asyncio task."""


class Flag:
    """One flag of a view, as an attribute.

    Args:
        default: Its value in a new view.
        check: Gives the value to keep, or raises TypeError or ValueError.
    """

    def __init__(self, default: Any, check: Callable[[str, Any], Any]) -> None:
        self.default = default
        self.check = check
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, view: Flagged | None, owner: type) -> Any:
        if view is None:
            return self
        return view._flags_now().values[self.name]

    def __set__(self, view: Flagged, value: Any) -> None:
        view.set_flags(**{self.name: value})


class Flagged:
    """Base of everything that has flags."""

    _flag_table: Mapping[str, Flag] = MappingProxyType({})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Flag)}
        cls._flag_table = MappingProxyType({**cls._flag_table, **own})

    def __init__(self) -> None:
        self._flags = Flags({name: flag.default for name, flag in self._flag_table.items()})
        self._terms: Terms | None = None
        """The terms of the flags, as long as no thread has set any for a while; the short way of a submission."""
        self._temporary = 0
        self._flag_lock = threading.Lock()

    @property
    def _flag_names(self) -> list[str]:
        return list(self._flag_table)

    def set_flags(self, **flags: Any) -> Self:
        """Set flags by name.

        Raises:
            ValueError: An unknown flag, or a value out of range; nothing was changed.
            TypeError: A value of the wrong kind; nothing was changed.
        """
        checked = self._check_flags(flags)
        with self._flag_lock:
            frame = self._frame()
            if frame is not None:
                _put_frame(self, frame.changed(checked))
            else:
                self._flags = self._flags.changed(checked)
            self._terms = None
        return self

    @contextmanager
    def temp_flags(self, **flags: Any) -> Iterator[Self]:
        """Set flags for the code inside the ``with`` block; other threads do not see them.

        Raises:
            ValueError: As `set_flags`.
            TypeError: As `set_flags`.
        """
        checked = self._check_flags(flags)
        before = self._frame()
        with self._flag_lock:
            self._temporary += 1
            self._terms = None
        _put_frame(self, (before or self._flags).changed(checked))
        try:
            yield self
        finally:
            _put_frame(self, before)
            with self._flag_lock:
                self._temporary -= 1
                self._terms = None

    def _flags_now(self) -> Flags:
        return self._frame() or self._flags

    def _frame(self) -> Flags | None:
        return _frames.get().get(id(self)) if self._temporary else None

    def _terms_now(self) -> Terms:
        """The terms for a task that is submitted here and now."""
        flags = self._flags_now()
        if flags.terms is not None:
            return self._keep(flags, flags.terms)
        terms, lasting = self._make_terms(flags.values)
        if lasting:
            flags.terms = terms
            self._keep(flags, terms)
        return terms

    def _keep(self, flags: Flags, terms: Terms) -> Terms:
        with self._flag_lock:
            if not self._temporary and flags is self._flags:
                self._terms = terms
        return terms

    def _make_terms(self, flags: Mapping[str, Any]) -> tuple[Terms, bool]:
        """The terms for these flags, and whether they hold as long as the flags do."""
        raise NotImplementedError

    def _check_flags(self, flags: Mapping[str, Any]) -> dict[str, Any]:
        checked = {}
        for name, value in flags.items():
            flag = self._flag_table.get(name)
            if flag is None:
                known = ", ".join(self._flag_table)
                raise UnknownFlag(f"{type(self).__name__} has no flag {name!r}; it has {known}")
            checked[name] = flag.check(name, value)
        return checked


def _put_frame(view: Flagged, frame: Flags | None) -> None:
    frames = {key: kept for key, kept in _frames.get().items() if key != id(view)}
    if frame is not None:
        frames[id(view)] = frame
    _frames.set(frames)


# What may be set ----------------------------------------------------------------------------------------------


def anything(name: str, value: Any) -> Any:
    """No rule here; the value is checked where it is used."""
    return value


def truth(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def text(name: str, value: Any) -> str | None:
    """Text, or None."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be text or None, not {value!r}")
    return value


def integer(name: str, value: Any) -> int:
    """A whole number."""
    try:
        return operator.index(value)
    except TypeError as exc:
        raise TypeError(f"{name} must be an integer, not {value!r}") from exc


def count(name: str, value: Any) -> int:
    """A whole number, 0 or more."""
    number = integer(name, value)
    if number < 0:
        raise UsageError(f"{name} must be 0 or more, not {value!r}")
    return number


def seconds(name: str, value: Any) -> float | None:
    """A duration, 0 or more, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number of seconds or None, not {value!r}")
    number = float(value)
    if not (number >= 0 and math.isfinite(number)):
        raise UsageError(f"{name} must be a finite number of seconds, 0 or more, not {value!r}")
    return number


def some_seconds(name: str, value: Any) -> float:
    """A duration, 0 or more."""
    return seconds(name, 0.0 if value is None else value) or 0.0


def names(name: str, value: Any) -> tuple[str, ...]:
    """One name, or several."""
    found = (value,) if isinstance(value, str) else tuple(value or ())
    if not all(isinstance(each, str) for each in found):
        raise TypeError(f"{name} must be names as text, not {value!r}")
    return found


def amounts(name: str, value: Any) -> tuple[tuple[str, float], ...]:
    """Names with positive numbers."""
    found = tuple(sorted(dict(value or {}).items()))
    for resource, amount in found:
        if not isinstance(resource, str):
            raise TypeError(f"{name} must have names as text, not {resource!r}")
        if not (isinstance(amount, int | float) and amount > 0 and math.isfinite(amount)):
            raise UsageError(f"{name}: {resource!r} must be a positive number, not {amount!r}")
    return tuple((resource, float(amount)) for resource, amount in found)


_DEPENDENCY_KEYS = {"dependencies", "all", "success", "failure"}


def dependency(name: str, value: Any) -> Any:
    """A task or tasks: id, AsyncResult, list, set, tuple, Dependency, the dict of one, or None."""
    if value is None or isinstance(value, str | AsyncResult | Dependency):
        return value
    if isinstance(value, Mapping) and value.keys() <= _DEPENDENCY_KEYS:
        try:
            return Dependency(value)
        except TypeError as exc:
            raise UsageError(f"{name}: {exc}") from exc
    if isinstance(value, list | set | tuple | frozenset) and all(isinstance(one, str | AsyncResult) for one in value):
        return value
    raise UsageError(f"{name} must be an id, an AsyncResult, several of them, a Dependency or None, not {value!r}")
