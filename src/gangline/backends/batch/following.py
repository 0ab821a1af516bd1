"""What jobs say while they run, read from the files that they write to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress

from gangline.backends.batch.orders import Order
from gangline.backends.batch.runs import Submission
from gangline.remote.agent import wire
from gangline.remote.command import Stream
from gangline.remote.hearing import Hearing
from gangline.remote.lines import LineSplitter

__all__ = ["Follower"]

_log = logging.getLogger("gangline.batch")

_PIECE_BYTES = 1 << 20


class Follower:
    """Passes what one job says on to its listener, as it comes.

    A listener may have two methods more than others: `on_host`, which is told where the job runs before anything else,
    and `on_end`, which is called when nothing more comes of this attempt.

    Args:
        order: The job, which has a listener.
        submission: Its submission.
        number: Its number there.
    """

    def __init__(self, order: Order, submission: Submission, number: int) -> None:
        base = submission.base(number)
        begun = submission.how_it_began(number) or {}
        host = str(begun.get("host", ""))
        self._hearing = Hearing(order.listener, order.name, f"host {host}", submission.token(number))
        self._files: list[tuple[Stream, _File, LineSplitter]] = [
            ("stdout", _File(f"{base}.out"), LineSplitter()),
            ("stderr", _File(f"{base}.err"), LineSplitter()),
        ]
        self._messages = _File(f"{base}.messages")
        self._listener = order.listener
        self._frames = wire.Decoder()
        on_host = getattr(order.listener, "on_host", None)
        if on_host is not None and host:
            on_host(host)
        self._hearing.on_start()

    def follow(self, *, final: bool = False) -> bool:
        """Pass on what is new; with `final` also a last line that has no end. Whether there was anything."""
        told = False
        for data in self._messages.pieces():
            told = True
            try:
                self._hear(data)
            except Exception as exc:  # the file is damaged, or the listener is: what else it says is to be heard
                _log.warning("messages of a job cannot be understood: %s: %s", type(exc).__name__, exc)
        for stream, file, lines in self._files:
            for data in file.pieces():
                told = True
                self._hearing.on_lines(stream, lines.feed(data))
            if final:
                self._hearing.on_lines(stream, lines.end())
        on_end = getattr(self._listener, "on_end", None) if final else None
        if on_end is not None:
            on_end()
        return told

    def _hear(self, data: bytes) -> None:
        for kind, _, payload in self._frames.feed(data):
            if kind == wire.LOG:
                self._hearing.on_messages(payload)
            elif kind == wire.WARNING:
                self._hearing.on_warning(payload)


class _File:
    """A file that grows."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._offset = 0

    def pieces(self) -> Iterator[bytes]:
        """What is new."""
        with suppress(OSError), open(self._path, "rb") as file:
            file.seek(self._offset)
            while data := file.read(_PIECE_BYTES):
                self._offset += len(data)
                yield data
