"""Packets between a client and its engines: two one-way sockets that keep packets whole.

A packet is one marshalled tuple of primitives, its first element the verb. One that would not fit goes into a shared
segment; one that refers to segments carries their descriptors. Both come as a marshalled *list*, the envelope: (keys
of the segments, the packet or None, length of the packet in the last segment). `marshal` and not `pickle` since it
takes half the time, and since both ends are the same interpreter.
"""

from __future__ import annotations

import array
import marshal
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gangline._engine.segments import Lease, SegmentPool, Spans, map_segment

__all__ = [
    "HELLO",
    "OUTPUT",
    "RELEASE",
    "RELEASED",
    "RESULTS",
    "RETURNED",
    "SETUP",
    "SHUTDOWN",
    "TASKS",
    "Packet",
    "Receiver",
    "encode",
    "make_pair",
    "results_packet",
    "send_packet",
]

# To the engine.
SETUP, TASKS, RELEASE, SHUTDOWN = range(4)
# To the client.
HELLO, RESULTS, RETURNED, OUTPUT, RELEASED = range(10, 15)

PACKET_BYTES = 64 * 1024
"""The largest packet that goes through the socket itself."""
SEGMENTS_PER_PACKET = 64
_SOCKET_BUFFER_BYTES = 4 * 1024 * 1024
_TRANSIENT_SEGMENTS = 64


def make_pair() -> tuple[socket.socket, socket.socket]:
    """A sending and a receiving end."""
    kind = getattr(socket, "SOCK_SEQPACKET", socket.SOCK_DGRAM)
    try:
        sender, receiver = socket.socketpair(socket.AF_UNIX, kind)
    except OSError:  # macOS names SEQPACKET, but has none for local sockets
        sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
    return sender, receiver


class Packet(NamedTuple):
    """A packet ready to be sent, and the values in segments that it refers to."""

    body: bytes
    leases: Sequence[Lease] = ()


def encode(content: tuple[Any, ...], leases: Sequence[Lease] = ()) -> Packet:
    """Make a packet of a verb and its primitives."""
    return Packet(marshal.dumps(content, 2), leases)


def results_packet(finished: int, rows: Sequence[bytes]) -> bytes:
    """The body of (RESULTS, finished, rows), with rows that are marshalled: a list is its mark, length and items."""
    head = marshal.dumps((RESULTS, finished, ()), 2)[:-5]
    return b"".join((head, b"[", len(rows).to_bytes(4, "little"), *rows))


def send_packet(
    sock: socket.socket, packet: Packet, pool: SegmentPool, flags: int = 0, on_lent: Callable[[int], None] | None = None
) -> bool:
    """Send a packet; False when it has to wait because the segments are all taken.

    Args:
        sock: Where to.
        packet: What `encode` gave.
        pool: Where its segments are from, and where one is taken for a packet that is too large.
        flags: For the system call.
        on_lent: Called with the key of each segment that the receiver now holds.

    Raises:
        BlockingIOError: with MSG_DONTWAIT, when there is no room for it now.
    """
    body, leases = packet
    if not leases and len(body) <= PACKET_BYTES:
        sock.send(body, flags)
        return True
    inline: bytes | None = body
    if len(body) > PACKET_BYTES:
        whole = pool.lease([body], spare=_TRANSIENT_SEGMENTS)
        if whole is None:
            return False
        leases = [*leases, whole]
        inline = None
    segments = [lease.segment for lease in leases]
    envelope = marshal.dumps([tuple(segment.key for segment in segments), inline, len(body)], 2)
    descriptors = array.array("i", [segment.descriptor for segment in segments])
    for segment in segments:  # before sending, since the receiver may give it back at once
        pool.hold(segment)
    try:
        sock.sendmsg([envelope], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)], flags)
    except OSError:
        for segment in segments:
            pool.release(segment)
        raise
    if on_lent is not None:
        for segment in segments:
            on_lent(segment.key)
    return True


class Receiver:
    """Takes packets from a socket and maps what comes with them.

    Args:
        sock: The receiving end.
        private: Whether writing to received values must not be seen by others (see `segments`).
        on_release: Called with a segment's key, on any thread, when the last reference to its memory is gone.
    """

    def __init__(self, sock: socket.socket, *, private: bool, on_release: Callable[[int], None]) -> None:
        self._sock = sock
        self._private = private
        self._on_release = on_release
        self._buffer = memoryview(bytearray(PACKET_BYTES + 4096))
        self._ancillary_bytes = socket.CMSG_SPACE(4 * (SEGMENTS_PER_PACKET + 1))
        self._descriptors: dict[int, list[int]] = {}

    def receive(self, flags: int = 0) -> tuple[Any, ...] | None:
        """The next packet; None at the end of the stream.

        Raises:
            BlockingIOError: with MSG_DONTWAIT, when there is none.
        """
        count, ancillary, _, _ = self._sock.recvmsg_into([self._buffer], self._ancillary_bytes, flags)
        if count == 0:
            return None
        content = marshal.loads(self._buffer[:count])
        if type(content) is tuple:
            return content
        return self._open_envelope(content, ancillary)

    def _open_envelope(self, envelope: list[Any], ancillary: list[tuple[int, int, bytes]]) -> tuple[Any, ...]:
        keys, inline, size = envelope  # the packet itself, or None and its size in the last segment
        descriptors = array.array("i")
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
        for key, descriptor in zip(keys, descriptors, strict=False):
            self._descriptors.setdefault(key, []).append(descriptor)
        if inline is None:
            inline = self.open(keys[-1], ((0, size),))[0]
        content: tuple[Any, ...] = marshal.loads(inline)
        return content

    def open(self, key: int, spans: Spans) -> list[memoryview]:
        """The memory of a value that came with a packet.

        Raises:
            MemoryError: when it cannot be mapped, or when there was no file descriptor left to receive it.
        """
        descriptors = self._descriptors.get(key)
        if not descriptors:
            raise MemoryError("too many open files to receive a large value (see ulimit -n)")
        descriptor = descriptors.pop()
        try:
            end = max(offset + length for offset, length in spans)
            memory = map_segment(descriptor, end, private=self._private, on_release=lambda: self._on_release(key))
        except MemoryError:
            self._on_release(key)
            raise
        finally:
            os.close(descriptor)
        return [memory[offset : offset + length] for offset, length in spans]

    def discard(self) -> None:
        """Give back the segments that were not opened."""
        for key, descriptors in self._descriptors.items():
            for descriptor in descriptors:
                os.close(descriptor)
                self._on_release(key)
        self._descriptors = {}
