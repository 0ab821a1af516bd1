"""Connections that are lost at the worst moment."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gangline.errors import HostLost, HostUnreachable
from gangline.remote import ConnectionOptions, HostConnection, SshOptions
from gangline.remote.agent import wire
from tests.one_host import wait_until

HELLO = wire.MAGIC + wire.pack_json(wire.HELLO, 0, {"hostname": "h", "python": "3.9.1", "cores": 4, "pid": 7})


def test_one_that_is_lost_before_anybody_saw_that_it_was_there_is_not_made_again(tmp_path: Path) -> None:
    """Its owner has been told of its loss, and would not know what to do with another."""
    (tmp_path / "hello").write_bytes(HELLO)
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f"#!/bin/sh\ncd {tmp_path}\necho x >> tries\ncat hello\necho 'Connection reset by 10.0.0.1' >&2\nexit 255\n"
    )
    ssh.chmod(0o755)
    lost: list[HostLost] = []
    connection = HostConnection("node1", ConnectionOptions(SshOptions(program=str(ssh))), lost.append)

    class Slow(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(timeout) and connection._gone.wait(60)

    connection._changed = Slow()
    with pytest.raises(HostUnreachable, match="lost as soon as"):
        connection.connect()
    wait_until(lambda: len(lost) == 1, 60)
    assert (tmp_path / "tries").read_text() == "x\n"
