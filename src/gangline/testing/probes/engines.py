"""Tasks that tell of their engine, or end it."""

from __future__ import annotations

import os

from gangline._engine.context import current

__all__ = ["exit_by_exception", "leave", "self_portrait", "write_down"]


def self_portrait() -> tuple[int, str, int]:
    """The engine's number, its name and its process."""
    context = current()
    assert context is not None
    return context.engine_id, context.uuid, os.getpid()


def leave(code: int) -> None:
    """End the process, with a word on its descriptor 2."""
    os.write(2, b"these were my last words\n")
    os._exit(code)


def write_down(path: str, number: int) -> None:
    """Add a number to a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{number}\n".encode())
    os.close(descriptor)


def exit_by_exception(code: int) -> None:
    """End a program in the ordinary way."""
    raise SystemExit(code)
