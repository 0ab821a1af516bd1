from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import CommandFailed, CommandNotStarted, CommandTimedOut, HostLost, HostUnreachable, UsageError
from gangline.remote.command import Command, CommandResult, failure_of, shown
from gangline.remote.connection import ConnectionOptions
from gangline.remote.hosts import is_this_host
from gangline.remote.ssh import SshOptions


@pytest.mark.parametrize(
    "bad",
    [
        {"argv": ()},
        {"argv": ("",)},
        {"argv": " "},
        {"argv": 3},
        {"argv": ("ls", None)},
        {"argv": ("ls", True)},
        {"argv": ("ls", b"x")},
        {"argv": ("ls", "a\0b")},
        {"argv": ("ls", "half of two: \ud83d")},
        {"argv": ("ls", "x" * 5_000_000)},
        {"argv": ("ls",), "env": {"A=B": ""}},
        {"argv": ("ls",), "env": {"": "x"}},
        {"argv": ("ls",), "env": {"A": None}},
        {"argv": "ls", "env": "/tmp"},
        {"argv": ("ls",), "cwd": 3},
        {"argv": ("ls",), "input": 3},
        {"argv": ("ls",), "resources": 4},
        {"argv": ("ls",), "resources": {"options": "--comment='half"}},
        {"argv": ("ls",), "cwd": "\0"},
        {"argv": ("ls",), "logs": 0},
        {"argv": ("ls",), "logs": 2},
    ],
)
def test_a_command_that_no_host_could_run_is_refused_at_once(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Command(**bad)


def test_paths_and_numbers_are_written_out() -> None:
    command = Command(["wc", Path("a b"), 3, 0.5], env={"N": 5, "DATA": Path("/data")}, cwd=Path("/tmp"), input="né")
    assert command.argv == ("wc", "a b", "3", "0.5")
    assert command.env == {"N": "5", "DATA": "/data"}
    assert (command.cwd, command.input) == ("/tmp", "né".encode())


def test_a_command_that_is_called_with_arguments_says_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"command 'echo hi' .* make a Command for each task, and give it to apply"):
        Command(["echo", "hi"])(3)
    with pytest.raises(UsageError, match="a program and its arguments are one list"):
        Command("echo", "hi")  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "meant"), [("partition", "queue"), ("mem", "memory"), ("cpus-per-task", "cores")])
def test_what_schedulers_call_it_is_known(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"cannot ask for '{name}': did you mean '{meant}'"):
        Command("true", resources={name: 2})


@pytest.mark.parametrize("bad", [0.5, 0, -1, float("inf"), float("nan")])
def test_a_keepalive_that_makes_no_sense_is_refused(bad: float) -> None:
    with pytest.raises(UsageError, match="keepalive_s"):
        ConnectionOptions(keepalive_s=bad)
    with pytest.raises(UsageError, match="connect_timeout_s"):
        SshOptions(connect_timeout_s=min(bad, 0.0) if bad == bad else bad)


def test_a_failure_says_what_where_and_how() -> None:
    result = CommandResult("node1", ("ls", "a b"), 5, 2, "", 0.1, 7.0, ("no such file",))
    assert str(failure_of(result)) == "ls 'a b' on host node1 ended with exit code 2: no such file"
    result = CommandResult("node1", ("ls",), 5, None, "SIGKILL", 0.1, 7.0)
    assert str(failure_of(result)) == "ls on host node1 was ended by SIGKILL"
    late = failure_of(result, time_limit_s=3)
    assert isinstance(late, CommandTimedOut)
    assert late.retryable
    assert str(late) == "ls on host node1 was ended: it ran longer than 3 s"
    assert len(shown(["x" * 1000])) == 200


@pytest.mark.parametrize(
    "error",
    [
        HostUnreachable("h", "why", retryable=False),
        HostLost("h", "why"),
        CommandFailed("text", host="h", argv=("a",), exit_code=1, stderr_tail=("x",), duration_s=1.0),
        CommandNotStarted("text", host="h", argv=("a",), kind="not found"),
    ],
)
def test_errors_survive_pickling(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)


def test_this_host_is_known_by_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import socket

    own = os.uname()
    name = "node7.example.org"
    monkeypatch.setattr(os, "uname", lambda: type(own)((own.sysname, name, own.release, own.version, own.machine)))
    monkeypatch.setattr(socket, "getfqdn", lambda: name)
    for here in ("", "localhost", "127.0.0.1", "::1", "node7", "NODE7.example.org"):
        assert is_this_host(here), here
    for elsewhere in ("node", "node70", "node7.example.com", "127.0.0.2"):
        assert not is_this_host(elsewhere), elsewhere
