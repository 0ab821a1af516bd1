"""What Slurm's commands are told, and what their answers say. Pure.

Its options, states and reasons stand in its manual pages sbatch(1), squeue(1), sacct(1) and scancel(1).
"""

from __future__ import annotations

import math
import os
import re
import signal as signals
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from gangline.backends.batch.system import Cause, Phase, Request, Sight
from gangline.remote.resources import Resources

__all__ = [
    "base_of",
    "build_asked_argv",
    "build_sacct_argv",
    "build_sbatch_argv",
    "build_scancel_words",
    "build_squeue_argv",
    "clean_environment",
    "ending_of",
    "forbidden_option",
    "further_words",
    "is_away",
    "is_doubtful",
    "is_full",
    "is_unknown_job",
    "job_name_of",
    "parse_configuration",
    "parse_logs",
    "parse_sacct",
    "parse_scripts",
    "parse_squeue",
    "parse_submission",
    "says_out_of_memory",
    "seconds_of",
]

_LONGEST_NAME = 100
_MIB = 2**20
_MINUTE_S = 60

_SUBMITTED = re.compile(r"^(\d+)(?:;.*)?$", re.MULTILINE)
_DOUBTFUL = re.compile(
    r"timed out|zero bytes were transmitted|(unexpected message|message) receive|reset by peer", re.IGNORECASE
)
_AWAY = re.compile(
    r"unable to contact slurm controller|controller in standby mode|connection failure|connection refused"
    r"|message send failure|insane message length|transport endpoint is not connected|protocol authentication error"
    r"|munge encode failed|could not establish a configuration source|resource temporarily unavailable"
    r"|requested operation is presently disabled",
    re.IGNORECASE,
)
_FULL = re.compile(r"submitjob|job queue full|temporarily unable to accept job", re.IGNORECASE)
_UNKNOWN_JOB = re.compile(r"invalid job id|already completing or completed|job has finished", re.IGNORECASE)
_OUT_OF_MEMORY = re.compile(r"exceeded (job |step )?memory limit|oom.kill event|out.of.memory", re.IGNORECASE)

_KEPT_VARIABLES = frozenset({"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT"})
_DROPPED_VARIABLES = ("SLURM_", "SQUEUE_", "SACCT_", "SCANCEL_", "SBATCH_ARRAY_INX", "SBATCH_ERROR", "SBATCH_WAIT")
_OWN_OPTIONS = frozenset({"a", "array", "M", "clusters", "cluster", "W", "wait", "wrap", "parsable", "test-only"})

# Columns of a fixed width, which every Slurm of the last ten years knows.
_COLUMNS = {"JobArrayID": 28, "State": 18, "exit_code": 12, "BatchHost": 48, "Reason": 96}
_LOG_COLUMNS = {"JobArrayID": 28, "STDOUT": 4096}

_WAITING = frozenset(
    {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
)
# One that is completing has ended, but its state does not yet say how.
_RUNNING = frozenset({"RUNNING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"})
_CAUSES = {
    "COMPLETED": Cause.EXIT,
    "FAILED": Cause.EXIT,
    "TIMEOUT": Cause.TIME_LIMIT,
    "DEADLINE": Cause.TIME_LIMIT,
    "OUT_OF_MEMORY": Cause.MEMORY,
    "CANCELLED": Cause.CANCELLED,
    "REVOKED": Cause.CANCELLED,
    "NODE_FAIL": Cause.HOST,
    "BOOT_FAIL": Cause.HOST,
    "LAUNCH_FAILED": Cause.HOST,
    "RECONFIG_FAIL": Cause.HOST,
    # Nobody meant this job: its host was wanted for another one.
    "PREEMPTED": Cause.HOST,
}
_NOTHING = frozenset({"", "None", "(null)", "n/a", "N/A", "None assigned"})
_SAID_BY_STATUS = frozenset({"NonZeroExitCode", "JobLaunchFailure"})
_LAST_PLAIN_SIGNAL = 31


# Submission -----------------------------------------------------------------------------------------------------------


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables for Slurm's commands, and so for jobs.

    Without those that change what the commands do or say, and without those of a job that this process is part of. To
    which cluster one submits is where one has to look, too.
    """
    kept = {
        name: value
        for name, value in variables.items()
        if name in _KEPT_VARIABLES or not name.startswith(_DROPPED_VARIABLES)
    }
    if clusters := variables.get("SBATCH_CLUSTERS"):
        kept.setdefault("SLURM_CLUSTERS", clusters)
    return kept


def job_name_of(name: str) -> str:
    """A name of plain characters.

    Example:
        >>> job_name_of("2nd pass: chr/1")
        '2nd_pass:_chr/1'
    """
    return re.sub(r"[^A-Za-z0-9._+:@=,/()-]", "_", name)[:_LONGEST_NAME] or "job"


def forbidden_option(resources: Resources) -> str:
    """The first option of a user's that would change how the job is submitted or numbered; or ""."""
    words = [word.partition("=")[0] for word in resources.words if word.startswith("-")]
    for name in [*dict(resources.options), *(word.lstrip("-") for word in words)]:
        if name in _OWN_OPTIONS:
            return name
    return ""


def build_asked_argv(resources: Resources) -> list[str]:
    """What a job asks for, as options of sbatch: whole MiB and whole minutes, not less than it asks for."""
    argv = []
    if resources.queue is not None:
        argv.append(f"--partition={resources.queue}")
    if resources.account is not None:
        argv.append(f"--account={resources.account}")
    if resources.cores is not None:
        argv.append(f"--cpus-per-task={resources.cores}")
    if resources.memory_bytes is not None:
        argv.append(f"--mem={math.ceil(resources.memory_bytes / _MIB)}M")
    if resources.wall_time_s is not None:
        argv.append(f"--time={math.ceil(resources.wall_time_s / _MINUTE_S)}")
    return [*argv, *further_words(resources)]


def further_words(resources: Resources) -> list[str]:
    """What only this site knows, as Slurm's commands take it."""
    argv: list[str] = []
    for name, value in resources.options:
        if len(name) == 1:
            argv += [f"-{name}"] if value is None else [f"-{name}", value]
        else:
            argv.append(f"--{name}" if value is None else f"--{name}={value}")
    return [*argv, *resources.words]


def build_sbatch_argv(request: Request) -> list[str]:
    """The command that submits.

    The job has the variables of this command. Slurm does not run it again by itself: its records would then be those of
    two runs, and whether to try again is for others to say.
    """
    log = request.log.replace("%", "%%") + (".%a" if request.count > 1 else "")
    if "\\" in log:  # which Slurm would take out, and then not find the folder
        log = os.devnull
    argv = ["sbatch", "--parsable", "--no-requeue", "--export=ALL", "--open-mode=truncate"]
    argv += [f"--job-name={job_name_of(request.name)}", f"--chdir={request.directory}"]
    if request.count > 1:
        argv.append(f"--array=1-{request.count}")
    argv.append(f"--output={log}")
    return [*argv, *build_asked_argv(request.resources), request.script]


def parse_submission(text: str) -> str | None:
    """The number of the job, from what ``sbatch --parsable`` says; None if it does not say one."""
    found = _SUBMITTED.findall(text)
    return found[-1] if found else None


# Complaints -----------------------------------------------------------------------------------------------------------


def is_doubtful(text: str) -> bool:
    """Whether a complaint of sbatch leaves open whether the job was submitted."""
    return _DOUBTFUL.search(text) is not None


def is_away(text: str) -> bool:
    """Whether a complaint is that the controller does not answer."""
    return _AWAY.search(text) is not None or is_doubtful(text)


def is_full(text: str) -> bool:
    """Whether a complaint is that there are too many jobs at the moment."""
    return _FULL.search(text) is not None


def is_unknown_job(text: str) -> bool:
    """Whether each line of a complaint is about a job that has ended or is not known."""
    lines = text.strip().splitlines()
    return bool(lines) and all(_UNKNOWN_JOB.search(line) for line in lines)


# Numbers of jobs ------------------------------------------------------------------------------------------------------


def base_of(job: str) -> str:
    """The number of the whole array; of another job, its own.

    Example:
        >>> base_of("12_3")
        '12'
    """
    return job.partition("_")[0]


def build_scancel_words(jobs: Collection[str]) -> list[str]:
    """The numbers of jobs for scancel, those of an array as one word.

    Example:
        >>> build_scancel_words(["7", "12_3", "12_1", "12_2", "12_9"])
        ['7', '12_[1-3,9]']
    """
    runs: dict[str, list[int]] = defaultdict(list)
    words = []
    for job in jobs:
        base, _, run = job.partition("_")
        if run:
            runs[base].append(int(run))
        else:
            words.append(job)
    return words + [f"{base}_[{','.join(_ranges(sorted(set(numbers))))}]" for base, numbers in runs.items()]


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    first = last = numbers[0]
    for number in [*numbers[1:], math.inf]:
        if number != last + 1:
            yield f"{first}-{last}" if last > first else str(first)
            first = int(number) if number != math.inf else 0
        last = int(number) if number != math.inf else 0


# Jobs that wait and run, and those that have ended not long ago -------------------------------------------------------


def build_squeue_argv(user: int, bases: Collection[str], *, logs: bool = False) -> list[str]:
    """The command that says what became of all jobs of a user.

    Args:
        user: The number of the user.
        bases: The numbers of jobs and arrays, to have those only; none for all.
        logs: Ask where their logs are.
    """
    columns = _LOG_COLUMNS if logs else _COLUMNS
    argv = ["squeue", "--noheader", "--array", "--states=all", f"--user={user}"]
    argv.append(f"--Format={','.join(f'{name}:{width}' for name, width in columns.items())}")
    return [*argv, f"--jobs={','.join(bases)}"] if bases else argv


def _rows(text: str, columns: Mapping[str, int]) -> Iterator[list[str]]:
    for line in text.splitlines():
        row, start = [], 0
        for width in columns.values():
            row.append(line[start : start + width].strip())
            start += width
        yield row


def parse_squeue(text: str) -> dict[str, Sight]:
    """What squeue says of each job."""
    return {job: _sight(state, _status(code), host, reason) for job, state, code, host, reason in _rows(text, _COLUMNS)}


def parse_logs(text: str) -> dict[str, str]:
    """Where the log of each job is, from what squeue says with ``logs``."""
    logs = {}
    for job, path in _rows(text, _LOG_COLUMNS):
        run = job.partition("_")[2]
        logs[job] = re.sub("%[%a]", lambda found, run=run: "%" if found[0] == "%%" else run, path)  # type: ignore[misc]
    return logs


def says_out_of_memory(log: str) -> bool:
    """Whether Slurm has written to a log that it ended the job for its memory, which its state then may not say."""
    return _OUT_OF_MEMORY.search(log) is not None


def parse_scripts(text: str) -> dict[str, str]:
    """The numbers of jobs and arrays by the paths of their scripts, from ``squeue --format=%F|%o``."""
    return {script: base for base, _, script in (line.partition("|") for line in text.splitlines())}


def _status(code: str) -> tuple[int, int]:
    """The exit code and the signal; of "3:0", or of a number as wait(2) gives it."""
    if ":" in code:
        first, _, second = code.partition(":")
        return (int(first), int(second)) if first.isdigit() and second.isdigit() else (0, 0)
    number = int(code) if code.isdigit() else 0
    return number >> 8, number & 0x7F


def _sight(state: str, status: tuple[int, int], host: str, reason: str) -> Sight:
    reason = "" if reason in _NOTHING else reason
    host = "" if host in _NOTHING else host
    if state in _WAITING:
        return Sight(Phase.WAITING, reason=reason)
    if state in _RUNNING:
        return Sight(Phase.RUNNING, host=host, reason="" if state == "RUNNING" else state)
    if state in _CAUSES:
        return ending_of(state, status, host, reason)
    return Sight(Phase.UNKNOWN, host=host, reason=f"its state is {state!r}")


def ending_of(state: str, status: tuple[int, int], host: str, reason: str) -> Sight:
    """How a job ended.

    Args:
        state: One of those that are ends.
        status: The exit code, and the number of the signal.
        host: Where it ran; or "".
        reason: What Slurm says besides; or "".
    """
    code, number = status
    said = f"{state}: {reason}" if reason else state
    cause = _CAUSES[state]
    if cause is not Cause.EXIT:
        return Sight(Phase.ENDED, cause, host=host, reason=said)
    if number > _LAST_PLAIN_SIGNAL or (code and number):  # not of a process: a number of an error of Slurm's own
        return Sight(Phase.ENDED, Cause.HOST, host=host, reason=said)
    if not host and state == "FAILED":
        return Sight(Phase.ENDED, Cause.UNSAID, reason=said)  # it never ran
    said = "" if reason in _SAID_BY_STATUS or not reason else said
    if number:
        return Sight(Phase.ENDED, Cause.SIGNAL, signal=signals.Signals(number).name, host=host, reason=said)
    return Sight(Phase.ENDED, Cause.EXIT, exit_code=code, host=host, reason=said)


# Jobs that have ended long ago ----------------------------------------------------------------------------------------


def build_sacct_argv(bases: Collection[str]) -> list[str]:
    """The command that says how jobs have ended which the controller has forgotten.

    Those that ended months ago may have had the same numbers.
    """
    argv = ["sacct", "--noheader", "--parsable2", "--allocations", "--starttime=now-30days"]
    return [*argv, "--format=JobID,State,ExitCode,NodeList", f"--jobs={','.join(bases)}"]


def parse_sacct(text: str) -> dict[str, Sight]:
    """How jobs have ended, as the accounting says; those that have not, for all it knows, are left out."""
    endings = {}
    for line in text.splitlines():
        job, state, code, nodes = [*line.split("|"), "", "", ""][:4]
        state = state.split(" ")[0].rstrip("+")  # "CANCELLED by 1000"
        if state in _CAUSES:
            host = "" if nodes in _NOTHING else nodes
            endings[job] = ending_of(state, _status(code), host, "")
    return endings


# What the site has ----------------------------------------------------------------------------------------------------


def parse_configuration(text: str) -> dict[str, str]:
    """The names and values of ``scontrol show config``."""
    lines = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, equals, value in lines if equals}


def seconds_of(value: str) -> float | None:
    """Of "300 sec"; zero is no end."""
    found = re.match(r"(\d+)", value)
    return None if found is None else float(found[1]) or math.inf
