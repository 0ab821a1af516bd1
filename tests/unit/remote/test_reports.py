"""What a host reports is taken in with care: it may come from something that is no agent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gangline.errors import HostLost, RemoteError
from gangline.remote import Command, CommandResult, HostConnection
from gangline.remote.agent import wire
from gangline.remote.job import RemoteJob

HELLO = wire.pack_json(wire.HELLO, 0, {"hostname": "h", "python": "3.9.1", "cores": 4, "pid": 7})
KINDS = st.sampled_from([*range(16, 26), 99])
JSON = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))
REPORTS = st.dictionaries(st.sampled_from(["pid", "exit", "signal", "seconds", "kind", "message"]), JSON) | JSON
PAYLOADS = st.binary(max_size=30) | REPORTS.map(lambda report: json.dumps(report).encode())


class Pipe:
    """In place of the pipes to a program: keeps what is written."""

    said = ""
    busy = False

    def __init__(self) -> None:
        self.written = b""
        self.killed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def kill(self) -> None:
        self.killed = True


def connected() -> tuple[HostConnection, Pipe]:
    connection, pipe = HostConnection("node1"), Pipe()
    connection._channel = pipe  # type: ignore[assignment]
    connection._on_data(b"Welcome!\n" + wire.MAGIC + HELLO)
    return connection, pipe


@given(st.lists(st.tuples(KINDS, st.integers(0, 2), PAYLOADS), max_size=5), st.binary(max_size=20))
def test_whatever_comes_the_job_ends_once_and_nothing_is_raised(
    frames: list[tuple[int, int, bytes]], garbage: bytes
) -> None:
    connection, pipe = connected()
    ends: list[CommandResult | RemoteError] = []
    connection.run(Command(("true",)), None, ends.append)
    for frame in frames:
        connection._on_data(wire.pack(*frame))
        if pipe.killed:
            break
    else:
        connection._on_data(garbage)
    connection._on_data(b"")
    assert len(ends) == 1


def test_a_host_says_what_it_is() -> None:
    connection, _ = connected()
    assert connection.info is not None
    assert (connection.info.hostname, connection.info.python, connection.info.cores) == ("h", "3.9.1", 4)


def test_the_end_of_the_connection_is_the_end_of_its_jobs_and_told_once() -> None:
    lost: list[HostLost] = []
    connection, _ = connected()
    connection._on_lost = lost.append
    ends: list[CommandResult | RemoteError] = []
    connection.run(Command(("true",)), None, ends.append)
    connection._on_data(b"")
    assert [type(end) for end in ends] == [HostLost]
    assert len(lost) == 1
    connection.run(Command(("true",)), None, ends.append)
    assert [type(end) for end in ends] == [HostLost, HostLost]


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("gangline.remote.connection.time.monotonic", lambda: self.now)


def test_silence_is_taken_for_loss_only_when_nothing_is_being_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    connection, pipe = connected()
    connection.ping(clock.now + 7.4)
    assert pipe.written == wire.pack(wire.PING)
    pipe.busy = True
    connection.ping(clock.now + 1000)
    assert not pipe.killed
    pipe.busy = False
    clock.now += 11
    connection._on_data(wire.pack(wire.PONG))
    connection.ping(clock.now + 7.4)
    assert not pipe.killed
    connection.ping(clock.now + 7.6)
    assert pipe.killed


def test_a_slow_listener_is_no_silence_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    connection, pipe = connected()

    class Slow:
        def on_start(self) -> None:
            clock.now += 60

    connection.run(Command(("true",)), Slow(), lambda how: None)  # type: ignore[arg-type]
    connection._on_data(wire.pack(wire.STARTED, 1, b'{"pid": 1}'))
    connection.ping(clock.now + 1)
    assert not pipe.killed


def test_a_message_must_be_an_object(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    class Listening:
        def on_start(self) -> None:
            heard.append("start")

        def on_line(self, stream: str, line: str) -> None:
            heard.append(line)

        def on_message(self, message: Any) -> None:
            heard.append(message)

    job = RemoteJob(1, "h", Command(("x",)), "secret", Listening(), lambda how: None)
    job.on_frame(wire.LOG, b'{"a": 1}\n[]\nnull\n\xff\n{"b": 2}\n')
    job.on_frame(wire.STDERR, b'\x1egangline secret {"c": 3}\n\x1egangline guess {"d": 4}\nplain\n')
    job.on_frame(wire.STARTED, b'{"pid": 1}')
    assert heard.pop() == "start"
    assert heard == [{"a": 1}, {"b": 2}, {"c": 3}, '\x1egangline guess {"d": 4}', "plain"]
    assert len(caplog.records) == 1
