"""Shared memory for what is too large for a packet.

The sender owns a pool of segments (anonymous files) and writes a value's bytes into one; its descriptor travels with
the packet. The receiver maps it and works on the mapped pages themselves, without another copy; when the last object
that refers to them is gone, the segment goes back to its owner. Recycling is what makes it fast: pages that the
kernel has to hand out fresh cost several times as much as the copy into warm ones.

Rules:
- A segment is written by its owner only, and only while nobody holds it.
- `holders` counts who may still read: the value itself while it may be sent again, and each receiver.
- A receiver maps privately what may be read again by others (arguments: a task may be retried), so that writing to it
  changes nothing for them.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Lease", "Segment", "SegmentPool", "Spans", "anonymous_file", "default_idle_bytes", "map_segment"]

Spans = tuple[tuple[int, int], ...]
"""Offset and length of each part of a value in its segment."""

_PAGE = 4096
_CHUNK = 16 * 1024 * 1024
_PROT_READ_WRITE = 3
_MAP_SHARED, _MAP_PRIVATE = 1, 2


class Segment:
    """One piece of shared memory. `key` names it among those of its owner."""

    __slots__ = ("_view", "capacity", "descriptor", "holders", "key")

    def __init__(self, key: int, capacity: int) -> None:
        self.key = key
        self.capacity = capacity
        self.holders = 0
        self.descriptor = anonymous_file(capacity)
        self._view: memoryview | None = None

    def write(self, parts: Sequence[memoryview | bytes], *, warm: bool) -> Spans:
        """Copy the parts in, each to the beginning of a page; gives where they are."""
        spans, offset = [], 0
        for part in parts:
            view = memoryview(part).cast("B")
            spans.append((offset, view.nbytes))
            if warm:
                self._copy(view, offset)
            else:
                _write_all(self.descriptor, view, offset)
            offset += -(-view.nbytes // _PAGE) * _PAGE
        return tuple(spans)

    def _copy(self, view: memoryview, offset: int) -> None:
        if self._view is None:
            self._view = map_segment(self.descriptor, self.capacity)
        for start in range(0, view.nbytes, _CHUNK):  # between chunks other threads get their turn
            piece = view[start : start + _CHUNK]
            self._view[offset + start : offset + start + piece.nbytes] = piece

    def close(self) -> None:
        """Give the memory back to the system, once all mappings are gone."""
        self._view = None
        os.close(self.descriptor)


class Lease:
    """A segment with a value in it, held for as long as this object lives."""

    __slots__ = ("_pool", "segment", "spans")

    def __init__(self, pool: SegmentPool, segment: Segment, spans: Spans) -> None:
        self._pool = pool
        self.segment = segment
        self.spans = spans

    @property
    def size_bytes(self) -> int:
        """The bytes that the value takes."""
        return sum(length for _, length in self.spans)

    def __del__(self) -> None:
        self._pool.release(self.segment)


def default_idle_bytes() -> int:
    """How much memory to keep ready for reuse: a thirty-second of what there is, within reason."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        total = 0
    return min(max(256 << 20, total // 32), 2 << 30)


class SegmentPool:
    """The segments of one sender.

    Args:
        idle_bytes: Memory kept ready for reuse; None: `default_idle_bytes`.
        limit: How many segments there may be at a time, since each takes a file descriptor.
    """

    def __init__(self, idle_bytes: int | None = None, limit: int = 192) -> None:
        self._idle_bytes = default_idle_bytes() if idle_bytes is None else idle_bytes
        self._limit = limit
        self._lock = threading.RLock()  # a Lease may be finalized by the collector inside any of the methods
        self._owner = os.getpid()
        self._keys = 0
        self._live: dict[int, Segment] = {}
        self._idle: list[Segment] = []

    def lease(self, parts: Sequence[memoryview | bytes], *, spare: int = 0) -> Lease | None:
        """Put the parts of a value into a segment; None when all segments are taken.

        Args:
            parts: The bytes.
            spare: How many segments may be taken beyond the limit.
        """
        size = sum(-(-memoryview(part).nbytes // _PAGE) * _PAGE for part in parts)
        with self._lock:
            if len(self._live) - len(self._idle) >= self._limit + spare:
                return None
            segment = self._take_idle(size)
            warm = segment is not None
            if segment is None:
                self._trim(len(self._live) - self._limit)
                self._keys += 1
                segment = self._live[self._keys] = Segment(self._keys, _size_class(size))
            segment.holders = 1
        return Lease(self, segment, segment.write(parts, warm=warm))

    def _take_idle(self, size: int) -> Segment | None:
        fitting = [segment for segment in self._idle if size <= segment.capacity <= 4 * _size_class(size)]
        if not fitting:
            return None
        best = min(fitting, key=lambda segment: segment.capacity)
        self._idle.remove(best)
        return best

    def _trim(self, count: int) -> None:
        for _ in range(min(count + 1, len(self._idle))):
            self._drop(self._idle.pop(0))

    def _drop(self, segment: Segment) -> None:
        del self._live[segment.key]
        segment.close()

    def hold(self, segment: Segment) -> None:
        """Count one more holder."""
        with self._lock:
            segment.holders += 1

    def release(self, segment: Segment | int) -> None:
        """One holder less; without any the segment is ready for reuse."""
        if os.getpid() != self._owner:
            return  # a forked child holds nothing
        with self._lock:
            found = self._live.get(segment) if isinstance(segment, int) else segment
            if found is None:
                return
            found.holders -= 1
            if found.holders == 0:
                self._idle.append(found)
                while sum(idle.capacity for idle in self._idle) > self._idle_bytes:
                    self._drop(self._idle.pop(0))

    def close(self) -> None:
        """Give back all idle segments, and the others when they are released."""
        with self._lock:
            self._idle_bytes = 0
            while self._idle:
                self._drop(self._idle.pop())


def _size_class(size: int) -> int:
    """The size rounded up in steps of an eighth of its magnitude."""
    step = max(_PAGE * 16, 1 << max(0, size.bit_length() - 3))
    return -(-size // step) * step


def anonymous_file(size: int) -> int:
    """A descriptor for that much shared memory."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("gangline", os.MFD_CLOEXEC)
    else:
        import tempfile  # not on Linux

        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def _write_all(descriptor: int, view: memoryview, offset: int) -> None:
    done = 0
    while done < view.nbytes:
        done += os.pwrite(descriptor, view[done : done + (1 << 30)], offset + done)


def map_segment(
    descriptor: int, size: int, *, private: bool = False, on_release: Callable[[], None] | None = None
) -> memoryview:
    """Writable memory on a segment, which lives as long as anything refers to it.

    Made with ctypes because the `mmap` module would keep a file descriptor for each mapping.

    Args:
        descriptor: The segment; may be closed afterwards.
        size: How many bytes of it.
        private: Keep what is written there to this process.
        on_release: Called, on any thread, when the memory has been unmapped.
    """
    import ctypes  # only large values pay for it

    size = -(-max(size, 1) // _PAGE) * _PAGE
    libc = _libc()
    address = libc.mmap(None, size, _PROT_READ_WRITE, _MAP_PRIVATE if private else _MAP_SHARED, descriptor, 0)
    if address is None or address == ctypes.c_void_p(-1).value:
        number = ctypes.get_errno()
        raise MemoryError(f"cannot map {size} bytes of shared memory: {os.strerror(number)}")
    memory = (ctypes.c_char * size).from_address(address)
    weakref.finalize(memory, _unmap, libc, address, size, on_release).atexit = False
    return memoryview(memory).cast("B")


def _unmap(libc: Any, address: int, size: int, on_release: Callable[[], None] | None) -> None:
    libc.munmap(address, size)
    if on_release is not None:
        on_release()


@functools.cache
def _libc() -> Any:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    return libc
