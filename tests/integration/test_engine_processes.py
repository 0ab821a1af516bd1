"""What engine processes offer beside what every backend does: their children's output, other interpreters."""

import os
import subprocess
import venv
from pathlib import Path

from gangline._runtime.session import Session
from gangline.backends.processes import ProcessesBackend
from gangline.errors import EngineError


def say(text: str) -> str:
    subprocess.run(["sh", "-c", f"echo {text}; echo {text}! >&2"], check=True)
    return text


def say_and_die(text: str) -> None:
    say(text)
    os.kill(os.getpid(), 9)


def test_what_child_processes_write_belongs_to_the_task():
    with Session(ProcessesBackend(), engines=1) as session:
        for number in range(20):
            handle = session.submit(say, (f"text {number}",))
            assert session.wait([handle], 60)
            assert handle.extras == {"output": f"text {number}\ntext {number}!\n"}


def test_what_they_have_written_outlives_the_engine():
    with Session(ProcessesBackend(), engines=1) as session:
        handle = session.submit(say_and_die, ("last words",))
        assert session.wait([handle], 60)
        assert handle.failure is not None
        assert isinstance(handle.failure.error, EngineError)
        assert handle.extras == {"output": "last words\nlast words!\n"}


def test_an_engine_of_another_interpreter(tmp_path: Path):
    venv.create(tmp_path / "other", with_pip=False)
    python = str(tmp_path / "other" / "bin" / "python")
    with Session(ProcessesBackend(python=python), engines=1) as session:
        handle = session.submit(os.path.basename, ("a/b",))
        assert session.wait([handle], 60)
        assert handle.value == "b"
        handle = session.submit(eval, ("__import__('sys').prefix",))
        assert session.wait([handle], 60)
        assert handle.value == str(tmp_path / "other")
