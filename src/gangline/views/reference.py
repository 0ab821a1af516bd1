"""A name that means something on the engine only."""

from __future__ import annotations

import operator
from typing import Any

from gangline._engine import context

__all__ = ["Reference", "call_resolved"]


class Reference:
    """Stands in a call for the object that has this name in an engine's namespace.

    Args:
        name: The name, or an expression of names such as ``a.b[0]``.
        engine: On which engine; None is the one on which the task runs, when it starts. Another engine's object
            travels to where the task runs, as it is after all calls that were made there before.

    Raises:
        TypeError: When it is not text, or the engine not a number.
    """

    def __init__(self, name: str, engine: int | None = None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a reference is a name as text, not {name!r}")
        self.name = name
        self.engine = None if engine is None else operator.index(engine)

    def __repr__(self) -> str:
        return f"<Reference: {self.name!r}>" if self.engine is None else f"<Reference: {self.name!r} on {self.engine}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.engine is not None:
            raise TypeError("an object of another engine can be an argument, or in a list, tuple or dict that is one")
        # Read on an engine, the bytes become the object itself; read anywhere else, a reference again.
        return (resolved, (self.name,))


def call_resolved(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function on an engine of this very process, where nothing is unpickled, with its references resolved."""
    function, *args_there = [_there(each) for each in (function, *args)]
    return function(*args_there, **{name: _there(value) for name, value in kwargs.items()})


def _there(value: Any) -> Any:
    return resolved(value.name) if isinstance(value, Reference) else value


def resolved(name: str) -> Any:
    """The object of this name on the engine of this thread; without an engine, a `Reference` to it."""
    engine = context.current()
    if engine is None:
        return Reference(name)
    return eval(name, engine.namespace)
