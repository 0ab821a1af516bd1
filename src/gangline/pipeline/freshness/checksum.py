"""Checksums of what a job is made with: its function and its other arguments.

The first two are computed as Ruffus computes them, bit by bit, so that both programs believe the same history. The one
over a function's helpers is Gangline's own.
"""

from __future__ import annotations

import functools
import marshal
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

__all__ = ["checksum_function", "checksum_helpers", "checksum_params", "plain_function"]


def checksum_params(extras: Sequence[Any], named: Mapping[str, Any] | None = None) -> str:
    """The checksum of a job's arguments besides input and output.

    Args:
        extras: Those without names, in a sequence of the same kind as the job's parameters.
        named: Those with names; the order does not count.
    """
    if not extras and not named:
        return _checksum_nothing(type(extras))
    what = (tuple(extras), sorted(named.items())) if named else extras
    try:
        data = pickle.dumps(what)
    except Exception:  # pickling runs the user's own code; what cannot be pickled is told apart by how it shows itself
        data = repr(what).encode("utf-8", "backslashreplace")
    return _md5(data)


@functools.cache
def _checksum_nothing(kind: type[Sequence[Any]]) -> str:
    return _md5(pickle.dumps(kind()))


def plain_function(function: Any) -> FunctionType | None:
    """The Python function whose code says what `function` does, if there is one."""
    if isinstance(function, functools.partial):
        return plain_function(function.func)
    bound = getattr(function, "__func__", function)
    if isinstance(bound, FunctionType):
        return bound
    call = vars(type(function)).get("__call__")
    return call if isinstance(call, FunctionType) else None


def checksum_function(function: Callable[..., Any] | str | None) -> str:
    """The checksum of a stage's function: code, constants, names and defaults, but not where in the file it stands.

    A stage that is a shell command has its text instead; what has no Python code is told apart by its name.
    """
    plain = plain_function(function)
    if plain is None:
        name = (
            function
            if isinstance(function, str)
            else f"{getattr(function, '__qualname__', type(function).__qualname__)}"
        )
        return _md5(name.encode("utf-8", "backslashreplace"))
    code = plain.__code__
    attributes: list[Any] = [plain.__defaults__, code.co_argcount, code.co_consts, code.co_names, code.co_nlocals]
    attributes.append(code.co_varnames)
    if plain.__kwdefaults__:
        attributes.append(sorted(plain.__kwdefaults__.items()))
    data = marshal.dumps(code.co_code) + b"".join(map(_dump, attributes))
    if isinstance(function, functools.partial):
        data += _dump((function.args, sorted(function.keywords.items())))
    return _md5(data)


def checksum_helpers(function: Callable[..., Any] | str | None) -> str:
    """The checksum of the functions that a stage's function uses, of its own module, and those that they use in turn.

    Their order and place do not count. Functions of other modules are not looked at: a new version of a library is
    no reason to run a year's work again.
    """
    plain = plain_function(function)
    if plain is None:
        return ""
    sums = sorted(f"{helper.__qualname__}={checksum_function(helper)}" for helper in _helpers(plain))
    return _md5("\n".join(sums).encode("utf-8", "backslashreplace")) if sums else ""


def _helpers(function: FunctionType) -> Iterator[FunctionType]:
    seen: set[Any] = {function}
    waiting = [function]
    while waiting:
        for helper in _used_by(waiting.pop()):
            if helper not in seen:
                seen.add(helper)
                waiting.append(helper)
                yield helper


def _used_by(function: FunctionType) -> Iterator[FunctionType]:
    module = function.__module__
    values = [function.__globals__.get(name) for name in _names(function.__code__)]
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # a name of the enclosing function that has no value yet
            continue
    for value in values:
        if isinstance(value, type) and value.__module__ == module:
            yield from (method for method in vars(value).values() if isinstance(method, FunctionType))
        # A wrapper such as that of functools.cache leads to the function that does the work.
        inner = getattr(value, "__wrapped__", value)
        if isinstance(inner, FunctionType) and inner.__module__ == module:
            yield inner


def _names(code: CodeType) -> set[str]:
    """The names that a function and those nested in it look up."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _dump(attribute: Any) -> bytes:
    try:
        return pickle.dumps(attribute)
    except Exception:  # pickling runs the user's own code, in default values; nested code cannot be pickled at all
        pass
    try:
        return marshal.dumps(attribute)
    except ValueError:
        return str(attribute).encode("utf-8", "backslashreplace")


def _md5(data: bytes) -> str:
    try:
        from _md5 import md5  # type: ignore[import-not-found]  # hashlib loads OpenSSL, which takes longer than a run's sums
    except ImportError:  # an interpreter that was built without it
        from hashlib import md5
    digest: str = md5(data, usedforsecurity=False).hexdigest()
    return digest
