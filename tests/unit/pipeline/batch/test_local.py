"""Commands that run on this machine."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gangline._runtime.session import Session
from gangline.backends.processes import ProcessesBackend
from gangline.backends.threads import ThreadsBackend
from gangline.pipeline.batch import inflight
from gangline.pipeline.drmaa_wrapper import error_drmaa_job, run_job


def run_here(command, **options):
    return run_job(command, run_locally=True, **options)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(happened, patience_s=60.0):
    end = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_lines_come_back_with_their_ends():
    stdout, stderr = run_here("echo a; printf 'b\\r\\n\\nc'; printf 'd\\377\\303\\251' >&2")
    assert stdout == ["a\n", "b\n", "\n", "c"]
    assert stderr == ["d\\xffé"]


def test_nothing_written_is_no_line():
    assert run_here("true") == ([], [])


def test_much_output_on_both_sides_and_long_lines():
    # Not of a Python: what its streams could not write at once is lost if it is stopped just then.
    long_line = "head -c 3000000 /dev/zero | tr '\\0' x; echo; yes | head -n 50000"
    stdout, stderr = run_here(f"{long_line}; head -c 2000000 /dev/zero | tr '\\0' z >&2")
    assert (len(stdout), len(stdout[0]), stdout[-1]) == (50_001, 3_000_001, "y\n")
    assert stderr == ["z" * 2_000_000]


def test_a_command_has_nothing_to_read():
    assert run_here("cat; echo end") == (["end\n"], [])


@pytest.mark.parametrize(
    ("command", "code", "signum", "words"),
    [
        ("exit 3", 3, None, "The locally run command exited with exit code 3:\n"),
        ("kill -9 $$", None, 9, "The locally run command was terminated by signal 9 (SIGKILL):\n"),
        ("nosuchcommand", 127, None, "The locally run command exited with exit code 127:\n"),
    ],
)
def test_a_failure_tells_exit_code_or_signal(command, code, signum, words):
    with pytest.raises(error_drmaa_job) as caught:
        run_here(f"echo out; echo err >&2; {command}")
    error = caught.value
    assert (error.exit_code, error.signal) == (code, signum)
    assert str(error).startswith(words + "The original command was:\necho out; ")
    assert "The stderr was: \nerr\n" in str(error)
    assert str(error).endswith("The stdout was: \nout\n\n\n")
    assert error.stdout == ["out\n"]


def test_directory_and_environment(tmp_path):
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    assert run_here("pwd", working_directory=str(folder))[0] == [f"{folder}\n"]
    shown, _ = run_here('echo "$A|$GANGLINE_TEST_OTHER"', job_environment={"A": "x, 'y'\nz"})
    assert shown == ["x, 'y'\n", "z|\n"]
    with pytest.raises(FileNotFoundError):
        run_here("true", working_directory=str(tmp_path / "none"))


def test_local_echo_shows_lines_as_they_come(tmp_path, monkeypatch):
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    class Shown(io.StringIO):
        def flush(self):
            if "first\n" in self.getvalue() and not gate.with_name("opened").exists():
                gate.with_name("opened").touch()
                gate.write_text("go")  # the command goes on only when its first line has been shown

    shown = Shown()
    monkeypatch.setattr(sys, "stdout", shown)
    assert run_here(f"echo first; read go < {gate}; echo second", local_echo=True)[0] == ["first\n", "second\n"]
    assert shown.getvalue() == "first\nsecond\n"


def test_touching_runs_nothing(tmp_path):
    target = tmp_path / "made"
    assert run_job("exit 1", touch_only=True, output_files=[str(target)]) == ("", "")
    assert target.exists()


def test_an_interrupt_ends_the_command_and_what_it_has_started(tmp_path):
    program = (
        "from gangline.pipeline.drmaa_wrapper import run_job\n"
        "run_job('trap \"\" TERM; (sleep 300) & echo $! > child; sleep 300', run_locally=True)\n"
    )
    child = tmp_path / "child"
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.PIPE) as process:
        wait_until(lambda: child.exists() and child.read_text())
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in stderr
    wait_until(lambda: not alive(int(child.read_text())))


def test_ending_everything_ends_commands_of_threads():
    caught = []

    def work():
        try:
            run_here("sleep 300")
        except error_drmaa_job as error:
            caught.append(error.signal)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    wait_until(lambda: inflight.running() == 5)
    assert inflight.end_all(60.0)
    for thread in threads:
        thread.join(60)
    assert caught == [signal.SIGTERM] * 5


def test_only_commands_of_the_engines_that_are_named_are_ended():
    with Session(ThreadsBackend(), engines=2) as session:
        handles = [session.submit(run_job, (f"sleep {nap}",), {"run_locally": True}) for nap in (100, 101)]
        wait_until(lambda: inflight.running() == 2)
        engines = {int(engine): info.uuid for engine, info in session.engines.items()}
        first, second = (next(e for e in engines if session.running(e) == handle.id) for handle in handles)
        assert inflight.end_all(60.0, engines=[engines[first]])
        assert session.wait(handles[:1], 60)
        assert handles[1].status is None
        assert inflight.end_all(60.0, engines=[engines[second]])
        assert session.wait(handles, 60)


def test_a_task_on_a_thread_can_be_interrupted():
    with Session(ThreadsBackend(), engines=1) as session:
        handle = session.submit(run_job, ("sleep 300",), {"run_locally": True})
        wait_until(lambda: inflight.running() == 1)
        session.cancel(handle, interrupt=True)
        assert session.wait([handle], 60)
    assert handle.status != "ok"
    assert inflight.running() == 0


def test_a_command_of_an_engine_process_ends_with_it(tmp_path):
    child = tmp_path / "child"
    with Session(ProcessesBackend(), engines=1) as session:
        handle = session.submit(run_job, (f"(sleep 300) & echo $! > {child}; sleep 300",), {"run_locally": True})
        wait_until(lambda: child.exists() and child.read_text())
        session.kill_engine(next(iter(session.engines)), "test")
        assert session.wait([handle], 60)
    wait_until(lambda: not alive(int(child.read_text())))
