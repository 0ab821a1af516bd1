from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gangline.remote.agent import wire

FRAMES = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=50)))


@given(FRAMES, st.lists(st.integers(0, 400)))
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    frames: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    data = b"".join(wire.pack(*frame) for frame in frames)
    decoder, found, start = wire.Decoder(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += decoder.feed(data[start:cut])
        start = max(start, cut)
    assert found == frames


def test_a_payload_that_is_too_large_is_refused_on_both_sides() -> None:
    with pytest.raises(wire.FrameError, match="too large"):
        wire.pack(wire.STDOUT, 1, bytes(wire.MAX_PAYLOAD_BYTES + 1))
    with pytest.raises(wire.FrameError, match="too many"):
        wire.Decoder().feed(b"\xff" * 9)


def test_any_text_travels_in_json() -> None:
    frame = wire.pack_json(wire.RUN, 1, "ä\udcff\0\n")
    assert frame.isascii() or frame[9:].isascii()
