"""Node scripts as the agent of a host runs them."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gangline.errors import RemoteError
from gangline.recipes.receiving import JobVoice
from gangline.remote.command import Command, CommandResult
from gangline.remote.connection import HostConnection
from tests.unit.recipes.node.conftest import Play, node_script


def test_what_is_logged_arrives_at_the_logger_of_host_and_class(play: Play) -> None:
    played = play(
        "for each in args:\n    self.logger.info('Received %s as argument' % each)\nreturn 0", "a b", "é*'\n%s"
    )
    assert played.said() == [
        ("node.far.measure", "INFO", "Received a b as argument"),
        ("node.far.measure", "INFO", "Received é*'\n%s as argument"),
    ]
    assert played.result.exit_code == 0
    record = played.records[0]
    assert (record.funcName, record.filename, record.module, record.lineno) == ("run", "script.py", "script", 7)
    assert record.process == played.result.pid
    assert (record.__dict__["host"], record.__dict__["job"], record.__dict__["stream"]) == ("far", 7, "log")


def test_records_of_other_loggers_arrive_too(play: Play) -> None:
    played = play("""
        logging.getLogger("some.library").warning("from the library")
        logging.warning("from the root")
        logging.getLogger("node.far.own").info("from below")
    """)
    assert played.said() == [
        ("node.far.some.library", "WARNING", "from the library"),
        ("node.far.root", "WARNING", "from the root"),
        ("node.far.own", "INFO", "from below"),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("pass", 0),
        ("return 0", 0),
        ("return 7", 7),
        ("return 255", 255),
        ("sys.exit()", 0),
        ("sys.exit(5)", 5),
        ("os._exit(9)", 9),
    ],
)
def test_the_exit_status_is_that_of_run(play: Play, body: str, status: int) -> None:
    played = play(body)
    assert played.result.exit_code == status
    assert played.said() == []
    if played.voice.verdict is not None:
        assert played.voice.verdict.kind == "ok"


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("return 'done'", "bad_value", "run returned 'done' (str), which is no exit status"),
        ("return 1.0", "bad_value", "run returned 1.0 (float), which is no exit status"),
        ("return False", "bad_value", "run returned False; return 0 for success, another number for failure"),
        ("return 256", "bad_value", "run returned 256, but an exit status is a number from 0 to 255"),
        ("return -1", "bad_value", "run returned -1, but an exit status is a number from 0 to 255"),
        ("sys.exit(256)", "bad_value", "run called sys.exit with 256, but an exit status is a number from 0 to 255"),
        ("sys.exit('no sky')", "exit", "run called sys.exit: no sky"),
    ],
)
def test_what_is_no_exit_status_is_a_failure_that_says_so(play: Play, body: str, kind: str, message: str) -> None:
    played = play(body)
    assert played.result.exit_code == 1
    assert played.voice.verdict is not None
    assert (played.voice.verdict.kind, played.voice.verdict.message) == (kind, message)
    assert played.said() == [("node.far.measure", "ERROR", message)]


def test_an_exception_arrives_with_its_traceback(play: Play) -> None:
    played = play("raise LookupError('no such field: %s' % args)", "abc")
    assert played.result.exit_code == 1
    assert played.voice.verdict is not None
    assert played.voice.verdict.kind == "raised"
    message = "run raised LookupError: no such field: abc"
    assert played.voice.verdict.message == message
    assert played.said() == [("node.far.measure", "ERROR", message)]
    shown = logging.Formatter("%(message)s").format(played.records[0])
    assert re.fullmatch(
        rf"{message}\nTraceback \(most recent call last\):\n"
        r"  File \".*script.py\", line 6, in run\n.*LookupError: .*abc",
        shown,
        re.DOTALL,
    )
    assert "run_with_logging" not in shown


def test_a_missing_argument_is_named(play: Play) -> None:
    played = play("return 0", signature="field, size")
    assert played.voice.verdict is not None
    assert "missing 2 required positional arguments: 'field' and 'size'" in played.voice.verdict.message


def test_outputs_come_back(play: Play) -> None:
    played = play("self.outputs['sources'] = [1, 2.5, 'é', None, {'a': (1, 2)}]\nself.outputs['rms'] = float('inf')")
    assert played.voice.outputs == {"sources": [1, 2.5, "é", None, {"a": [1, 2]}], "rms": float("inf")}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("self.outputs['x'] = object()", "outputs['x'] cannot be written as JSON: object is no value that JSON has"),
        ("self.outputs['x'] = {1: 2}", "outputs['x'] cannot be written as JSON: its key 1 is no text"),
        ("self.outputs[3] = 4", "the key 3 of outputs is no text"),
        ("x = []; x.append(x); self.outputs['x'] = x", "outputs['x'] holds itself, or is nested too deeply"),
        ("self.outputs = 3", "outputs must be a dict, not int"),
        (
            "self.outputs['x'] = 'a' * 1000000",
            "outputs are too large: with outputs['x'] they have more than 999000 bytes",
        ),
    ],
)
def test_outputs_that_cannot_come_back_are_a_failure_that_names_them(play: Play, body: str, message: str) -> None:
    played = play(body)
    assert played.result.exit_code == 1
    assert played.voice.outputs == {}
    assert played.voice.verdict is not None
    assert played.voice.verdict.kind == "bad_outputs"
    assert played.voice.verdict.message.startswith(message)
    assert played.said() == [("node.far.measure", "ERROR", played.voice.verdict.message)]


def test_the_level_holds_for_all_loggers(play: Play) -> None:
    body = """
        logging.getLogger("noisy").setLevel(logging.DEBUG)
        for logger in self.logger, logging.getLogger("noisy"):
            logger.debug("debug")
            logger.info("info")
            logger.warning("warning")
    """
    names = [f"node.far.{name}" for name in ("measure", "noisy")]
    assert play(body, level=logging.WARNING).said() == [(name, "WARNING", "warning") for name in names]
    everything = ["debug", "info", "warning"]
    assert play(body, level=logging.DEBUG).said() == [
        (name, each.upper(), each) for name in names for each in everything
    ]


def test_what_is_printed_arrives_line_by_line(play: Play) -> None:
    played = play("print('one\\n\\n  two ')\nprint('three', file=sys.stderr)\nsys.stdout.write('end')")
    assert played.printed("stdout") == ["one", "  two ", "end"]
    assert played.printed("stderr") == ["three"]
    assert {record.name for record in played.records} == {"node.far.script"}
    assert [record.levelname for record in played.records if record.getMessage() == "three"] == ["WARNING"]


def test_warnings_arrive_as_records(play: Play) -> None:
    played = play("import warnings\nwarnings.warn('old habit', DeprecationWarning)")
    ((name, level, message),) = played.said()
    assert (name, level) == ("node.far.py.warnings", "WARNING")
    assert "DeprecationWarning: old habit" in message
    assert played.printed("stderr") == []


def test_attributes_stacks_and_strange_messages_arrive(play: Play) -> None:
    played = play(r"""
        class Strange:
            def __repr__(self): raise ValueError
        extra = {"field": "3C196", "n": 3, "deep": {"a": [1]}, "odd": Strange(), "job": 99}
        self.logger.info("with attributes", extra=extra)
        self.logger.info("with stack", stack_info=True)
        self.logger.info("%d", "no number")
        self.logger.info("%s", Strange())
        self.logger.info("\udc80 \N{SNOWMAN}")
        self.logger.info("a" * 1_000_000)
        self.logger.log(25, "own level")
        self.logger.info("last")
    """)
    assert played.result.exit_code == 0
    attributes, stack, unformatted, strange, text, long, own, last = played.records
    assert attributes.__dict__["field"] == "3C196"
    assert attributes.__dict__["n"] == 3
    assert attributes.__dict__["deep"] == {"a": [1]}
    assert attributes.__dict__["odd"] == "<Strange that cannot be shown: ValueError>"
    assert attributes.__dict__["job"] == 7, "what says where it comes from is ours"
    assert stack.stack_info is not None
    assert stack.stack_info.startswith("Stack (most recent call last):\n")
    assert unformatted.getMessage().startswith("'%d' with ('no number',) (cannot be put together: TypeError(")
    assert strange.getMessage().startswith("'%s' with <tuple that cannot be shown: ValueError>")
    assert text.getMessage() == "\\udc80 \N{SNOWMAN}"
    assert long.getMessage().startswith("aaaa")
    assert "… (934464 characters left out) …" in long.getMessage()
    assert (own.levelno, own.levelname) == (25, "Level 25")
    assert last.getMessage() == "last"


def test_a_thousand_records_of_several_threads_and_processes_arrive_whole(play: Play) -> None:
    played = play("""
        import multiprocessing, threading
        def work(name):
            for i in range(50):
                self.logger.info("%s %d %s", name, i, "x" * (i * 200))
        processes = [multiprocessing.get_context("fork").Process(target=work, args=["p%d" % i]) for i in range(6)]
        for each in processes: each.start()
        threads = [threading.Thread(target=work, args=["t%d" % i]) for i in range(6)]
        for each in threads: each.start()
        for each in threads + processes: each.join()
        self.outputs["failed"] = sum(process.exitcode for process in processes)
    """)
    assert played.voice.outputs == {"failed": 0}
    expected = {f"{name}{n} {i} {'x' * (i * 200)}" for name in "pt" for n in range(6) for i in range(50)}
    assert {message for _, _, message in played.said()} == expected
    assert len(played.said()) == len(expected)


def test_a_child_that_comes_back_from_run_does_not_speak_for_its_parent(play: Play) -> None:
    played = play("""
        pid = os.fork()
        self.outputs["child"] = pid == 0
        if pid:
            os.waitpid(pid, 0)
        else:
            self.logger.info("in the child")
        return 0 if pid else 3
    """)
    assert played.result.exit_code == 0
    assert played.voice.outputs == {"child": False}
    assert played.said() == [("node.far.measure", "INFO", "in the child")]


def test_logging_that_is_configured_anew_leaves_the_script_its_logger(play: Play) -> None:
    played = play("""
        import logging.config
        logging.basicConfig(level=logging.DEBUG, force=True, filename=os.devnull)
        self.logger.info("one")
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
        self.logger.info("two")
        logging.config.dictConfig({"version": 1})
        raise ValueError("three")
    """)
    assert [message for _, _, message in played.said()] == ["one", "two", "run raised ValueError: three"]


def test_a_crash_loses_nothing_and_says_where_it_was(play: Play) -> None:
    body = "for i in range(100): self.logger.info('%d', i)\nimport ctypes\nctypes.string_at(0)"
    played = play(body)
    assert played.result.signal == "SIGSEGV"
    assert [message for _, _, message in played.said()] == [str(i) for i in range(100)]
    assert played.voice.verdict is None
    assert "Fatal Python error: Segmentation fault" in played.voice.stderr_tail
    assert any("script.py" in line for line in played.voice.stderr_tail)


def test_being_killed_loses_nothing(play: Play) -> None:
    played = play("for i in range(100): self.logger.info('%d', i)\nos.kill(os.getpid(), 9)")
    assert played.result.signal == "SIGKILL"
    assert len(played.said()) == 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_loses_nothing(play: Play, number: signal.Signals) -> None:
    played = play(f"self.logger.info('before')\nos.kill(os.getpid(), {number:d})\ntime.sleep(60)")
    assert played.result.signal == number.name
    assert [message for _, _, message in played.said()][:1] == ["before"]


def test_a_signal_handler_may_log(play: Play) -> None:
    played = play("""
        import signal
        count = 0
        def on_alarm(*_):
            nonlocal count
            count += 1
            self.logger.warning("alarm %d %s", count, "y" * 1000)
        signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for i in range(1000): self.logger.info("%d %s", i, "x" * 1000)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.outputs["alarms"] = count
    """)
    messages = [message for _, _, message in played.said()]
    assert len([each for each in messages if each.startswith("alarm")]) == played.voice.outputs["alarms"] > 0
    assert [each for each in messages if not each.startswith("alarm")] == [f"{i} {'x' * 1000}" for i in range(1000)]


def test_an_attempt_after_another_begins_anew(play: Play) -> None:
    played = play("self.outputs['a'] = 1\nraise ValueError")
    played.voice.on_message({"begin": {"pid": 1}})
    assert played.voice.outputs == {}
    assert played.voice.verdict is None


# Without the log port -------------------------------------------------------------------------------------------


def closed_port() -> str:
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        return str(once.getsockname()[1])


def test_without_a_receiver_the_job_runs_and_its_records_arrive(play: Play) -> None:
    body = """
        sys.stderr.write("half a line")
        sys.stderr.flush()
        self.logger.info("é one")
        self.outputs["n"] = 3
        print("two", file=sys.stderr)
        raise ValueError("three")
    """
    played = play(body, port=closed_port())
    assert played.result.exit_code == 1
    (name, level, warning), *others = played.said()
    assert (name, level) == ("node.far.measure", "WARNING")
    assert "cannot be reached (ConnectionRefusedError" in warning
    assert others == [
        ("node.far.measure", "INFO", "é one"),
        ("node.far.measure", "ERROR", "run raised ValueError: three"),
    ]
    assert played.printed("stderr") == ["half a line", "two"]
    assert played.voice.outputs == {"n": 3}
    assert played.voice.verdict is not None
    assert played.voice.verdict.kind == "raised"


def test_a_port_that_is_no_number_is_as_one_that_cannot_be_reached(play: Play) -> None:
    played = play("self.logger.info('here')", port="nonsense")
    assert played.result.exit_code == 0
    assert [message for _, _, message in played.said()][1:] == ["here"]


def test_a_child_of_a_script_without_a_receiver_is_heard_too(play: Play) -> None:
    body = """
        pid = os.fork()
        if not pid:
            self.logger.info("child")
            os._exit(0)
        os.waitpid(pid, 0)
        self.logger.info("parent")
    """
    assert [message for _, _, message in play(body, port=closed_port()).said()][1:] == ["child", "parent"]


def test_by_hand_it_prints_what_it_logs(tmp_path: Path) -> None:
    script = node_script(tmp_path, "self.logger.info('got %s', args)\nself.outputs['n'] = 1\nraise ValueError('oh')")
    own = {name: value for name, value in os.environ.items() if not name.startswith("GANGLINE")}
    ended = subprocess.run(
        [sys.executable, script, "localhost", "0", "a", "b"], env=own, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = [re.sub(r"^[\d-]+ [\d:,]+ ", "", line) for line in ended.stderr.splitlines()]
    host = os.uname().nodename
    assert lines[0] == f"WARNING node.{host}.measure: not started by a recipe: what is logged is printed here"
    assert lines[1] == f"INFO node.{host}.measure: got ('a', 'b')"
    assert lines[2] == f"ERROR node.{host}.measure: run raised ValueError: oh"
    assert lines[3] == "Traceback (most recent call last):"
    assert lines[-1] == f"INFO node.{host}.measure: outputs: {{'n': 1}}"


def test_the_node_side_imports_little() -> None:
    code = (
        "import sys, logging, json, socket; before = set(sys.modules); from gangline.recipes import NodeScript; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(json.loads(shown))
    own = {name for name in loaded if name.startswith("gangline")}
    parts = ("node", "records", "sending", "outputs", "exit_status")
    assert own == {"gangline", "gangline._lazy", "gangline.recipes", *(f"gangline.recipes.{part}" for part in parts)}
    costly = {"argparse", "asyncio", "dataclasses", "inspect", "pathlib", "pydantic", "subprocess", "multiprocessing"}
    assert not loaded & costly


def test_scripts_with_a_job_number_work_as_well(tmp_path: Path) -> None:
    script = tmp_path / "old.py"
    script.write_text(
        "import sys\nfrom gangline.recipes.lofarnode import LOFARnodeTCP\n"
        "class old(LOFARnodeTCP):\n    def run(self, a, b):\n        print(a, b)\n        return 4\n"
        "sys.exit(old(sys.argv[1], sys.argv[2], sys.argv[3]).run_with_stored_arguments())\n"
    )
    command = [sys.executable, script, "17", "localhost", "0", "x", "y z"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (4, "x y z\n")


def test_it_can_be_debugged(tmp_path: Path) -> None:
    script = node_script(tmp_path, "self.logger.info('got %s', args)")
    command = [sys.executable, "-m", "pdb", str(script), "localhost", "0", "a"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("GANGLINE")}
    steps = "break 6\ncontinue\nprint(args)\nclear 1\ncontinue\nquit\n"
    ended = subprocess.run(command, input=steps, env=own, capture_output=True, text=True, check=True)
    assert "('a',)" in ended.stdout
    assert "got ('a',)" in ended.stderr


def test_ten_at_once_are_heard_to_the_last_line(
    tmp_path: Path, connection: HostConnection, kept: list[logging.LogRecord]
) -> None:
    script = node_script(tmp_path, "for n in range(1000): self.logger.info('%s %d', args[0], n)")
    left, ended = threading.Semaphore(0), list[CommandResult | RemoteError]()

    def on_end(how: CommandResult | RemoteError) -> None:
        ended.append(how)
        left.release()

    for number in range(10):
        env = {"GANGLINE_HOST": f"host{number}", "GANGLINE_LOG_LEVEL": "20"}
        command = Command((sys.executable, str(script), f"n{number}"), env=env, logs=2, log_level=logging.INFO)
        connection.run(command, JobVoice(f"host{number}", number, "script", ""), on_end)
    for _ in range(10):
        assert left.acquire(timeout=60)
    assert [how.exit_code for how in ended if isinstance(how, CommandResult)] == [0] * 10
    for number in range(10):
        arrived = [record.getMessage() for record in kept if record.name == f"node.host{number}.measure"]
        assert arrived == [f"n{number} {n}" for n in range(1000)]
