"""What jobs say while they run, read from the files that they write to."""

from __future__ import annotations

import codecs
from contextlib import suppress

from gangline.backends.batch.orders import Order
from gangline.backends.batch.runs import Submission
from gangline.remote.command import Stream

__all__ = ["Follower"]


class Follower:
    """Passes the lines of one job on to its listener, as they come.

    Args:
        order: The job, which has a listener.
        submission: Its submission.
        number: Its number there.
    """

    def __init__(self, order: Order, submission: Submission, number: int) -> None:
        assert order.listener is not None
        self._listener = order.listener
        base = submission.base(number)
        self._files = [_File(f"{base}.out", "stdout"), _File(f"{base}.err", "stderr")]
        self._listener.on_start()

    def follow(self, *, final: bool = False) -> bool:
        """Pass on what is new; with `final` also a last line that has no end. Whether there was anything."""
        told = False
        for file in self._files:
            for line in file.lines(final=final):
                told = True
                self._listener.on_line(file.stream, line)
        return told


class _File:
    """A file that grows."""

    def __init__(self, path: str, stream: Stream) -> None:
        self.stream: Stream = stream
        self._path = path
        self._offset = 0
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def lines(self, *, final: bool) -> list[str]:
        data = b""
        with suppress(OSError), open(self._path, "rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *lines, self._rest = (self._rest + self._decoder.decode(data, final=final)).split("\n")
        if final and self._rest:
            lines.append(self._rest)
        return lines
