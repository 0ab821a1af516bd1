"""What a client and a relay on a Dask worker say to each other, over one connection of Dask's own.

A message is a verb and its arguments, marshalled: both ends are the same version of Python, which is made sure before.
Large values travel beside the messages as frames; a message refers to its own by the number of the first and how many.
"""

from __future__ import annotations

import asyncio
import marshal
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from distributed.protocol import Serialize

__all__ = [
    "DROP",
    "FETCH",
    "FORGET",
    "GATHER",
    "INTERRUPT",
    "JOINED",
    "KEEP",
    "KEPT",
    "KILL",
    "LEAVING",
    "LOST",
    "OPERATION",
    "OUTPUT",
    "PARTS",
    "PATH",
    "RECALL",
    "RESULTS",
    "RETURNED",
    "SIGNAL",
    "START",
    "STOP",
    "STOP_ENGINE",
    "TASKS",
    "Frame",
    "Message",
    "Post",
    "read_messages",
]

OPERATION = "gangline"
"""By this name a worker hands a connection over to its relay."""

# To the relay.
START, TASKS, FORGET, PATH, RECALL, INTERRUPT, SIGNAL, KILL, STOP_ENGINE, STOP = range(10)
GATHER, KEEP, FETCH, DROP = range(10, 14)
# To the client.
JOINED, RESULTS, RETURNED, OUTPUT, LOST, LEAVING = range(20, 26)

KEPT, PARTS = range(30, 32)

Frame = bytes | bytearray | memoryview
Message = tuple[tuple[Any, ...], Sequence[Frame]]


class Post:
    """The sending end of a connection: keeps the order, and puts what gathers into one packet.

    Args:
        comm: The connection.
        loop: Its event loop.
    """

    def __init__(self, comm: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._comm = comm
        self._loop = loop
        self._lock = threading.RLock()  # what is collected within may have something to say itself
        self._queue: list[tuple[bytes, Sequence[Frame]]] = []
        self._writer: asyncio.Task[None] | None = None  # the loop itself would let go of it
        self._awake = False

    def put(self, *content: Any, frames: Sequence[Frame] = ()) -> None:
        """Send a message; from any thread, and without waiting."""
        item = (marshal.dumps(content), frames)
        with self._lock:
            self._queue.append(item)
            if self._awake:
                return
            self._awake = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop is closed, and with it the connection
            return

    async def flush(self, timeout_s: float) -> None:
        """Wait until all is sent, on the connection's loop."""
        end = self._loop.time() + timeout_s
        while self._awake and self._loop.time() < end:
            await asyncio.sleep(0.001)

    def _wake(self) -> None:
        self._writer = self._loop.create_task(self._write())

    async def _write(self) -> None:
        while True:
            with self._lock:
                items, self._queue = self._queue, []
                if not items:
                    self._awake = False
                    return
            heads = [(content, len(frames)) for content, frames in items]
            frames = [Serialize(frame) for _, frames in items for frame in frames]
            try:
                await self._comm.write((heads, frames))
            except OSError:  # its end is seen where it is read
                return


def read_messages(packet: Any) -> Iterator[Message]:
    """The messages of a packet, each with its frames."""
    heads, frames = packet
    frames = [frame.data if isinstance(frame, Serialize) else frame for frame in frames]  # within one process
    start = 0
    for content, count in heads:
        yield marshal.loads(content), frames[start : start + count]
        start += count
