"""What the agent does while its master takes nothing in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from gangline.remote.agent.loop import Loop
from gangline.remote.agent.outgoing import Outgoing


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    yield reading, writing
    for fd in (reading, writing):
        with contextlib.suppress(OSError):
            os.close(fd)


def test_sources_are_held_while_much_is_kept_and_nothing_is_lost(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    loop, got = Loop(), bytearray()
    outgoing = Outgoing(loop, writing)
    source, feeding = os.pipe()
    heard: list[bytes] = []
    loop.add_source(source, lambda: heard.append(os.read(source, 10)))
    sent = [bytes([number % 256]) * 10_000 for number in range(200)]
    for frame in sent:
        outgoing.send(frame)
    assert loop.held
    assert not outgoing.empty
    os.write(feeding, b"x")
    loop.after(0.0, lambda: None)
    loop.turn()
    assert heard == []  # its time comes when there is room
    while not outgoing.empty:
        got += _read(reading)
        loop.turn()
    while data := _read(reading):
        got += data
    assert bytes(got) == b"".join(sent)
    assert not loop.held
    while not heard:
        loop.turn()
    assert heard == [b"x"]
    os.close(source)
    os.close(feeding)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 2**20)
    except BlockingIOError:
        return b""


def test_when_nobody_reads_any_more_everything_is_dropped(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    loop = Loop()
    outgoing = Outgoing(loop, writing)
    for _ in range(300):
        outgoing.send(bytes(10_000))
    assert loop.held
    os.close(reading)
    loop.turn()
    assert outgoing.empty
    assert not loop.held
    outgoing.send(b"more")
    assert outgoing.empty


def test_who_is_forgotten_by_an_earlier_callback_is_not_called_back() -> None:
    loop = Loop()
    (first, feed_first), (second, feed_second) = os.pipe(), os.pipe()
    called: list[int] = []

    def on(fd: int, other: int) -> None:
        called.append(fd)
        loop.remove_source(other)

    loop.add_source(first, lambda: on(first, second))
    loop.add_source(second, lambda: on(second, first))
    os.write(feed_first, b"x")
    os.write(feed_second, b"x")
    loop.turn()
    assert len(called) == 1
    for fd in (first, feed_first, second, feed_second):
        os.close(fd)


def test_times_come_in_their_order() -> None:
    loop, called = Loop(), []
    for seconds in (0.03, 0.01, 0.02):
        loop.after(seconds, lambda each=seconds: called.append(each))  # type: ignore[misc]
    while len(called) < 3:
        loop.turn()
    assert called == [0.01, 0.02, 0.03]
