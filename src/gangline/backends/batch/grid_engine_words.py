"""What Grid Engine's commands are told, and what their answers say. Pure.

Its options, states and codes stand in its manual pages qsub(1), qstat(1), sge_status(5) and sge_accounting(5).
"""

from __future__ import annotations

import contextlib
import math
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.etree import ElementTree

from gangline.backends.batch.system import Cause, Phase, Request, Sight
from gangline.remote.here import signal_name
from gangline.remote.resources import Resources

__all__ = [
    "Record",
    "Row",
    "build_asked_argv",
    "build_qsub_argv",
    "build_qsub_input",
    "ending_of",
    "is_away",
    "is_full",
    "job_name_of",
    "log_in_script",
    "needs_parallel_environment",
    "parse_accounting",
    "parse_error_reasons",
    "parse_qstat",
    "parse_submission",
    "phase_of",
    "slots_of",
    "task_numbers",
]

_LONGEST_NAME = 100
_PLAIN_PATH = re.compile(r"/[\w ./+=%#~^-]*\w", re.ASCII)
_OF_SEVERAL_WORDS = frozenset({"pe", "binding"})
_SUBMITTED = re.compile(r"^(\d+)(?:\.\d+-\d+:\d+)?\s*$", re.MULTILINE)
_AWAY = re.compile(
    r"commlib error|unable to (send|contact|connect|receive)|can(no|')t (connect|contact|reach)"
    r"|got (send|select|read) error|failed receiving gdi|gdi request|qmaster (is )?(not|down)"
    r"|communication (error|lost)|unable to initialize environment|act_qmaster",
    re.IGNORECASE,
)
_FULL = re.compile(r"only \d+ (active )?jobs are allowed|job limit|too many (active )?jobs", re.IGNORECASE)
_SHELL_SIGNAL = 128
_LAST_SIGNAL = 64
_NEARLY = 0.9
_BINARY = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}

_LIMIT, _ASSUMEDLY_AFTER, _BY_SIGNAL = 37, 100, 17
_RAN = frozenset({0, 12, 13, 14, 15, 16, 30})
"""The codes of jobs whose own exit code holds, whatever went wrong around them."""


# Submission -----------------------------------------------------------------------------------------------------------


def job_name_of(name: str) -> str:
    """A name that Grid Engine takes: plain letters, digits, dot, dash and underscore, and a letter first.

    Example:
        >>> job_name_of("2nd pass: chr/1")
        'j2nd_pass__chr_1'
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:_LONGEST_NAME]
    return plain if plain[:1].isalpha() and plain.lower() not in ("none", "all", "template") else f"j{plain}"


def slots_of(resources: Resources) -> int:
    """How many slots the job will have: each has its share of the memory."""
    named = _parallel_environment(resources)
    if len(named) > 1 and (found := re.match(r"\d+", named[1])):
        return int(found[0])
    return resources.cores or 1


def needs_parallel_environment(resources: Resources) -> bool:
    """Whether one has to be found: more than one core is asked for, and nobody says in which."""
    return slots_of(resources) > 1 and not _parallel_environment(resources)


def _parallel_environment(resources: Resources) -> list[str]:
    """The name and maybe the slots that the options or the words give."""
    for place in range(len(resources.words) - 1, -1, -1):
        if resources.words[place] == "-pe":
            return list(resources.words[place + 1 : place + 3])
    return (dict(resources.options).get("pe") or "").split()


def build_asked_argv(resources: Resources, parallel_environment: str | None) -> list[str]:
    """What a job asks for, as options of qsub.

    Args:
        resources: What it asks for. The memory is divided among the slots, since Grid Engine counts it for each.
        parallel_environment: The one for more than one core, if the options do not name it.
    """
    argv: list[str] = []
    if resources.queue is not None:
        argv += ["-q", resources.queue]
    if resources.account is not None:
        argv += ["-P", resources.account]
    if resources.wall_time_s is not None:
        argv += ["-l", f"h_rt={math.ceil(resources.wall_time_s)}"]
    if resources.memory_bytes is not None:
        argv += ["-l", f"h_vmem={math.ceil(resources.memory_bytes / slots_of(resources))}"]
    if parallel_environment is not None:
        argv += ["-pe", parallel_environment, str(resources.cores or 1)]
    for name, value in resources.options:
        words = [] if value is None else value.split() if name in _OF_SEVERAL_WORDS else [value]
        if name == "pe" and len(words) == 1:
            words.append(str(resources.cores or 1))
        argv += [f"-{name}", *words]
    return [*argv, *resources.words]


def log_in_script(request: Request) -> bool:
    """Whether the script has to write the log itself: qsub reads commas, colons and dollars in its path otherwise."""
    return not _PLAIN_PATH.fullmatch(request.log)


def build_qsub_argv(request: Request, parallel_environment: str | None) -> list[str]:
    """The command that submits; what runs is read from its standard input (see `build_qsub_input`)."""
    log = "/dev/null" if log_in_script(request) else request.log
    if request.count > 1 and log == request.log:
        log += ".$TASK_ID"
    argv = ["qsub", "-terse", "-sync", "n", "-b", "n", "-C", "", "-S", "/bin/sh", "-V", "-r", "n"]
    argv += ["-N", job_name_of(request.name), "-j", "y", "-o", log]
    # A dollar in the directory is read as the beginning of a variable.
    argv += ["-wd", "/" if "$" in request.directory else request.directory]
    if request.count > 1:
        argv += ["-t", f"1-{request.count}"]
    return argv + build_asked_argv(request.resources, parallel_environment)


def build_qsub_input(request: Request) -> str:
    """The script that runs the script; Grid Engine takes a copy of it."""
    lines = ["#!/bin/sh"]
    if log_in_script(request):
        number = ".$SGE_TASK_ID" if request.count > 1 else ""
        lines.append(f"exec >>{shlex.quote(request.log)}{number} 2>&1")
    if "$" in request.directory:
        lines.append(f"cd {shlex.quote(request.directory)} || exit")
    return "\n".join([*lines, f"exec /bin/sh {shlex.quote(request.script)}", ""])


def parse_submission(text: str) -> str | None:
    """The number of the job, from what ``qsub -terse`` says; None if it does not say one."""
    found = _SUBMITTED.findall(text)
    return found[-1] if found else None


def is_away(text: str) -> bool:
    """Whether a command's complaint is that the master does not answer."""
    return _AWAY.search(text) is not None


def is_full(text: str) -> bool:
    """Whether a command's complaint is that there are too many jobs at the moment."""
    return _FULL.search(text) is not None


# Jobs that wait and run -----------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """What qstat says of a job, or of some tasks of an array.

    Attributes:
        job: The number of the whole.
        tasks: Which tasks, as "7", "1-9:2" or "1,3,5-8:1"; empty if it is not an array.
        state: Such as "r" or "hqw".
        host: Where it runs; or "".
    """

    job: str
    tasks: str
    state: str
    host: str


def parse_qstat(text: str) -> list[Row]:
    """The rows of ``qstat -xml``.

    Raises:
        ValueError: It is no XML.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as exc:
        raise ValueError(f"qstat's answer cannot be read: {exc}") from exc

    def told(row: ElementTree.Element, name: str) -> str:
        return (row.findtext(name) or "").strip()

    return [
        Row(
            told(row, "JB_job_number"),
            told(row, "tasks"),
            told(row, "state"),
            told(row, "queue_name").partition("@")[2],
        )
        for row in root.iter("job_list")
    ]


def task_numbers(tasks: str) -> Iterator[int]:
    """The numbers of a list of tasks.

    Example:
        >>> list(task_numbers("1,4-8:2"))
        [1, 4, 6, 8]
    """
    for part in tasks.split(","):
        first, _, rest = part.partition("-")
        last, _, step = rest.partition(":")
        yield from range(int(first), int(last or first) + 1, int(step or 1))


def phase_of(state: str) -> Sight:
    """What a state of qstat means; one with an E in it, which is an end, is not for here."""
    if "q" in state:
        return Sight(Phase.WAITING, reason="held" if "h" in state else "")
    if set(state) & set("rtsST"):
        reason = "being removed" if "d" in state else "suspended" if set(state) & set("sST") else ""
        return Sight(Phase.RUNNING, reason=reason)
    return Sight(Phase.UNKNOWN, reason=f"its state is {state!r}")


def parse_error_reasons(text: str) -> dict[str, str]:
    """Why jobs are in the error state, from ``qstat -j``; of an array by the number of the task, as "8.1"."""
    reasons: dict[str, str] = {}
    job = ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "job_number":
            job = value.strip()
        elif found := re.fullmatch(r"error reason\s+(\d+)", name):
            reasons[f"{job}.{found[1]}"] = reasons[job] = value.strip()
    return reasons


# Jobs that have ended -------------------------------------------------------------------------------------------------


class Record(NamedTuple):
    """What the accounting says of a job or of one task of an array.

    Attributes:
        job: Its number; of a task as "8.1".
        failed: The code; 0 if nothing went wrong with the job itself.
        failed_words: The same in words.
        exit_status: As a shell says it.
        host: Where it ran.
        wall_time_s: How long.
        memory_bytes: The most that was seen in use.
        asked_s: How long it might run; None if that was not said.
        asked_bytes: How much memory it might have; None if that was not said.
        deleted: Whether somebody removed it, where that is told.
        submitted_at: When, in seconds since 1970 by this host's time zone; None if it cannot be read.
    """

    job: str
    failed: int
    failed_words: str
    exit_status: int
    host: str
    wall_time_s: float
    memory_bytes: float
    asked_s: float | None = None
    asked_bytes: float | None = None
    deleted: bool = False
    submitted_at: float | None = None


def parse_accounting(text: str) -> dict[str, Record]:
    """The last record of each job, from ``qacct -j``."""
    records: dict[str, Record] = {}
    for block in re.split(r"^={20,}\s*$", text, flags=re.MULTILINE):
        fields = dict(line.partition(" ")[::2] for line in block.splitlines())
        if "jobnumber" in fields:
            record = _record_of({name: value.strip() for name, value in fields.items()})
            records[record.job] = record
    return records


def _record_of(fields: Mapping[str, str]) -> Record:
    task = fields.get("taskid", "undefined")
    failed, _, words = fields.get("failed", "0").partition(":")
    asked = dict(re.findall(r"(?:-l |,)(\w+)=([^,\s]+)", fields.get("category", "")))
    slots = _whole(fields.get("slots", "")) or 1
    return Record(
        job=fields["jobnumber"] + (f".{task}" if task.isdigit() else ""),
        failed=_whole(failed),
        failed_words=words.strip(),
        exit_status=_whole(fields.get("exit_status", "")),
        host=fields.get("hostname", "").replace("UNKNOWN", ""),
        wall_time_s=_seconds(fields.get("ru_wallclock", "")) or 0.0,
        memory_bytes=_bytes(fields.get("maxvmem", "")) or 0.0,
        asked_s=_seconds(asked.get("h_rt", "")),
        asked_bytes=None if (each := _bytes(asked.get("h_vmem", ""))) is None else each * slots,
        deleted=fields.get("deleted_by", "NONE") not in ("NONE", ""),
        submitted_at=_time(fields.get("qsub_time", "")),
    )


def _whole(text: str) -> int:
    found = re.match(r"\s*(\d+)", text)
    return int(found[1]) if found else 0


def _time(text: str) -> float | None:
    with contextlib.suppress(ValueError, OverflowError):
        return time.mktime(time.strptime(text, "%a %b %d %H:%M:%S %Y"))
    return None


def _seconds(text: str) -> float | None:
    """Of "4", "4.5s" and "0:1:30"; "INFINITY" is none."""
    if not re.fullmatch(r"[\d:]*\d(\.\d+)?s?", text.strip()):
        return None
    parts = text.strip().rstrip("s").split(":")
    return sum(float(part or 0) * 60.0**place for place, part in enumerate(reversed(parts)))


def _bytes(text: str) -> float | None:
    found = re.match(r"\s*(\d+(?:\.\d+)?)([KMGTkmgt]?)", text)
    return float(found[1]) * _BINARY[found[2]] if found else None


def ending_of(record: Record) -> Sight:
    """How a job ended, by its record; that it was removed is not told by most Grid Engines."""
    status = record.exit_status
    number = status - _SHELL_SIGNAL if _SHELL_SIGNAL < status <= _SHELL_SIGNAL + _LAST_SIGNAL else 0
    reason = f"failed {record.failed}: {record.failed_words}" if record.failed else ""
    if record.failed in _RAN:
        return Sight(Phase.ENDED, Cause.EXIT, exit_code=status, host=record.host, reason=reason)
    killed = record.failed in (_LIMIT, _BY_SIGNAL, _ASSUMEDLY_AFTER) and (number > 0 or record.failed == _LIMIT)
    if not killed:
        return Sight(Phase.ENDED, Cause.HOST, host=record.host, reason=reason)
    said = [] if record.failed == _ASSUMEDLY_AFTER else [reason]  # that says nothing
    cause = Cause.SIGNAL
    if record.deleted and record.failed != _LIMIT:
        cause = Cause.CANCELLED
    elif record.asked_s is not None and record.wall_time_s >= record.asked_s:
        cause = Cause.TIME_LIMIT
        said.append(f"{record.wall_time_s:g} s of {record.asked_s:g} s")
    elif record.asked_bytes is not None and record.memory_bytes >= _NEARLY * record.asked_bytes:
        cause = Cause.MEMORY
        said.append(f"{record.memory_bytes / 10**6:.0f} MB of {record.asked_bytes / 10**6:.0f} MB")
    elif record.failed == _LIMIT:
        cause = Cause.TIME_LIMIT
    return Sight(
        Phase.ENDED, cause, signal=signal_name(number) if number else "", host=record.host, reason="; ".join(said)
    )
