"""What libraries of DRMAA are told beyond the standard, by the scheduler they stand for; and what they answer. Pure."""

from __future__ import annotations

import math
import re
import shlex
import signal as signals
from collections.abc import Mapping
from typing import Any, NamedTuple

from gangline.backends.batch import grid_engine_words
from gangline.backends.batch.slurm_words import further_words
from gangline.backends.batch.system import Cause, Phase, Request, Sight
from gangline.errors import JobRejected
from gangline.remote.here import signal_name
from gangline.remote.resources import Resources

__all__ = ["Dialect", "build_arguments", "build_native", "dialect_of", "format_duration", "job_name_of", "phase_of"]
__all__ += ["ending_of", "ending_without_usage"]

_SHELL_SIGNAL = 128
_LAST_SIGNAL = 64
_NEARLY = 0.9
_GRID_ENGINE_ARRAY_MAX = 75_000


class Dialect(NamedTuple):
    """What has to be known of a scheduler to speak to it through DRMAA.

    Attributes:
        scheduler: "sge", "slurm", "pbs"; or "" for others.
        job_variable: The variable with a job's number.
        array_variable: The variable with the number of a run in an array.
        array_max: The most runs of one array. One where the library is not known to make arrays.
        takes_wall_time: Whether the standard's own attribute for the wall time is there.
    """

    scheduler: str
    job_variable: str
    array_variable: str
    array_max: int
    takes_wall_time: bool


_GRID_ENGINE = Dialect("sge", "JOB_ID", "SGE_TASK_ID", _GRID_ENGINE_ARRAY_MAX, takes_wall_time=False)
_SLURM = Dialect("slurm", "SLURM_JOB_ID", "SLURM_ARRAY_TASK_ID", 1, takes_wall_time=True)
_PBS = Dialect("pbs", "PBS_JOBID", "PBS_ARRAYID", 1, takes_wall_time=True)
_OTHER = Dialect("", "JOB_ID", "GANGLINE_NO_ARRAYS", 1, takes_wall_time=True)


def dialect_of(system: str) -> Dialect:
    """The dialect of a scheduler.

    Args:
        system: How its library calls it: `drmsInfo`.

    Example:
        >>> dialect_of("SGE 8.1.9").scheduler
        'sge'
    """
    for pattern, dialect in ((r"\b[SUA]?GE\b|Grid ?Engine", _GRID_ENGINE), (r"slurm", _SLURM), (r"pbs|torque", _PBS)):
        if re.search(pattern, system, re.IGNORECASE):
            return dialect
    return _OTHER


# Submission -----------------------------------------------------------------------------------------------------------


def job_name_of(name: str) -> str:
    """A name that every scheduler takes; the strictest is Grid Engine."""
    return grid_engine_words.job_name_of(name)


def build_native(dialect: Dialect, resources: Resources, parallel_environment: str | None) -> str:
    """What a job asks for, as the scheduler's own options.

    Args:
        dialect: That of the scheduler.
        resources: What it asks for.
        parallel_environment: For Grid Engine, see `grid_engine_words`.

    Raises:
        JobRejected: The scheduler is not known, so that it cannot be asked for anything but in its own words.
    """
    if dialect.scheduler == "sge":
        argv = ["-V", "-r", "n", *grid_engine_words.build_asked_argv(resources, parallel_environment)]
    elif dialect.scheduler == "slurm":
        argv = _build_slurm(resources)
    elif dialect.scheduler == "pbs":
        argv = _build_pbs(resources)
    else:
        argv = _build_other(resources)
    return shlex.join(argv)


def _build_slurm(resources: Resources) -> list[str]:
    argv = ["--no-requeue"]
    if resources.queue is not None:
        argv.append(f"--partition={resources.queue}")
    if resources.account is not None:
        argv.append(f"--account={resources.account}")
    if resources.cores is not None:  # its library does not take --cpus-per-task in all versions
        argv += ["--nodes=1", f"--ntasks={resources.cores}"]
    if resources.memory_bytes is not None:
        argv.append(f"--mem={math.ceil(resources.memory_bytes / 2**20)}")
    return [*argv, *further_words(resources)]


def _build_pbs(resources: Resources) -> list[str]:
    argv = ["-r", "n"]
    if resources.queue is not None:
        argv += ["-q", resources.queue]
    if resources.account is not None:
        argv += ["-A", resources.account]
    if resources.cores is not None:
        argv += ["-l", f"nodes=1:ppn={resources.cores}"]
    if resources.memory_bytes is not None:
        argv += ["-l", f"mem={resources.memory_bytes}b"]
    return argv + _short_options(resources)


def _build_other(resources: Resources) -> list[str]:
    for name in ("cores", "memory_bytes", "queue", "account"):
        if getattr(resources, name) is not None:
            raise JobRejected(
                f"how {name.removesuffix('_bytes')} is asked for here is not known. Say it in the scheduler's words, "
                "as on the command line that submits: options='...'"
            )
    return _short_options(resources)


def _short_options(resources: Resources) -> list[str]:
    argv: list[str] = []
    for name, value in resources.options:
        argv += [f"-{name}"] if value is None else [f"-{name}", value]
    return [*argv, *resources.words]


def format_duration(seconds: float) -> str:
    """A wall time as the standard has it.

    Example:
        >>> format_duration(3661.5)
        '1:01:02'
    """
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def build_arguments(dialect: Dialect, request: Request) -> tuple[str, str, list[str]]:
    """The directory, the path of the log, and the arguments of /bin/sh.

    Grid Engine reads a dollar in paths as the beginning of a variable, so that the script goes there by itself then.
    """
    if "$" not in request.directory + request.log:
        return request.directory, request.log, [request.script]
    number = f".${dialect.array_variable}" if request.count > 1 else ""
    script = (
        f"exec >>{shlex.quote(request.log)}{number} 2>&1; cd {shlex.quote(request.directory)} || exit; "
        f"exec /bin/sh {shlex.quote(request.script)}"
    )
    return "/", "", ["-c", script]


# Answers --------------------------------------------------------------------------------------------------------------


def phase_of(status: str) -> Sight | None:
    """What a job's status means; None where it does not tell."""
    if status == "running":
        return Sight(Phase.RUNNING)
    if status.endswith("suspended"):
        return Sight(Phase.RUNNING, reason="suspended")
    if status == "queued_active":
        return Sight(Phase.WAITING)
    if status.endswith("on_hold"):
        return Sight(Phase.WAITING, reason="held")
    return None


def ending_of(info: Any, resources: Resources, cancelled: bool) -> Sight:
    """How a job ended, by its DRMAA `JobInfo`.

    Args:
        info: What the library says.
        resources: What it had asked for.
        cancelled: Whether it was removed by this program.
    """
    usage: Mapping[str, str] = info.resourceUsage or {}
    host = usage.get("hostname", "")
    if info.hasExited and not info.wasAborted:
        return Sight(Phase.ENDED, Cause.EXIT, exit_code=int(info.exitStatus), host=host)
    status = _number(usage, "exit_status")
    signal = _signal_name(info.terminatedSignal) if info.hasSignal else _signal_of(status)
    if cancelled:
        return Sight(Phase.ENDED, Cause.CANCELLED, signal=signal, host=host)
    wall_time_s, memory = _number(usage, "ru_wallclock"), _number(usage, "maxvmem")
    # Begin and end are told in whole seconds.
    if resources.wall_time_s is not None and wall_time_s is not None and wall_time_s >= resources.wall_time_s - 1:
        reason = f"{wall_time_s:g} s of {resources.wall_time_s:g} s"
        return Sight(Phase.ENDED, Cause.TIME_LIMIT, signal=signal, host=host, reason=reason)
    if resources.memory_bytes is not None and memory is not None and memory >= _NEARLY * resources.memory_bytes:
        reason = f"{memory / 10**6:.0f} MB of {resources.memory_bytes / 10**6:.0f} MB"
        return Sight(Phase.ENDED, Cause.MEMORY, signal=signal, host=host, reason=reason)
    if info.hasSignal and not info.wasAborted:
        return Sight(Phase.ENDED, Cause.SIGNAL, signal=signal, host=host)
    if not info.wasAborted:
        return Sight(Phase.ENDED, host=host)
    if usage and status is None:
        return Sight(Phase.ENDED, Cause.HOST, host=host, reason="the scheduler set it aside before it ran")
    return Sight(Phase.ENDED, Cause.CANCELLED, signal=signal, host=host)


def ending_without_usage() -> Sight:
    """How a job ended that never used anything: it was removed while it waited."""
    return Sight(Phase.ENDED, Cause.CANCELLED)


def _number(usage: Mapping[str, str], name: str) -> float | None:
    try:
        return float(usage[name])
    except (KeyError, ValueError):
        return None


def _signal_of(status: float | None) -> str:
    number = int(status or 0) - _SHELL_SIGNAL
    return signal_name(number) if 0 < number <= _LAST_SIGNAL else ""


def _signal_name(told: str) -> str:
    for name in (told, f"SIG{told}"):
        if name in signals.Signals.__members__:
            return name
    digits = re.search(r"\d+", told)
    return signal_name(int(digits[0])) if digits else told
