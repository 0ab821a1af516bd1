"""Slurm through its own commands: sbatch, squeue, scancel, and sacct where the site keeps accounts.

- One squeue tells of all jobs, also for some minutes (``MinJobAge``) of those that have ended. sacct is asked for those
  that are gone from there, seldom; without accounting they are unknown then.
- squeue is told the numbers of a few jobs, and for more of them only the user: the controller has the same work, the
  command much less, and there is no longest command line.
- An array's run that is removed while it waits is gone from squeue at once, since it never became a job of its own.
- A submission that was not confirmed may have been accepted. Its job is looked for by the path of its script.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gangline.backends.batch import slurm_words as words
from gangline.backends.batch.system import Cause, NoRoom, Phase, Request, Sight
from gangline.errors import BackendError, JobRejected

__all__ = ["Slurm"]

_PATIENCE_S = 60.0
_SHORT_PATIENCE_S = 15.0
_ARRAY_MAX = 1000
_MIN_JOB_AGE_S = 300.0
"""Both of a Slurm that is not told otherwise."""
_NAMED = 50
"""Up to how many jobs and arrays are asked for by number."""
_AT_ONCE = 1000
_REMEMBERED = 100_000
"""Ends of jobs."""
_ACCOUNTING_PAUSE_S = 5.0
_TAIL_BYTES = 4096
_NO_ACCOUNTING = "accounting storage is disabled"


class Slurm:
    """Slurm, through its commands; see `BatchSystem`.

    Args:
        patience_s: How long a command may take.
        clock: Seconds of a clock that never goes back.

    Raises:
        BackendError: The commands are not there, or the configuration that SLURM_CONF names.
    """

    name = "slurm"
    array_variable = "SLURM_ARRAY_TASK_ID"
    job_variable = "SLURM_JOB_ID"
    whole_variable = "SLURM_ARRAY_JOB_ID"

    def __init__(self, patience_s: float = _PATIENCE_S, clock: Callable[[], float] = time.monotonic) -> None:
        for program in ("sbatch", "squeue", "scancel"):
            if shutil.which(program) is None:
                raise BackendError(f"{program}, a command of Slurm, is not on this host (not on its PATH)")
        configuration = os.environ.get("SLURM_CONF", "")
        if configuration and not os.path.exists(configuration):
            # The commands themselves would look for it for a minute each.
            raise BackendError(f"there is no {configuration}, the configuration of Slurm that SLURM_CONF names")
        self._patience_s = patience_s
        self._clock = clock
        self._user = os.getuid()
        self._has_accounting = shutil.which("sacct") is not None
        self._ask_again_at: dict[str, float] = {}
        self._doubtful: set[str] = set()
        self._waiting_at: dict[str, float] = {}
        self._ended: dict[str, Sight] = {}
        self.array_max, self._min_job_age_s = self._limits()

    def _limits(self) -> tuple[int, float]:
        answer = self._run(["scontrol", "show", "config"], min(_SHORT_PATIENCE_S, self._patience_s))
        told = words.parse_configuration(answer.output if answer.code == 0 else "")
        size = told.get("MaxArraySize", "")
        # The size is one more than the greatest number, and zero where there are no arrays.
        array_max = max(1, int(size) - 1) if size.isdigit() else _ARRAY_MAX
        return array_max, words.seconds_of(told.get("MinJobAge", "")) or _MIN_JOB_AGE_S

    # Submission -------------------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> Sequence[str]:
        """Submit; see `BatchSystem`. A site's limit on the number of jobs is `NoRoom`."""
        if option := words.forbidden_option(request.resources):
            raise JobRejected(f"the option {option} cannot be given to jobs: it is Gangline that says how they are run")
        self._settle_doubts()
        asked_at = self._clock()
        # The job gets the environment of sbatch, so that not even the language may be changed in it.
        answer = self._run(words.build_sbatch_argv(request), self._patience_s, plain=False)
        number = (
            words.parse_submission(answer.output) if answer.code == 0 else self._number_of_doubtful(request, answer)
        )
        if number is None:
            raise _refusal(answer)
        jobs = [self.job_number(number, index, request.count) for index in range(1, request.count + 1)]
        self._waiting_at.update(dict.fromkeys(jobs, asked_at))
        return jobs

    def job_number(self, job: str, index: int, count: int) -> str:
        """The number of one run; see `BatchSystem`."""
        return f"{job}_{index}" if count > 1 else job

    def _number_of_doubtful(self, request: Request, answer: _Answer) -> str | None:
        """The number of a job of which sbatch does not say whether it was submitted; None if it was not."""
        if answer.code is not None and not words.is_doubtful(answer.complaint):
            return None
        self._doubtful.add(request.script)  # it may still arrive, or nobody may answer now
        number = self._scripts().get(request.script)
        if number is not None:
            self._doubtful.remove(request.script)
        return number

    def _settle_doubts(self) -> None:
        """Remove what was submitted after all when it had been given up."""
        if self._doubtful:
            scripts = self._scripts()
            self.cancel([scripts[script] for script in self._doubtful & scripts.keys()])
            self._doubtful.clear()

    def _scripts(self) -> Mapping[str, str]:
        argv = ["squeue", "--noheader", "--states=all", f"--user={self._user}", "--format=%F|%o"]
        return words.parse_scripts(self._ask(argv))

    # Looking ----------------------------------------------------------------------------------------------------------

    def look(self, jobs: Collection[str]) -> Mapping[str, Sight]:
        """What is known; see `BatchSystem`."""
        wanted = set(jobs)
        asked_at = self._clock()
        seen = words.parse_squeue(self._ask_queue(wanted - self._ended.keys()))
        ended = {job: sight for job, sight in seen.items() if job in wanted and sight.phase is Phase.ENDED}
        gone = wanted - seen.keys() - self._ended.keys()
        self._ended |= ended | self._killed_for_memory(ended) | self._ask_accounting(gone)
        self._ended |= self._removed_while_waiting(seen, gone - self._ended.keys(), asked_at)
        for job in list(islice(self._ended, max(0, len(self._ended) - _REMEMBERED))):
            del self._ended[job]
        unknown = Sight(Phase.UNKNOWN, reason="Slurm does not know it any more")
        return {job: self._ended.get(job) or seen.get(job, unknown) for job in wanted}

    def _removed_while_waiting(self, seen: Mapping[str, Sight], gone: set[str], asked_at: float) -> dict[str, Sight]:
        now = self._clock()  # an answer may have come long after the question, and may be older than it looks
        # Within that time a job cannot have run, ended and been forgotten.
        recent = {job: at for job, at in self._waiting_at.items() if now - at < self._min_job_age_s}
        removed = Sight(Phase.ENDED, Cause.CANCELLED, reason="removed while it waited")
        endings = dict.fromkeys(gone & recent.keys(), removed)
        waiting = dict.fromkeys((job for job, sight in seen.items() if sight.phase is Phase.WAITING), asked_at)
        self._waiting_at = {job: at for job, at in recent.items() if job not in seen} | waiting
        return endings

    def _ask_queue(self, jobs: Collection[str], *, logs: bool = False) -> str:
        if not jobs:
            return ""
        bases = sorted({words.base_of(job) for job in jobs})
        argv = words.build_squeue_argv(self._user, bases if len(bases) <= _NAMED else (), logs=logs)
        return self._ask(argv)

    def _killed_for_memory(self, ended: Mapping[str, Sight]) -> dict[str, Sight]:
        """Those that Slurm has ended for their memory, of which it says so in their logs only."""
        killed = {
            job: sight for job, sight in ended.items() if sight.signal == "SIGKILL" and sight.cause is Cause.SIGNAL
        }
        logs = words.parse_logs(self._ask_queue(killed, logs=True))
        return {
            job: sight._replace(cause=Cause.MEMORY, reason="it exceeded its memory limit")
            for job, sight in killed.items()
            if words.says_out_of_memory(_tail(logs.get(job, "")))
        }

    def _ask_accounting(self, gone: Collection[str]) -> dict[str, Sight]:
        """How those have ended whose turn it is to be asked for."""
        now = self._clock()
        due = [job for job in gone if self._ask_again_at.get(job, now) <= now] if self._has_accounting else []
        endings: dict[str, Sight] = {}
        for bases in _portions(sorted({words.base_of(job) for job in due})):
            answer = self._run(words.build_sacct_argv(bases), self._patience_s)
            if _NO_ACCOUNTING in answer.complaint:
                self._has_accounting = False
                return {}
            if answer.code != 0:
                raise _silence(answer)
            endings |= words.parse_sacct(answer.output)
        again_at = dict.fromkeys(due, now + _ACCOUNTING_PAUSE_S)
        self._ask_again_at = {job: at for job, at in self._ask_again_at.items() if at > now} | again_at
        return {job: endings[job] for job in due if job in endings}

    # Removal ----------------------------------------------------------------------------------------------------------

    def cancel(self, jobs: Collection[str]) -> None:
        """Remove jobs; see `BatchSystem`."""
        for some in _portions(words.build_scancel_words([job for job in jobs if job not in self._ended])):
            answer = self._run(["scancel", *some], self._patience_s)
            if answer.code != 0 and not words.is_unknown_job(answer.complaint):
                raise _silence(answer)

    def close(self) -> None:
        """Nothing is held."""

    # Commands ---------------------------------------------------------------------------------------------------------

    def _ask(self, argv: list[str]) -> str:
        """What squeue answers; nothing where it does not know the jobs.

        Raises:
            BackendError: It does not answer.
        """
        answer = self._run(argv, self._patience_s)
        if answer.code != 0 and not words.is_unknown_job(answer.complaint):
            raise _silence(answer)
        return answer.output if answer.code == 0 else ""

    @staticmethod
    def _run(argv: list[str], patience_s: float, *, plain: bool = True) -> _Answer:
        """Run one of the commands.

        Raises:
            BackendError: It is not there.
        """
        environment = words.clean_environment(os.environ)
        if plain:
            environment["LC_ALL"] = "C"
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment,
                start_new_session=True,  # Ctrl-C is for this process
            )
        except OSError as exc:
            raise BackendError(f"{argv[0]}, a command of Slurm, cannot be run: {exc}") from exc
        with process:
            try:
                output, complaint = process.communicate(timeout=patience_s)
            except subprocess.TimeoutExpired as exc:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                said = (exc.stderr or b"").decode(errors="replace").strip()
                return _Answer(argv[0], None, "", f"it has not ended within {patience_s:g} s\n{said}".strip())
        return _Answer(argv[0], process.returncode, output, complaint.strip() or output.strip())


class _Answer(NamedTuple):
    """What a command said.

    Attributes:
        program: Which.
        code: Its exit code; None if it had to be ended.
        output: What it printed.
        complaint: The rest, or if there is none, all.
    """

    program: str
    code: int | None
    output: str
    complaint: str


def _silence(answer: _Answer) -> BackendError:
    return BackendError(f"Slurm does not answer {answer.program}: {answer.complaint}")


def _refusal(answer: _Answer) -> BackendError | JobRejected:
    if answer.code is None or words.is_away(answer.complaint):
        return _silence(answer)
    if answer.code == 0:
        return JobRejected(f"sbatch does not say the number of the job: {answer.complaint}")
    if words.is_full(answer.complaint):
        return NoRoom(f"Slurm takes no more jobs at the moment: {answer.complaint}")
    return JobRejected(f"Slurm does not take the job: {answer.complaint}")


def _tail(path: str) -> str:
    """The end of a file; nothing if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _portions(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _AT_ONCE):
        yield texts[start : start + _AT_ONCE]
