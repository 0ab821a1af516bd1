from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gangline.remote.lines import LineSplitter


@given(st.text(st.sampled_from("aä\n"), max_size=40), st.lists(st.integers(0, 80)))
def test_lines_are_the_same_however_the_bytes_are_cut(text: str, cuts: list[int]) -> None:
    data, splitter, found, start = text.encode(), LineSplitter(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += splitter.feed(data[start:cut])
        start = max(start, cut)
    found += splitter.end()
    assert found == text.removesuffix("\n").split("\n") if text else found == []


def test_carriage_returns_before_newlines_belong_to_them() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"a\r\n\r\nb\rc\r\n") == ["a", "", "b\rc"]
    assert splitter.end() == []


def test_bytes_that_are_no_text_are_shown_as_escapes() -> None:
    assert LineSplitter().feed(b"\xff\x00ok\n") == ["\\xff\0ok"]


def test_a_line_without_end_is_given_out_in_pieces() -> None:
    splitter, pieces = LineSplitter(), 0
    for _ in range(100):
        pieces += len(splitter.feed(b"x" * 65536))
    assert pieces == 5
