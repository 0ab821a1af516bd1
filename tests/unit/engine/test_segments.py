from __future__ import annotations

import gc
import os
from typing import Any

import pytest

from gangline._engine.cell import CELL_BYTES, Cell
from gangline._engine.segments import SegmentPool, anonymous_file, map_segment


def test_value_in_a_segment() -> None:
    pool = SegmentPool()
    lease = pool.lease([b"head", memoryview(b"x" * 10_000)])
    assert lease is not None
    assert lease.spans == ((0, 4), (4096, 10_000))
    assert lease.size_bytes == 10_004
    view = map_segment(lease.segment.descriptor, 4096 + 10_000)
    assert bytes(view[:4]) == b"head"
    assert bytes(view[4096:14_096]) == b"x" * 10_000


def test_segment_is_recycled_when_nobody_holds_it() -> None:
    pool = SegmentPool()
    first = pool.lease([b"a" * 100_000])
    assert first is not None
    segment = first.segment
    pool.hold(segment)
    del first
    second = pool.lease([b"b" * 100_000])
    assert second is not None
    assert second.segment is not segment
    pool.release(segment.key)
    third = pool.lease([b"c" * 90_000])
    assert third is not None
    assert third.segment is segment
    assert bytes(map_segment(segment.descriptor, 90_000)[:90_000]) == b"c" * 90_000


def test_limit_and_spare() -> None:
    pool = SegmentPool(limit=2)
    held = [pool.lease([b"x"]), pool.lease([b"x"])]
    assert None not in held
    assert pool.lease([b"x"]) is None
    assert pool.lease([b"x"], spare=1) is not None


def test_idle_memory_is_bounded() -> None:
    pool = SegmentPool(idle_bytes=300_000)
    leases = [pool.lease([b"x" * 200_000]) for _ in range(3)]
    del leases
    assert len(pool._idle) == 1
    pool.close()
    assert pool._live == {}


@pytest.mark.parametrize("private", [False, True])
def test_mapping(private: bool) -> None:
    descriptor = anonymous_file(8192)
    released: list[int] = []
    view = map_segment(descriptor, 5000, private=private, on_release=lambda: released.append(1))
    view[0] = 7
    assert os.pread(descriptor, 1, 0) == (b"\0" if private else b"\7")
    part = view[10:20]
    del view
    gc.collect()
    assert released == []
    part[0] = 1
    del part
    gc.collect()
    assert released == [1]
    os.close(descriptor)


def test_mapping_that_fails_is_a_memory_error() -> None:
    reader, writer = os.pipe()
    with pytest.raises(MemoryError, match="cannot map"):
        map_segment(reader, 4096)
    os.close(reader)
    os.close(writer)


def test_notes_in_a_cell() -> None:
    import marshal

    descriptor = anonymous_file(CELL_BYTES)
    engine, client = Cell(descriptor), Cell(descriptor)
    os.close(descriptor)
    rows: list[tuple[Any, ...]] = [(1, 0, "x" * 10, 1.5, 2.5, None), (2, 0, None, 1.0, 2.0, b"extras")]
    assert all(engine.note(marshal.dumps(row, 2)) for row in rows)
    assert client.notes() == rows
    assert not engine.note(b"x" * CELL_BYTES)
    assert client.notes() == rows
    engine.forget_notes()
    assert client.notes() == []
