"""What a command is given and what is known of its end, on this host and over ssh."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from gangline.errors import CommandNotStarted, CommandTimedOut, UsageError
from gangline.remote import Command, CommandResult, ConnectionOptions, HostConnection, run
from tests.hosts import Hosts
from tests.integration.remote.support import WAIT_S, Heard, begin

SHOW = "import sys, json; json.dump([a.encode('utf-8', 'surrogateescape').hex() for a in sys.argv[1:]], sys.stdout)"
PYTHON = sys.executable

NASTY = [
    "", " ", "a b", "'", '"', "\\", "*", "?", "$HOME", "`id`", "$(id)", ";", "&", "|", "<", "~", "!", "#", "{a,b}",
    "%s", "a\nb", "\t", "\r", "-n", "--", "ä€🐕", "\udcff\udc80", "\x01\x7f", "x" * 100_000,
]  # fmt: skip


def test_arguments_arrive_exactly_as_they_are(connection: HostConnection) -> None:
    heard = begin(connection, PYTHON, "-X", "utf8", "-c", SHOW, *NASTY)
    assert heard.result.ok, heard.lines
    assert json.loads(heard.text) == [each.encode("utf-8", "surrogateescape").hex() for each in NASTY]


def test_exit_codes_are_true(connection: HostConnection) -> None:
    for code in (0, 1, 2, 126, 127, 128, 137, 139, 255):
        result = begin(connection, "sh", "-c", f"exit {code}").result
        assert (result.exit_code, result.signal, result.ok) == (code, "", code == 0)


def test_signals_are_true(connection: HostConnection) -> None:
    for name in ("SIGKILL", "SIGTERM", "SIGSEGV", "SIGPIPE", "SIGINT"):
        result = begin(connection, "sh", "-c", f"kill -{int(signal.Signals[name])} $$; sleep 5").result
        assert (result.exit_code, result.signal) == (None, name)
    assert begin(connection, "sh", "-c", "kill -40 $$; sleep 5").result.signal == "signal 40"


def test_what_is_known_of_a_command_that_has_ended(connection: HostConnection) -> None:
    begun = time.time()
    heard = begin(connection, "sh", "-c", "echo $$; sleep 0.2; echo last words >&2; exit 3")
    result = heard.result
    assert result == CommandResult(
        connection.host, ("sh", "-c", "echo $$; sleep 0.2; echo last words >&2; exit 3"), int(heard.text), 3, "",
        result.duration_s, result.started_at, ("last words",),
    )  # fmt: skip
    assert result.duration_s >= 0.2
    assert begun - 0.1 <= result.started_at <= time.time()


def test_what_keeps_a_command_from_starting_is_told_apart(connection: HostConnection, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    plain, text, lost = tmp_path / "plain", tmp_path / "text", tmp_path / "lost"
    plain.write_text("#!/bin/sh\n")
    text.write_text("no program at all\n")
    lost.write_text("#!/no/such/interpreter\n")
    for path in (text, lost):
        path.chmod(0o755)

    def kind(*argv: str, cwd: str | None = None) -> str:
        error = begin(connection, *argv, cwd=cwd).wait()
        assert isinstance(error, CommandNotStarted)
        assert (error.host, error.argv) == (connection.host, argv)
        return error.kind

    assert kind("no-such-program") == "not found"
    assert kind("/no/such/program") == "not found"
    assert kind(str(lost)) == "not found"
    assert kind(str(plain)) == "not executable"
    assert kind(str(text)) == "not executable"
    assert kind(str(tmp_path)) == "not executable"
    assert kind("true", cwd="/no/such/folder") == "no such folder"
    assert kind("true", cwd=str(plain)) == "no such folder"
    assert kind("true", *["x" * 200_000] * 20) == "too long"


def test_output_comes_line_by_line_while_the_command_runs(connection: HostConnection) -> None:
    heard = begin(connection, "sh", "-c", "echo one; echo two >&2; sleep 1000")
    assert sorted(heard.wait_for_lines(2)) == ["one", "two"]
    assert heard.outcome is None


def test_empty_lines_and_a_last_one_without_newline_are_lines(connection: HostConnection) -> None:
    heard = begin(connection, "printf", r"a\n\n b \nend")
    assert heard.result.ok
    assert heard.lines == [("stdout", "a"), ("stdout", ""), ("stdout", " b "), ("stdout", "end")]


def test_bytes_that_are_no_text_harm_nothing(connection: HostConnection) -> None:
    heard = begin(connection, PYTHON, "-c", "import os; os.write(1, bytes(range(256)) * 1000)")
    assert heard.result.ok
    assert len(heard.lines) == 1001
    assert "\\xff" in heard.lines[1][1]


def test_input_is_read_to_its_end(connection: HostConnection) -> None:
    data = os.urandom(3_000_000)
    heard = begin(connection, "sha256sum", input=data)
    assert heard.result.ok
    assert heard.text.split()[0] == hashlib.sha256(data).hexdigest()
    assert begin(connection, "cat").result.ok  # without input there is an end at once
    assert begin(connection, "true", input=data).result.ok  # that it is not read does no harm
    assert begin(connection, "sh", "-c", "exec <&-; sleep 0.3", input=data).result.ok


def test_input_can_be_fed_while_the_command_runs(connection: HostConnection) -> None:
    heard = Heard()
    command = Command(
        ("sh", "-c", "while read -r x; do echo got $x; [ $x = end ] && exit; done"), input=b"one\n", open_input=True
    )
    job = connection.run(command, heard, heard.on_end)
    assert heard.wait_for_lines(1) == ["got one"]
    connection.feed(job, b"two\n")
    assert heard.wait_for_lines(2) == ["got one", "got two"]
    connection.feed(job, b"end\n")
    assert heard.result.ok
    connection.feed(job, b"late\n")


def test_the_environment_is_that_of_the_host_and_what_was_given(connection: HostConnection, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "tool").chmod(0o755)
    tmp_path.chmod(0o755)
    heard = begin(
        connection, "sh", "-c", 'echo "$A"; echo "$GANGLINE_HOST"; tool; echo "$PATH"; echo "${HOME:+there}"',
        env={"A": "ä 'b'\nc"}, path=(str(tmp_path), "/no/such"),
    )  # fmt: skip
    assert heard.result.ok
    lines = heard.text.split("\n")
    assert lines[:4] == ["ä 'b'", "c", connection.host, "mine"]
    assert lines[4].startswith(f"{tmp_path}:")
    assert "/no/such" not in lines[4]
    assert lines[5] == "there"


def test_on_this_host_environment_and_folder_are_those_of_the_moment(
    here: HostConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SET_LATER", "yes")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    heard = begin(here, "sh", "-c", 'echo "$SET_LATER"; echo "${HOME-none}"; pwd', cwd="below")
    assert heard.result.ok
    assert heard.text.split("\n") == ["yes", "none", str(tmp_path / "below")]


def test_a_folder_may_be_named(connection: HostConnection, tmp_path: Path) -> None:
    folder = tmp_path / "a ä\n*"
    folder.mkdir()
    assert begin(connection, "sh", "-c", 'touch "$PWD/here"', cwd=str(folder)).result.ok
    assert (folder / "here").exists()


def test_a_hundred_and_fifty_at_once(connection: HostConnection) -> None:
    waiting = [begin(connection, "sh", "-c", f"sleep 0.2; echo {number}; exit {number}") for number in range(150)]
    for number, heard in enumerate(waiting):
        assert heard.result.exit_code == number
        assert heard.text == str(number)


def test_a_hundred_megabytes_of_output_need_no_memory(connection: HostConnection) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = 0

    class Counting(Heard):
        def on_line(self, stream: str, line: str) -> None:
            nonlocal count
            count += len(line) + 1

    heard = Counting()
    lines = 100_000_000 // 1000
    program = f"import sys; [sys.stdout.write('x' * 999 + chr(10)) for _ in range({lines})]"
    connection.run(Command((PYTHON, "-c", program)), heard, heard.on_end)
    assert heard.result.ok
    assert count == 100_000_000
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 40_000


def test_a_slow_listener_holds_the_command_up_and_loses_nothing(hosts: Hosts) -> None:
    """Longer than the keepalive: that the listener is slow must not be taken for a dead connection."""
    pinged = threading.Semaphore(0)

    class Counting(HostConnection):
        def ping(self, now: float) -> None:
            super().ping(now)
            pinged.release()

    there = Counting(hosts.names[0], ConnectionOptions(hosts.ssh(), keepalive_s=6.0))
    there.connect()

    class Slow(Heard):
        def on_line(self, stream: str, line: str) -> None:
            if not self.lines:
                for _ in range(5):  # of which there are four in the time of the keepalive
                    assert pinged.acquire(timeout=WAIT_S)
            super().on_line(stream, line)

    heard, reading = Slow(), Heard()
    there.run(Command(("seq", "100000")), heard, heard.on_end)
    there.run(Command(("sh", "-c", "sleep 3; wc -c"), input=bytes(20_000_000)), reading, reading.on_end)
    assert heard.result.ok
    assert len(heard.lines) == 100_000
    assert reading.result.ok
    assert reading.text == "20000000"
    there.close()


def test_a_listener_that_fails_harms_nothing(here: HostConnection, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Heard):
        def on_line(self, stream: str, line: str) -> None:
            raise ValueError(line)

    heard = Failing()
    here.run(Command(("echo", "x")), heard, heard.on_end)
    assert heard.result.ok
    assert "a listener failed" in caplog.text
    assert begin(here, "true").result.ok


def test_run_is_a_plain_call() -> None:
    lines: list[tuple[str, str]] = []
    result = run("", ["sh", "-c", "cat; exit 4"], input=b"a\nb", on_line=lambda *line: lines.append(line))
    assert (result.exit_code, lines) == (4, [("stdout", "a"), ("stdout", "b")])
    with pytest.raises(CommandNotStarted):
        run("localhost", ["no-such-program"])
    with pytest.raises(UsageError, match="time_limit_s"):
        run("localhost", ["true"], time_limit_s=0)


def test_a_time_limit_ends_the_command(tmp_path: Path) -> None:
    said = tmp_path / "said"
    limit_s = 0.3
    while not said.exists():  # where it has not even come to that in its time, it is given more
        with pytest.raises(CommandTimedOut, match=rf"longer than {limit_s:g} s") as raised:
            run("localhost", ["sh", "-c", f"echo partial >&2; touch {said}; sleep 60 & wait"], time_limit_s=limit_s)
        limit_s *= 4
    assert raised.value.stderr_tail == ("partial",)
    assert raised.value.signal == "SIGTERM"


def test_frames_that_no_agent_sends_end_the_connection() -> None:
    """As from a program in the agent's place that says more than it should."""
    connection = HostConnection("localhost")
    connection.connect()
    heard = begin(connection, "sh", "-c", "echo begun; exec sleep 60")
    heard.wait_for_lines()
    connection._on_data(b"\xff" * 20)
    assert "no report of an agent" in str(heard.wait())
    connection.close()
