"""Orders that make little sense, and places that are not there any more, harm nobody but who asks for them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from gangline.backends.gate import Gate
from gangline.backends.hosts import HostLost, HostUp
from gangline.errors import CommandNotStarted
from gangline.remote import Command, HostConnection
from tests.hosts import wait_until
from tests.integration.remote.support import WAIT_S, Heard, begin
from tests.integration.remote.test_hosts_backend import Stage


def test_a_signal_that_there_is_not_changes_nothing() -> None:
    connection = HostConnection("localhost")
    connection.connect()
    heard = Heard()
    try:
        job = connection.run(Command(("cat",), open_input=True), heard, heard.on_end)
        connection.send_signal(job, 99)
        connection.send_signal(job, signal.SIGUSR1)
        assert heard.result.signal == "SIGUSR1"
        assert begin(connection, "true").result.ok
    finally:
        connection.close()


def test_a_current_folder_that_was_removed_is_the_commands_trouble_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    try:
        stage.backend.connect("localhost", 1)
        folder = tmp_path / "removed"
        folder.mkdir()
        monkeypatch.chdir(folder)
        folder.rmdir()
        (error,) = stage.ended(stage.submit("localhost", "true"))
        assert isinstance(error, CommandNotStarted)
        assert "was removed" in str(error)
        os.chdir(tmp_path)
        assert stage.ended(stage.submit("localhost", "true")) == [None]
    finally:
        stage.session.close()


def test_who_waits_at_a_gate_and_comes_again_counts_once() -> None:
    stage = Stage()
    try:
        gate = Gate(2)
        stage.backend.connect("localhost", 1)
        handle = stage.submit("localhost", "true", gate=gate)
        wait_until(lambda: len(gate._waiting) == 1, WAIT_S)
        os.kill(stage.wait_for(HostUp).info.pid, signal.SIGKILL)
        stage.wait_for(HostLost)
        stage.backend.connect("localhost", 1)
        wait_until(lambda: stage.backend.busy_with(max(stage.session.engines, default=0)) == handle.id, WAIT_S)
        wait_until(lambda: len(gate._waiting) == 1, WAIT_S)
        assert handle.status is None
        stage.backend.connect("localhost", 2)
        assert stage.ended(handle, stage.submit("localhost", "true", gate=gate)) == [None, None]
    finally:
        stage.session.close()
