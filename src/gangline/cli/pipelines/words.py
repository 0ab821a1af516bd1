"""Jobs and their failures in few words, for lines that are read while a pipeline runs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gangline.cli.pipelines.files import short_path
from gangline.cli.pipelines.tracebacks import dedented, last_place
from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.stages.kinds import WITHOUT_FILES

if TYPE_CHECKING:
    from gangline.pipeline.running.failures import Failed
    from gangline.pipeline.running.jobs import JobRun

__all__ = ["FailureReport", "job_words", "report_failure"]

_NAMES_SHOWN = 2
_OUTPUT_LINES = 10
_ERROR_LINES = 10


def job_words(job: JobRun) -> str:
    """What a job makes of what, with relative names; empty for a job of a stage without files and parameters."""
    shown = job.params.shown
    if job.stage.stage.kind in WITHOUT_FILES or not shown:
        return job.text.removeprefix("Job").removeprefix("  = ")
    reads, makes = _some(flat_strings(shown[0])), _some(flat_strings(shown[1]) if len(shown) > 1 else [])
    return " ".join(part for part in (reads, "->" if makes else "", makes) if part)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(short_path, names[:_NAMES_SHOWN]))
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


@dataclass(frozen=True, slots=True)
class FailureReport:
    """A failure, as it is shown and as programs get it.

    Attributes:
        stage: The stage's name.
        job: What the job makes of what; empty if the failure is about the stage.
        task: The task's number in the record; None if it has none.
        error: What went wrong, in one or more lines.
        place: Where in the user's own code.
        command: The command that failed, if it was one.
        exit_code: Its exit code.
        signal: The name of the signal that ended it.
        output: The last lines that the job has written.
        attempts: How often it was attempted.
    """

    stage: str
    job: str
    task: int | None
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    error: str = ""
    error_type: str = ""
    place: str = ""
    command: str = ""
    exit_code: int | None = None
    signal: str = ""
    output: list[str] = field(default_factory=list)
    attempts: int = 1
    seconds: float | None = None

    @property
    def headline(self) -> str:
        """What went wrong, on one line."""
        first, *more = self.error.splitlines() or [self.error_type]
        if self.command:
            first += f": {_first_line(self.command)}"
        return f"{first} ..." if more else first


def report_failure(failed: Failed, job: JobRun | None) -> FailureReport:
    """A failure in words.

    Args:
        failed: The failure.
        job: The job that failed; None if it is about the stage as a whole.
    """
    about: dict[str, Any] = {"stage": failed.stage.display_name, "job": "", "task": None}
    if job is not None:
        about |= {
            "job": job_words(job),
            "task": job.number if job.number >= 0 else None,
            "inputs": job.inputs,
            "outputs": job.outputs,
            "output": _last_output(job),
            "attempts": 1 if job.handle is None else len(job.handle.earlier) + 1,
            "seconds": job.seconds,
        }
    if isinstance(failed.error, subprocess.CalledProcessError):
        about |= _command(failed.error)
    else:
        about["error"] = _shortened(_error_text(failed))
    error_type = failed.ename or type(failed.error).__name__
    return FailureReport(**about, error_type=error_type, place=last_place(failed.trace))


def _error_text(failed: Failed) -> str:
    from gangline.errors import GanglineError

    text = failed.value.strip("\n").rstrip()
    if isinstance(failed.error, GanglineError) and not failed.ename:
        return dedented(text)
    name = failed.ename or type(failed.error).__name__
    return f"{name}: {text}" if text else name


def _command(error: subprocess.CalledProcessError) -> dict[str, Any]:
    from gangline.pipeline.running.recording import command_text, signal_name

    command, code = command_text(error.cmd), error.returncode
    if code >= 0:
        return {"command": command, "exit_code": code, "error": f"a command ended with exit code {code}"}
    name = signal_name(-code)
    return {"command": command, "signal": name, "error": f"a command was ended by {name}"}


def _last_output(job: JobRun) -> list[str]:
    extras = {} if job.handle is None or job.handle.extras is None else job.handle.extras
    last: list[str] = extras.get("stderr", "").rstrip().splitlines()[-_OUTPUT_LINES:]
    left = _OUTPUT_LINES - len(last)
    before: list[str] = extras.get("stdout", "").rstrip().splitlines()[-left:] if left else []
    return before + last


def _shortened(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:_ERROR_LINES], *(["..."] if len(lines) > _ERROR_LINES else [])])


def _first_line(text: str) -> str:
    first, *more = text.strip().splitlines() or [""]
    return f"{first} ..." if more else first
