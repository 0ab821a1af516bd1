"""Log connections that are held open by somebody after their job has ended."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
import threading

import pytest

from gangline.remote.agent import wire
from gangline.remote.agent.logport import HOST, LogPort
from gangline.remote.agent.loop import Loop
from gangline.remote.agent.outgoing import Outgoing
from tests.one_host import wait_until

LINES = b'{"n": 1}\n' * 16_000
"""Much more than is read at once, and less than the system keeps."""


def test_all_that_has_come_is_taken_in_before_a_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much that is: the agent may have stood still for as long as it waits for the rest."""
    monkeypatch.setattr(wire, "CHUNK_BYTES", 1000)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.extend(iter(lambda: os.read(reading, 2**16), b"")))
    reader.start()
    loop = Loop()
    outgoing = Outgoing(loop, writing)
    drained: list[int] = []
    port = LogPort(loop, outgoing, drained.append)
    port._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
    port.expect("secret", 7)
    with socket.create_connection((HOST, port.port)) as node:
        node.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        node.sendall(b'{"token": "secret"}\n' + LINES)
        wait_until(lambda: _on_its_way(node) == 0, 60)
        assert port.open_connections(7) == 1
        port.take_in(7)
        assert drained == []  # it is still open
        port.forget("secret", 7)
    while not outgoing.empty:
        loop.turn()
    port._socket.close()
    os.close(writing)
    reader.join()
    os.close(reading)
    frames = list(wire.Decoder().feed(b"".join(got)))
    assert {(kind, job) for kind, job, _ in frames} == {(wire.LOG, 7)}
    assert b"".join(payload for _, _, payload in frames) == LINES


def _on_its_way(connection: socket.socket) -> int:
    """How many bytes have been sent and not arrived at the other end."""
    count: int = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]
    return count
