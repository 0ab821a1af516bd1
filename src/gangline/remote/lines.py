"""Bytes into lines."""

from __future__ import annotations

__all__ = ["LineSplitter"]

_LINE_MAX_BYTES = 2**20


class LineSplitter:
    """Cuts what a program writes into lines. One that grows beyond a megabyte is given out in pieces."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete with this, without their newlines."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_MAX_BYTES:
            whole.append(self._rest)
            self._rest = b""
        return [_text(line) for line in whole]

    def end(self) -> list[str]:
        """The last line, if it has no newline."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")
