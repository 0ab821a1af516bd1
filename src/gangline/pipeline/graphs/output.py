"""Where a picture goes: a file by its name, or a stream of bytes or of text."""

from __future__ import annotations

import io
import os
from typing import Any

from gangline.errors import UsageError

__all__ = ["format_of_name", "write_picture"]


def format_of_name(stream: Any) -> str:
    """The format that the name of a file, or of a stream's file, ends with.

    Raises:
        UsageError: There is no name, or it has no ending.
    """
    name = stream if isinstance(stream, (str, os.PathLike)) else getattr(stream, "name", "")
    ending = os.path.splitext(os.fspath(name) if isinstance(name, (str, os.PathLike)) else "")[1].lstrip(".")
    if not ending:
        raise UsageError(
            f"the format of {name or stream!r} cannot be told from its name: give output_format, such as 'svg', 'dot', "
            "'mermaid' or 'png'"
        )
    return ending


def write_picture(stream: Any, picture: bytes, *, is_text: bool) -> None:
    """Write a picture.

    Args:
        stream: The name of a file, or something with `write`, for bytes or for text.
        picture: What to write, text in UTF-8.
        is_text: Whether it is text.

    Raises:
        UsageError: The stream is for text and the picture is none, or it cannot be written to.
    """
    if isinstance(stream, (str, os.PathLike)):
        with open(stream, "wb") as file:
            file.write(picture)
        return
    if not hasattr(stream, "write"):
        raise UsageError(f"a picture is written to a file, given by name or open, not to {stream!r}")
    if not _takes_text(stream):
        stream.write(picture)
    elif is_text:
        stream.write(picture.decode())
    elif hasattr(stream, "buffer"):
        stream.buffer.write(picture)
    else:
        raise UsageError(f"{stream!r} takes text only: open the file with mode 'wb'")


def _takes_text(stream: Any) -> bool:
    if isinstance(stream, io.TextIOBase):
        return True
    # Files of the tempfile module wrap the stream that says what it is.
    return isinstance(getattr(stream, "file", None), io.TextIOBase)
