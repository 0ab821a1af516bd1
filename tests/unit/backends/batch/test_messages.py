"""What node scripts hand in on the host of their job, and how it comes home; run here as a scheduler would run it."""

from __future__ import annotations

import ast
import os
import resource
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gangline.backends.batch import messages, onnode
from gangline.backends.batch.carried import MODULES
from gangline.backends.batch.endings import attempt_of_record
from gangline.backends.batch.following import Follower
from gangline.backends.batch.orders import Order, order_of
from gangline.backends.batch.runs import Run, Submission
from gangline.backends.batch.system import BatchSystem
from gangline.backends.commands import run_command
from gangline.messages import TaskId
from gangline.remote.agent import wire
from gangline.remote.command import Command
from gangline.remote.resources import NOTHING_ASKED

PATIENCE_S = 60.0


class Names:
    """What the records know of a scheduler."""

    name = "slurm"
    array_variable = "SLURM_ARRAY_TASK_ID"
    job_variable = "SLURM_JOB_ID"


NAMES: BatchSystem = Names()  # type: ignore[assignment]


class Listening:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_host(self, host: str) -> None:
        self.heard.append(("host", host))

    def on_start(self) -> None:
        self.heard.append("start")

    def on_line(self, stream: str, line: str) -> None:
        self.heard.append((stream, line))

    def on_message(self, message: Mapping[str, Any]) -> None:
        self.heard.append(message)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    run = Run.begin(tmp_path / "jobs")
    yield run
    run.end(keep=False)


@pytest.fixture
def heard() -> Listening:
    return Listening()


def order(body: str, heard: Listening, token: str = "") -> Order:
    """A program that is given the address of the log port, then "last"; `send` hands in a line."""
    program = (
        "import glob, os, socket, sys, time\n"
        "def connect(token=os.environ['GANGLINE_LOG_TOKEN']):\n"
        "    there = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        '    there.sendall(b\'{"token": "%s"}\\n\' % token.encode())\n'
        "    return there\n" + textwrap.dedent(body)
    )
    env = {"GANGLINE_LOG_TOKEN": token} if token else {}
    command = Command((sys.executable, "-c", program, "last"), logs=3, log_level=17, env=env)
    return order_of(run_command, (command, heard), {}, NOTHING_ASKED)


def begin(run: Run, order: Order, prepare: Callable[[], None] | None = None) -> tuple[Submission, Any]:
    submission, request = run.prepare([order], [(0, "uuid")], NAMES)
    program = subprocess.Popen([request.script], start_new_session=True, stderr=subprocess.PIPE, preexec_fn=prepare)
    return submission, program


def end(program: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, said = program.communicate(timeout=PATIENCE_S)
    return program.returncode, said.decode()


def until(happened: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_messages_arrive_while_the_program_runs_and_before_its_end(run: Run, heard: Listening) -> None:
    one = order(
        """
        there = connect()
        there.sendall(b'{"a": 1}\\n{"b": ')
        while not os.path.exists("go"): time.sleep(0.01)
        print(sys.argv[3], os.environ["GANGLINE_LOG_LEVEL"], os.environ["GANGLINE_HOST"])
        there.sendall(b'2}\\n{"last": "of all"}')
        """,
        heard,
    )
    submission, program = begin(run, one)
    until(submission.newly_begun)
    follower = Follower(one, submission, 1)
    here = socket.gethostname()
    assert heard.heard == [("host", here), "start"]
    until(follower.follow)
    assert heard.heard[2:] == [{"a": 1}]
    Path("go").touch()
    assert end(program) == (0, "")
    follower.follow(final=True)
    assert heard.heard[3:] == [{"b": 2}, {"last": "of all"}, ("stdout", f"last 17 {here}")]
    submission.forget(1)
    assert not submission.folder.exists()


def test_strangers_are_refused(run: Run, heard: Listening, caplog: pytest.LogCaptureFixture) -> None:
    one = order(
        """
        stranger = connect("guessed")
        stranger.sendall(b'{"from": "a stranger"}\\n')
        assert stranger.recv(1) == b""
        connect().sendall(b'{"from": "the job"}\\n')
        """,
        heard,
    )
    submission, program = begin(run, one)
    assert end(program) == (0, "")
    Follower(one, submission, 1).follow(final=True)
    assert [each for each in heard.heard if isinstance(each, dict)] == [{"from": "the job"}]
    assert "brought no valid token" in caplog.text


def test_messages_that_came_another_way_are_known_by_the_token_of_the_job(run: Run, heard: Listening) -> None:
    """It may be that of an earlier run of the program, which submitted the job."""
    body = "sys.stderr.write('\\x1egangline %s {\"a\": 1}\\n' % os.environ['GANGLINE_LOG_TOKEN'] + 'plain\\n')"
    before, now = order(body, heard, token="first"), order(body, heard, token="second")
    assert before.fingerprint == now.fingerprint
    submission, program = begin(run, before)
    assert end(program) == (0, "")
    Follower(now, submission, 1).follow(final=True)
    assert heard.heard[2:] == [{"a": 1}, ("stderr", "plain")]


def test_what_the_program_leaves_behind_is_not_waited_for(run: Run, heard: Listening) -> None:
    one = order(
        """
        there = connect()
        there.sendall(b'{"a": 1}\\n')
        if os.fork() == 0:
            os.setsid()
            for each in (1, 2): os.close(each)
            while not os.path.exists("go"): time.sleep(0.05)
        """,
        heard,
    )
    submission, program = begin(run, one)
    assert end(program) == (0, "")
    Path("go").touch()
    Follower(one, submission, 1).follow(final=True)
    assert heard.heard[2:] == [{"a": 1}]


HELD = """
import os, socket, sys, threading
from gangline.backends.batch import messages
from tests.unit.backends.batch.test_messages import LINES

class Held(messages.Messages):
    "Its thread stands still until it may go on, as it does for moments on a host that has much else to do."

    may_go = threading.Event()

    def _serve(self):
        self.may_go.wait()
        super()._serve()

messages._LAST_RECORDS_S = 0.0
held = Held("messages", "secret")
there = socket.create_connection((held.address[0], int(held.address[1])))
there.sendall(b'{"token": "secret"}\\n' + LINES)
if sys.argv[1] == "closed":
    there.close()
os.write(held._writing, b"x")  # as its end does, which then waits for the thread
held.may_go.set()
sys.exit(held.close() or None)
"""
LINES = b"".join(b'{"number": %d, "long": "%s"}\n' % (number, b"x" * 150_000) for number in range(4))


@pytest.mark.parametrize("connection", ["closed", "open"])
def test_what_has_come_before_the_end_is_kept_however_late_it_is_read(tmp_path: Path, connection: str) -> None:
    """Whether whoever wrote it has closed the connection, or something that it has left in the background holds it."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    argv = [sys.executable, "-c", HELD, connection]
    ran = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (ran.returncode, ran.stderr) == (0, "")
    frames = wire.Decoder().feed((tmp_path / "messages").read_bytes())
    assert b"".join(payload for _, _, payload in frames) == LINES


def test_a_job_whose_messages_cannot_be_kept_is_lost(run: Run, heard: Listening) -> None:
    """Rather than to be one that has handed in nothing. What was kept is whole."""
    one = order(
        """
        there = connect()
        for number in range(3):
            there.sendall(b'{"number": %d, "long": "%s"}\\n' % (number, b"x" * 9000))
            kept = glob.glob("jobs/*/*/1.messages")
            while number < 2 and os.path.getsize(kept[0]) < (number + 1) * 9000: time.sleep(0.01)
        """,
        heard,
    )
    submission, program = begin(run, one, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
    code, said = end(program)
    assert code != 0
    assert "what the job handed in cannot be written" in said
    assert submission.how_it_ended(1) is None
    Follower(one, submission, 1).follow(final=True)
    assert [each["number"] for each in heard.heard[2:]] == [0, 1]


def test_commands_without_messages_need_no_archive(run: Run, heard: Listening) -> None:
    one = order_of(run_command, (Command(("true",)), heard), {}, NOTHING_ASKED)
    _, program = begin(run, one)
    assert end(program) == (0, "")
    assert not (run.path / "carried.zip").exists()


@pytest.mark.parametrize("module", [onnode, messages], ids=lambda module: module.__name__)
def test_what_runs_on_hosts_is_written_for_python_3_7_and_its_library(module: Any) -> None:
    tree = ast.parse(Path(module.__file__).read_text(), feature_version=(3, 7))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    assert {name.partition(".")[0] for name in imported - set(MODULES)} <= sys.stdlib_module_names
    newer = {"removeprefix", "removesuffix", "waitstatus_to_exitcode", "pidfd_open", "is_relative_to"}
    assert not newer & {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_what_a_listener_was_told_is_not_kept_as_well(run: Run, heard: Listening) -> None:
    command = Command("echo out; echo err >&2; exit 3")
    with_listener = order_of(run_command, (command, heard), {}, NOTHING_ASKED)
    submission, program = begin(run, with_listener)
    assert end(program) == (3, "")
    record = submission.how_it_ended(1)
    assert record is not None
    attempt = attempt_of_record(TaskId(1), with_listener, "77", (submission, 1), record, None)
    assert list(attempt.extras or {}) == ["data"]
    assert attempt.value.error.stderr_tail == ("err",)
