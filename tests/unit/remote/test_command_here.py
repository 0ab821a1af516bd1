"""A command that is called: it runs here, as a child of this process."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gangline import Client, Command, CommandResult
from gangline.errors import CommandFailed, CommandNotStarted, UsageError
from tests.one_host import wait_until


def test_what_a_command_is_given_and_what_it_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = Command(
        "cat; pwd; echo $A >&2; exit 0", env={"A": "b c"}, cwd=str(tmp_path), input=b"x" * 200_000 + b"\n"
    )
    result = command()
    assert isinstance(result, CommandResult)
    assert (result.ok, result.exit_code, result.signal, result.stderr_tail) == (True, 0, "", ("b c",))
    out, err = capsys.readouterr()
    assert out == "x" * 200_000 + f"\n{tmp_path}\n"
    assert err == "b c\n"


def test_arguments_reach_it_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    Command(["printf", "%s,", "a b", "$HOME", "*", ""])()
    assert capsys.readouterr().out == "a b,$HOME,*,,"


def test_what_it_does_not_read_does_no_harm() -> None:
    assert Command(["true"], input=b"x" * 1_000_000)().ok


def test_failures() -> None:
    with pytest.raises(CommandFailed, match=r"exit 3.* ended with exit code 3: why") as caught:
        Command("echo why >&2; exit 3")()
    assert (caught.value.exit_code, caught.value.stderr_tail) == (3, ("why",))
    with pytest.raises(CommandFailed) as caught:
        Command("kill -TERM $$")()
    assert (caught.value.exit_code, caught.value.signal) == (None, "SIGTERM")
    with pytest.raises(CommandNotStarted, match="there is no no-such-program") as missing:
        Command(["no-such-program"])()
    assert missing.value.kind == "not found"
    with pytest.raises(CommandNotStarted) as missing:
        Command("true", cwd="/no/such/folder")()
    assert missing.value.kind == "no such folder"
    for wrong in ("", [], 3, None):
        with pytest.raises(UsageError):
            Command(wrong if wrong != "" else [""])  # type: ignore[arg-type]


def test_a_program_that_leaves_another_behind_is_not_waited_for(tmp_path: Path) -> None:
    assert Command(f"sleep 1000 & echo $! > {tmp_path}/pid; exit 0")().ok
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


START = "import os, signal, subprocess, time\nfrom gangline import Command\n"
INTERRUPTED = """
class Interrupted(subprocess.Popen):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        while not os.path.exists({there!r}):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

subprocess.Popen = Interrupted
"""


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("leader", [False, True])
@pytest.mark.parametrize("when", ["it runs", "it is being started"])
def test_an_interrupt_ends_it_with_what_it_started(tmp_path: Path, leader: bool, when: str) -> None:
    there = tmp_path / "there"
    code = f"Command('sleep 300 & echo $! > {tmp_path}/pid; mv {tmp_path}/pid {there}; wait')()"
    if when == "it is being started":
        code = INTERRUPTED.format(there=str(there)) + code
    program = subprocess.Popen(
        [sys.executable, "-c", START + code], stderr=subprocess.DEVNULL, start_new_session=leader
    )
    wait_until(there.exists, 60)
    if when == "it runs":
        program.send_signal(signal.SIGINT)
    assert program.wait(60) != 0
    pid = int(there.read_text())
    wait_until(lambda: is_gone(pid), 60)


@pytest.mark.parametrize("backend", ["inline", "threads", "processes"])
def test_as_a_task(backend: str) -> None:
    with Client(backend=backend, engines=1) as client:
        result = client.load_balanced_view().apply(Command("echo out; echo err >&2"))
        assert result.get(timeout=60).exit_code == 0
        assert (result.stdout, result.stderr) == ("out\n", "err\n")


def test_it_is_the_same_after_a_journey() -> None:
    command = Command("echo x", env={"A": "b"}, resources={"cores": 2}, name="n", key="k")
    assert pickle.loads(pickle.dumps(command)) == command
