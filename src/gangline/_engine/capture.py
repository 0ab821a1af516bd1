"""What a task writes while it runs: text, rich output, published data, log records."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from typing import Any, TextIO

__all__ = ["Capture", "TaskStream", "TaskStreams", "install_streams"]


def _always() -> bool:
    return True


class Capture:
    """Collects what one engine's running task writes. `dirty` says whether there is anything.

    Any thread may add; a second one may ask for `news` while the task goes on writing.
    """

    __slots__ = ("_lock", "_pieces", "_shown", "dirty")

    def __init__(self) -> None:
        self.dirty = False
        self._pieces: list[tuple[str, Any]] = []
        self._shown = 0
        self._lock = threading.Lock()

    def add(self, stream: str, content: Any) -> None:
        """Keep one piece; `stream` is stdout, stderr, display, data or log."""
        self._pieces.append((stream, content))
        self.dirty = True

    def take(self) -> dict[str, Any]:
        """Everything since the last call, sorted by kind."""
        with self._lock:
            pieces, self._pieces, self._shown, self.dirty = self._pieces, [], 0, False
        extras: dict[str, Any] = {}
        for name in ("stdout", "stderr"):
            if text := "".join(content for stream, content in pieces if stream == name):
                extras[name] = text
        if outputs := [content for stream, content in pieces if stream == "display"]:
            extras["outputs"] = outputs
        if logs := [content for stream, content in pieces if stream == "log"]:
            extras["logs"] = logs
        data: dict[str, Any] = {}
        for stream, content in pieces:
            if stream == "data":
                data.update(content)
        if data:
            extras["data"] = data
        return extras

    def news(self, task_runs: Callable[[], bool] = _always) -> list[tuple[str, Any]]:
        """What was written since the last call, with neighbouring text joined; `take` still gives everything.

        Args:
            task_runs: Whether the task that is meant still runs, asked after looking: else it may be the next one that
                has written.
        """
        with self._lock:
            fresh = self._pieces[self._shown :]
            if not task_runs():
                return []
            self._shown += len(fresh)
        joined: list[tuple[str, Any]] = []
        for stream, pieces in groupby(fresh, key=itemgetter(0)):
            contents = [content for _, content in pieces]
            if stream in ("stdout", "stderr"):
                contents = ["".join(contents)]
            joined.extend((stream, content) for content in contents)
        return joined


class TaskStream(io.TextIOBase):
    """Stands in for `sys.stdout` or `sys.stderr`: keeps what a task writes, passes on everything else.

    Args:
        name: stdout or stderr.
        route: Gives the capture of the task that the calling thread belongs to, or None.
        beneath: The stream that was there before.
        tee: Pass on what a task writes as well, so that it is seen at once.
    """

    def __init__(self, name: str, route: Callable[[], Capture | None], beneath: TextIO, *, tee: bool = False) -> None:
        super().__init__()
        self.name = name
        self.beneath = beneath
        self._route = route
        self._tee = tee
        self._buffer: _TaskBuffer | None = None

    @property
    def buffer(self) -> io.RawIOBase:
        """For bytes."""
        if self._buffer is None:  # one is made for each task, and few tasks write bytes
            self._buffer = _TaskBuffer(self)
        return self._buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What `buffer` is decoded with."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """How bytes that are no text are shown."""
        return "backslashreplace"

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """What the stream beneath says, where it is shown."""
        return (self._tee or self._route() is None) and self.beneath.isatty()

    def fileno(self) -> int:
        """The descriptor of the stream beneath."""
        return self.beneath.fileno()

    def write(self, text: str) -> int:
        """Keep the text for the task that runs, or pass it on."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        capture = self._route()
        if capture is not None and text:
            capture.add(self.name, text)
        if capture is None or self._tee:
            self.beneath.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream beneath; what a task wrote needs none."""
        if not self.beneath.closed:
            self.beneath.flush()


class _TaskBuffer(io.RawIOBase):
    """The `buffer` of a `TaskStream`."""

    def __init__(self, stream: TaskStream) -> None:
        super().__init__()
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._stream.write(content.decode("utf-8", "backslashreplace"))
        return len(content)


class TaskStreams:
    """Task streams over `sys.stdout` and `sys.stderr`, to be put there and taken away again and again.

    Args:
        route: Gives the capture of the task that the calling thread belongs to, or None.
        tee: Pass on what a task writes as well.
    """

    def __init__(self, route: Callable[[], Capture | None], *, tee: bool = False) -> None:
        self._route = route
        self._tee = tee
        self._streams: dict[str, TaskStream] = {}

    def place(self) -> None:
        """Put them there; each is the one of last time if it would lie over the same stream."""
        for name in ("stdout", "stderr"):
            beneath, stream = getattr(sys, name), self._streams.get(name)
            if stream is None or stream.beneath is not beneath:
                stream = TaskStream(name, self._route, beneath or io.StringIO(), tee=self._tee)
                self._streams[name] = stream
            setattr(sys, name, stream)

    def remove(self) -> None:
        """Take them away, unless somebody has put something else there."""
        for name, stream in self._streams.items():
            if getattr(sys, name) is stream:
                setattr(sys, name, stream.beneath)


def install_streams(route: Callable[[], Capture | None], *, tee: bool = False) -> Callable[[], None]:
    """Put task streams over `sys.stdout` and `sys.stderr`; gives the function that takes them away again."""
    streams = TaskStreams(route, tee=tee)
    streams.place()
    return streams.remove
