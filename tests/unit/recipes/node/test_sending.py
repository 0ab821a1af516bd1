"""The channel against a receiver that does what an agent would not."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gangline.recipes.sending import ForwardingHandler, LogChannel


class Receiver:
    """Listens, and keeps the lines of each connection; may leave after some bytes."""

    def __init__(self, leaves_after: int | None = None) -> None:
        self._leaves_after = leaves_after
        self._closed = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = str(self._listening.getsockname()[1])
        self.connections: list[list[Any]] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            lines: list[Any] = []
            self.connections.append(lines)
            thread = threading.Thread(target=self._read, args=(connection, lines))
            self._threads.append(thread)
            thread.start()

    def _read(self, connection: socket.socket, lines: list[Any]) -> None:
        data = b""
        with connection:
            while self._leaves_after is None or len(data) < self._leaves_after:
                more = connection.recv(4096)
                if not more:
                    break
                data += more
        lines.extend(json.loads(line) for line in data.splitlines() if line.endswith(b"}"))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_the_token_comes_first_and_all_has_arrived_when_it_is_closed(receiver: Receiver) -> None:
    channel = LogChannel("127.0.0.1", receiver.port, "secret")
    for number in range(1000):
        channel.send({"n": number})
    channel.close()
    receiver.close()
    assert receiver.connections == [[{"token": "secret"}, *({"n": number} for number in range(1000))]]
    assert channel.trouble == ""


def test_a_child_has_a_connection_of_its_own(receiver: Receiver) -> None:
    channel = LogChannel("127.0.0.1", receiver.port, "secret")
    channel.send({"from": "parent"})
    pid = os.fork()
    if not pid:
        channel.send({"from": "child"})
        channel.close()
        os._exit(0)
    os.waitpid(pid, 0)
    channel.send({"from": "parent"})
    channel.close()
    receiver.close()
    assert sorted(receiver.connections, key=len) == [
        [{"token": "secret"}, {"from": "child"}],
        [{"token": "secret"}, {"from": "parent"}, {"from": "parent"}],
    ]


def test_a_record_is_sent_once_by_several_loggers(receiver: Receiver) -> None:
    channel = LogChannel("127.0.0.1", receiver.port, "secret")
    handler = ForwardingHandler(channel, logging.INFO)
    upper, lower = logging.getLogger("test_sending"), logging.getLogger("test_sending.lower")
    upper.propagate = False
    for logger in (upper, lower):
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    lower.info("once")
    lower.debug("below the level")
    for logger in (upper, lower):
        logger.removeHandler(handler)
    channel.close()
    receiver.close()
    ((_, record),) = receiver.connections
    assert record["log"]["msg"] == "once"


def test_when_the_receiver_leaves_what_follows_goes_over_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    leaving = Receiver(leaves_after=1000)
    channel = LogChannel("127.0.0.1", leaving.port, "secret")
    count = 0
    while not channel.trouble:
        channel.send({"n": count, "text": "x" * 10_000})
        count += 1
    channel.send({"n": count})
    channel.close()
    leaving.close()
    lines = [line for line in capfd.readouterr().err.split("\n") if line]
    assert all(line.startswith("\x1egangline secret {") for line in lines)
    assert [json.loads(line.removeprefix("\x1egangline secret "))["n"] for line in lines] == [count - 1, count]


def test_where_nobody_listens_it_says_so() -> None:
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        assert "refused" in LogChannel("127.0.0.1", str(once.getsockname()[1]), "secret").trouble
    assert LogChannel("127.0.0.1", "99999", "secret").trouble
    assert LogChannel("127.0.0.1", "", "secret").trouble.startswith("ValueError")
    assert LogChannel("", "x", "secret").trouble.startswith("ValueError")
