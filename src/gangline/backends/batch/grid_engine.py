"""Grid Engine through its own commands: qsub, qstat, qacct, qdel, and qconf for what the site has.

What Grid Engine makes of what a job asks for:

- More than one core is a parallel environment whose slots are all of one host. The first that the queue, or the site,
  has is taken; the option ``pe`` names another.
- Memory is ``h_vmem``, which is counted for each slot, so that it is divided among them. It limits the address space.
- The account is a project (``-P``): what shares and budgets hang on. The mere note that ``-A`` is can be an option.
- The environment of this process is that of the job (``-V``), as with Slurm; variables of several lines get lost.
- A job whose host fails is not silently run again (``-r n``).

What ended a job is read from the accounting, which does not tell a removal from a kill: a removal by somebody else is
told as one only if the job was seen while it was being removed.

A job in the error state never runs by itself, and would behind everybody's back once somebody clears that state. So it
is removed when it is seen, and has ended.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from gangline.backends.batch import grid_engine_words as words
from gangline.backends.batch.system import Cause, NoRoom, Phase, Request, Sight
from gangline.errors import BackendError, JobRejected

__all__ = ["GridEngine", "ParallelEnvironments"]

_PATIENCE_S = 120.0
_SHORT_PATIENCE_S = 15.0
_ARRAY_MAX = 75_000
"""Of a Grid Engine that is not told otherwise."""
_WORDS_AT_ONCE = 500
_CLOCKS_APART_S = 600.0
_FIRST_PAUSE_S = 1.0
_USUAL_NAMES = ("smp", "shm", "shared", "threads", "openmp", "mt")


class GridEngine:
    """Grid Engine, through its commands; see `BatchSystem`.

    Args:
        clock: Seconds of a clock that never goes back.
    """

    name = "sge"
    array_variable = "SGE_TASK_ID"
    job_variable = "JOB_ID"
    whole_variable = "JOB_ID"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.array_max = _array_max()
        self._clock = clock
        self._user = pwd.getpwuid(os.geteuid()).pw_name
        self._submitted_at: dict[str, float] = {}
        self._cancelled: set[str] = set()
        self._ended: dict[str, Sight] = {}
        self._missing: dict[str, _Missing] = {}
        self._environments = ParallelEnvironments()

    # Submission -------------------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> Sequence[str]:
        """Submit; see `BatchSystem`. A site's limit on the number of jobs is `NoRoom`."""
        resources = request.resources
        needs = words.needs_parallel_environment(resources)
        argv = words.build_qsub_argv(request, self._environments.find(resources.queue) if needs else None)
        # The job gets the environment of qsub, so that not even the language may be changed in it.
        code, output, complaint = _run(argv, words.build_qsub_input(request), plain=False)
        if code != 0:
            raise _refusal(complaint or output)
        number = words.parse_submission(output)
        if number is None:
            raise JobRejected(f"qsub does not say the number of the job: {output.strip()} {complaint.strip()}")
        self._submitted_at[number] = time.time()
        return [self.job_number(number, index, request.count) for index in range(1, request.count + 1)]

    def job_number(self, job: str, index: int, count: int) -> str:
        """The number of one run; see `BatchSystem`."""
        return f"{job}.{index}" if count > 1 else job

    # Looking ----------------------------------------------------------------------------------------------------------

    def look(self, jobs: Collection[str]) -> Mapping[str, Sight]:
        """What is known; see `BatchSystem`. Jobs in the error state are removed by it."""
        wanted = set(jobs)
        seen, errors = self._ask_queue(wanted - self._ended.keys())
        if errors:
            self._end_errors(errors)
        gone = wanted - self._ended.keys() - seen.keys()
        for job in gone & self._cancelled:
            self._ended[job] = Sight(Phase.ENDED, Cause.CANCELLED)
        if not errors:
            self._ask_accounting(gone - self._cancelled)
        unknown = Sight(Phase.UNKNOWN, reason="it is not in the queue, and not yet in the accounting")
        return {job: self._ended.get(job) or seen.get(job, unknown) for job in jobs}

    def _ask_queue(self, wanted: set[str]) -> tuple[dict[str, Sight], list[str]]:
        """Those in the queue, and the numbers of those in the error state."""
        if not wanted:
            return {}, []
        # Not one line for each task of an array (-g d): those that wait are told as a range.
        answer = _ask(["qstat", "-xml", "-u", self._user])
        try:
            rows = words.parse_qstat(answer)
        except ValueError as exc:
            raise BackendError(str(exc)) from exc
        bases = {job.partition(".")[0] for job in wanted}
        seen: dict[str, Sight] = {}
        errors: list[str] = []
        for row in rows:
            if row.job not in bases:
                continue
            numbers = [f"{row.job}.{task}" for task in words.task_numbers(row.tasks)] if row.tasks else [row.job]
            ours = [number for number in numbers if number in wanted]
            if "E" in row.state:
                errors += ours
                continue
            sight = words.phase_of(row.state)._replace(host=row.host)
            seen.update(dict.fromkeys(ours, sight))
            if "d" in row.state:
                self._cancelled.update(ours)
        for job in seen:
            self._missing.pop(job, None)
        return seen, errors

    def _end_errors(self, errors: list[str]) -> None:
        bases = sorted({job.partition(".")[0] for job in errors})
        reasons: dict[str, str] = {}
        for some in _portions(bases):
            # A complaint is of those that are not there any more.
            reasons |= words.parse_error_reasons(_run(["qstat", "-j", ",".join(some)])[1])
        self._delete(errors)
        for job in errors:
            reason = reasons.get(job) or reasons.get(job.partition(".")[0]) or "it is in the error state"
            self._ended[job] = Sight(Phase.ENDED, Cause.HOST, reason=reason)

    def _ask_accounting(self, gone: set[str]) -> None:
        """Read the accounting, at most once, for those whose turn it is."""
        now = self._clock()
        for job in gone:
            self._missing.setdefault(job, _Missing(now))
        due = {job: self._missing[job] for job in gone if self._missing[job].ask_at <= now}
        if not due:
            return
        # It may be written late, or, for one that was removed before it ran, never. qacct reads the file, and asks
        # nobody; where there is no file, or no qacct, there is nothing to be known.
        records: dict[str, words.Record] = {}
        with contextlib.suppress(BackendError):
            records = words.parse_accounting(_run(self._qacct_argv(due))[1])
        for job, missing in due.items():
            missing.pause(now)
            record = records.get(job)
            if record is not None and not self._is_of_another(record):
                self._ended[job] = words.ending_of(record)
                del self._missing[job]

    def _qacct_argv(self, due: Mapping[str, _Missing]) -> list[str]:
        bases = {job.partition(".")[0] for job in due}
        if len(bases) == 1:
            tasks = [int(job.partition(".")[2]) for job in due if "." in job]
            return ["qacct", "-j", *bases] + (["-t", f"{min(tasks)}-{max(tasks)}"] if tasks else [])
        argv = ["qacct", "-o", self._user]
        submitted = [self._submitted_at.get(base) for base in bases]
        known = [at for at in submitted if at is not None]
        # A job that never started has no time at which it did, and would be left out.
        if len(known) == len(bases) and not any(missing.asked for missing in due.values()):
            argv += ["-b", time.strftime("%Y%m%d%H%M.%S", time.localtime(min(known) - _CLOCKS_APART_S))]
        return [*argv, "-j"]

    def _is_of_another(self, record: words.Record) -> bool:
        """Whether it is of a job that had the same number years ago."""
        submitted_at = self._submitted_at.get(record.job.partition(".")[0])
        if submitted_at is None or record.submitted_at is None:
            return False
        return record.submitted_at < submitted_at - _CLOCKS_APART_S

    # Removal ----------------------------------------------------------------------------------------------------------

    def cancel(self, jobs: Collection[str]) -> None:
        """Remove jobs; see `BatchSystem`."""
        self._delete([job for job in jobs if job not in self._ended])

    def _delete(self, jobs: Collection[str]) -> None:
        for some in _portions(_ranges(jobs)):
            code, output, complaint = _run(["qdel", *some])
            if code != 0 and words.is_away(output + complaint):
                raise BackendError(f"Grid Engine does not answer: {(complaint or output).strip()}")
        self._cancelled.update(jobs)

    def close(self) -> None:
        """Nothing is held."""


class ParallelEnvironments:
    """Those of this site whose slots are all of one host, which is what several cores need."""

    def __init__(self) -> None:
        self._found: dict[str | None, str] = {}

    def find(self, queue: str | None) -> str:
        """The name of one.

        Args:
            queue: Which has to have it.

        Raises:
            JobRejected: There is none.
            BackendError: Grid Engine does not answer.
        """
        if queue not in self._found:
            self._found[queue] = _find_parallel_environment(queue)
        return self._found[queue]


class _Missing:
    """A job that is not in the queue any more, and of which the accounting does not say anything yet."""

    def __init__(self, now: float) -> None:
        self.since = self.ask_at = now
        self.asked = False

    def pause(self, now: float) -> None:
        """It has been asked for; the longer it is away, the longer not again."""
        self.asked = True
        self.ask_at = now + max(_FIRST_PAUSE_S, (now - self.since) / 2)


# Commands -------------------------------------------------------------------------------------------------------------


def _run(
    argv: list[str], standard_input: str = "", *, plain: bool = True, patience_s: float = _PATIENCE_S
) -> tuple[int, str, str]:
    """Run one of the commands: its exit code and what it said.

    Raises:
        BackendError: It is not there, or does not come to an end.
    """
    try:
        done = subprocess.run(
            argv,
            input=standard_input,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience_s,
            env=os.environ | {"LC_ALL": "C"} if plain else None,
            start_new_session=True,  # Ctrl-C is for this process
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise BackendError(f"Grid Engine does not answer: {argv[0]} has not ended within {patience_s:g} s") from exc
    except OSError as exc:
        raise BackendError(f"{argv[0]}, a command of Grid Engine, cannot be run: {exc}") from exc
    return done.returncode, done.stdout, done.stderr


def _ask(argv: list[str], *, patience_s: float = _PATIENCE_S) -> str:
    """What a command answers; nothing where it has a complaint about what was asked for.

    Raises:
        BackendError: It has another one, or none at all.
    """
    code, output, complaint = _run(argv, patience_s=patience_s)
    if code != 0 and (argv[0] == "qstat" or words.is_away(output + complaint)):
        raise BackendError(f"Grid Engine does not answer {' '.join(argv[:2])}: {(complaint or output).strip()}")
    return output if code == 0 else ""


def _refusal(complaint: str) -> BackendError | JobRejected:
    said = "\n".join(line for line in complaint.strip().splitlines() if line != "Exiting.")
    if words.is_away(said):
        return BackendError(f"Grid Engine does not answer: {said}")
    if words.is_full(said):
        return NoRoom(f"Grid Engine takes no more jobs at the moment: {said}")
    return JobRejected(f"Grid Engine does not take the job: {said}")


def _array_max() -> int:
    try:
        told = _ask(["qconf", "-sconf"], patience_s=_SHORT_PATIENCE_S)
    except BackendError:  # who submits will hear of it
        return _ARRAY_MAX
    found = re.search(r"^max_aj_tasks\s+(\d+)", told, re.MULTILINE)
    return int(found[1]) or _ARRAY_MAX if found else _ARRAY_MAX


def _find_parallel_environment(queue: str | None) -> str:
    names: list[str]
    of_queue = _ask(["qconf", "-sq", queue.partition("@")[0]]) if queue is not None else ""
    if listed := re.search(r"^pe_list\s+(.*)", of_queue.replace("\\\n", " "), re.MULTILINE):
        names = [name for name in re.findall(r"[^\s,\[\]=]+", listed[1]) if name != "NONE" and name[0] != "@"]
    else:
        names = _ask(["qconf", "-spl"]).split()
    names.sort(key=lambda name: name not in _USUAL_NAMES)  # those that are likely first, to ask little
    for name in names:
        if re.search(r"^allocation_rule\s+\$pe_slots", _ask(["qconf", "-sp", name]), re.MULTILINE):
            return name
    where = f"queue {queue}" if queue else "this Grid Engine"
    there_are = f"there are {', '.join(names)}" if names else "there is none"
    raise JobRejected(
        f"{where} has no parallel environment whose slots are all of one host, for more than one core: {there_are}. "
        "The option pe names one: options={'pe': NAME}"
    )


def _ranges(jobs: Iterable[str]) -> list[str]:
    """The numbers of jobs for qdel, neighbours in an array as one word."""
    tasks: dict[str, list[int]] = defaultdict(list)
    ranges = []
    for job in jobs:
        base, _, task = job.partition(".")
        if task:
            tasks[base].append(int(task))
        else:
            ranges.append(job)
    for base, numbers in tasks.items():
        first = last = -1
        for number in sorted(set(numbers)):
            if number == last + 1 and first > 0:
                ranges[-1] = f"{base}.{first}-{number}"
            else:
                first = number
                ranges.append(f"{base}.{number}")
            last = number
    return ranges


def _portions(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(texts), _WORDS_AT_ONCE):
        yield texts[start : start + _WORDS_AT_ONCE]
