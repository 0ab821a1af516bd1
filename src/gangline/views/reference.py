"""A name that means something on the engine only."""

from __future__ import annotations

from typing import Any

from gangline._engine import context

__all__ = ["Reference", "call_resolved"]


class Reference:
    """Stands in a call for the object that has this name in the engine's namespace when the task starts.

    Args:
        name: The name, or an expression of names such as ``a.b[0]``.

    Raises:
        TypeError: When it is not text.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a reference is a name as text, not {name!r}")
        self.name = name

    def __repr__(self) -> str:
        return f"<Reference: {self.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
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
