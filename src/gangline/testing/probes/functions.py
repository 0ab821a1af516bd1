"""Tasks that use the names which an engine keeps."""

from __future__ import annotations

from typing import Any

from gangline._engine.context import current

__all__ = ["get", "put", "put_held"]


def put(**names: Any) -> None:
    """Keep names in the engine's namespace."""
    context = current()
    assert context is not None
    context.namespace.update(names)


def get(name: str) -> Any:
    """A name of the engine's namespace."""
    context = current()
    assert context is not None
    return context.namespace.get(name, "nothing")


def put_held(value: Any) -> None:
    """Keep the name `held`."""
    put(held=value)
