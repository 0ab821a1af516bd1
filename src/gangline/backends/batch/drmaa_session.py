"""A site's scheduler through DRMAA, the standard interface to many: the package `drmaa` with the scheduler's library.

- A process can have one session. One that is open already, by the user's own code, is used and left open.
- How a job of this session ended is known to the library without a question to the scheduler. Whether one waits or runs
  is a question for each, so that only so many are asked at a time, those first that were asked longest ago.
- Jobs of an earlier session are known as long as they are in the queue; of their end nothing is told.
- The classes of the bindings' errors are told apart by their names: the package is imported when it is first used.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from gangline.backends.batch import drmaa_words as words
from gangline.backends.batch import grid_engine, grid_engine_words
from gangline.backends.batch.system import Cause, NoRoom, Phase, Request, Sight
from gangline.errors import BackendError, JobRejected, MissingExtra
from gangline.remote.resources import Resources

__all__ = ["DrmaaSession"]

_ASKED_AT_ONCE = 50
_ASKED_AGAIN_S = 30.0
"""How long a job that runs is believed to run on, while the library does not say that it has ended."""
_TRIES = 5
_PAUSE_S = 0.05
_AWAY = frozenset({"DrmCommunicationException", "TryLaterException", "DrmsInitException"})
_UNKNOWN_JOB = "InvalidJobException"
_NO_SESSION = "NoActiveSessionException"
_NO_USAGE = "code 24"
_WITHOUT_REASON = re.compile(r"code \d+:\s*(time-out condition)?\s*")
"""The bindings keep one text for the errors of all threads, so that another thread's wait may have wiped it."""


class DrmaaSession:
    """The scheduler that the library of DRMAA stands for; see `BatchSystem`.

    Args:
        present: The schedulers that are here; the library must stand for one of them, or for one that is not known.
            None: it may stand for any.
        clock: Seconds of a clock that never goes back.

    Raises:
        MissingExtra: The package `drmaa` is not there.
        BackendError: Its library is not there, cannot be loaded, stands for another scheduler, or does not answer.
    """

    name = "drmaa"

    def __init__(self, present: Collection[str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._drmaa = _bindings()
        self._session = self._drmaa.Session()
        system = self._session.drmsInfo
        self._dialect = dialect = words.dialect_of(system)
        if present is not None and dialect.scheduler in ("sge", "slurm") and dialect.scheduler not in present:
            raise BackendError(f"it stands for {system}, which is not here")
        self.job_variable = self.whole_variable = dialect.job_variable
        self.array_variable = dialect.array_variable
        self.array_max = dialect.array_max
        self._clock = clock
        self._own: dict[str, Resources] = {}
        self._cancelled: set[str] = set()
        self._sights: dict[str, Sight] = {}
        self._asked_at: dict[str, float] = {}
        self._find_parallel_environment = grid_engine.ParallelEnvironments().find
        _shared.open(self._session)

    # Submission -------------------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> Sequence[str]:
        """Submit; see `BatchSystem`."""
        resources = request.resources
        environment = None
        if self._dialect.scheduler == "sge" and grid_engine_words.needs_parallel_environment(resources):
            environment = self._find_parallel_environment(resources.queue)
        native = words.build_native(self._dialect, resources, environment)
        for left in range(_TRIES - 1, -1, -1):
            try:
                jobs = self._submit(request, native)
            except Exception as exc:  # classes of the bindings; each means that there is no job
                error = self._error_of_submission(exc)
                if left and isinstance(error, JobRejected) and _WITHOUT_REASON.fullmatch(str(exc)):
                    time.sleep(_PAUSE_S)
                    continue
                raise error from exc
            self._own |= dict.fromkeys(jobs, resources)
            return jobs
        raise AssertionError("the last try returns or raises")

    def _submit(self, request: Request, native: str) -> list[str]:
        directory, log, arguments = words.build_arguments(self._dialect, request)
        with _shared.lock, self._drmaa.JobTemplate() as template:
            template.remoteCommand = "/bin/sh"
            template.args = arguments
            template.workingDirectory = directory
            template.jobName = words.job_name_of(request.name)
            template.joinFiles = True
            number = f".{template.PARAMETRIC_INDEX}" if request.count > 1 else ""
            template.outputPath = f":{log}{number}" if log else ":/dev/null"
            template.nativeSpecification = native
            wall_time_s = request.resources.wall_time_s
            if self._dialect.takes_wall_time and wall_time_s is not None:
                # The bindings' own attribute cannot be set in Python 3.
                attribute = self._drmaa.helpers.Attribute("drmaa_wct_hlimit")
                attribute.__set__(template, words.format_duration(wall_time_s))
            if request.count > 1:
                return [str(job) for job in self._session.runBulkJobs(template, 1, request.count, 1)]
            return [str(self._session.runJob(template))]

    def _error_of_submission(self, exc: Exception) -> BackendError | JobRejected:
        said = _said(exc)
        kind = type(exc).__name__
        if kind == _NO_SESSION:
            self._open_again()
            return BackendError("the session of DRMAA was closed by other code; it is open again")
        if kind in _AWAY or grid_engine_words.is_away(said):
            return BackendError(f"the scheduler does not answer: {said}")
        if grid_engine_words.is_full(said):
            return NoRoom(f"the scheduler takes no more jobs at the moment: {said}")
        return JobRejected(f"the scheduler does not take the job: {said}")

    def job_number(self, job: str, index: int, count: int) -> str:
        """The number of one run; see `BatchSystem`."""
        return f"{job}.{index}" if count > 1 else job

    # Looking ----------------------------------------------------------------------------------------------------------

    def look(self, jobs: Collection[str]) -> Mapping[str, Sight]:
        """What is known; see `BatchSystem`. Of many jobs that wait, not all are asked for each time."""
        open_jobs = [job for job in jobs if not self._has_ended(job)]
        for job in open_jobs:
            if job in self._own:
                self._see_whether_ended(job)
        for job in self._whose_turn(job for job in open_jobs if not self._has_ended(job)):
            self._ask(job)
        # One of this session that was not yet asked for is in the queue, as far as anybody knows.
        return {job: self._sights.get(job) or Sight(Phase.WAITING) for job in jobs}

    def _has_ended(self, job: str) -> bool:
        sight = self._sights.get(job)
        return sight is not None and sight.phase is Phase.ENDED

    def _see_whether_ended(self, job: str) -> None:
        """Look at what the library knows of a job of this session; no question to the scheduler."""
        try:
            info = self._session.wait(job, self._session.TIMEOUT_NO_WAIT)
        except Exception as exc:  # classes of the bindings
            kind = type(exc).__name__
            if str(exc).startswith(_NO_USAGE):
                self._end(job, words.ending_without_usage())
            elif kind == _NO_SESSION:
                self._open_again()
            elif kind == _UNKNOWN_JOB:  # another session, or somebody who waits for all jobs
                self._own.pop(job, None)
            elif kind != "ExitTimeoutException":
                raise BackendError(f"the scheduler does not answer: {_said(exc)}") from exc
            return
        self._end(job, words.ending_of(info, self._own[job], job in self._cancelled))

    def _end(self, job: str, sight: Sight) -> None:
        self._sights[job] = sight
        self._own.pop(job, None)
        self._asked_at.pop(job, None)

    def _whose_turn(self, jobs: Any) -> list[str]:
        """The jobs to ask for now: those that nothing is known of, and of the others so many."""
        now = self._clock()
        new: list[str] = []
        others: list[tuple[float, str]] = []
        for job in jobs:
            asked_at = self._asked_at.get(job)
            own = job in self._own
            if asked_at is None and not own:
                new.append(job)
                continue
            runs = job in self._sights and self._sights[job].phase is Phase.RUNNING
            if not (own and runs and asked_at is not None and now - asked_at < _ASKED_AGAIN_S):
                others.append((asked_at or 0.0, job))
        return new + [job for _, job in sorted(others)[:_ASKED_AT_ONCE]]

    def _ask(self, job: str) -> None:
        """Ask the scheduler for a job."""
        try:
            status = str(self._session.jobStatus(job))
        except Exception as exc:  # classes of the bindings
            kind = type(exc).__name__
            if kind == _UNKNOWN_JOB:
                self._asked_at[job] = self._clock()
                gone = Sight(Phase.UNKNOWN, reason=f"the scheduler does not know it: {_said(exc)}")
                self._sights[job] = Sight(Phase.ENDED, Cause.CANCELLED) if job in self._cancelled else gone
                return
            if kind == _NO_SESSION:
                self._open_again()
            raise BackendError(f"the scheduler does not answer: {_said(exc)}") from exc
        self._asked_at[job] = self._clock()
        if sight := words.phase_of(status):
            self._sights[job] = sight
        elif status in ("done", "failed"):
            self._on_over(job, status)
        else:
            self._sights.setdefault(job, Sight(Phase.UNKNOWN, reason=f"its state is {status}"))

    def _on_over(self, job: str, status: str) -> None:
        """The scheduler says that a job is over."""
        if job in self._own:
            self._see_whether_ended(job)  # if the library does not know it yet, it will the next time
        elif status == "done":  # however it did end
            self._end(job, Sight(Phase.ENDED))
        else:  # such as one in an error state, which may still be in the queue
            self.cancel([job])
            self._end(job, Sight(Phase.ENDED, Cause.HOST, reason="it has failed"))

    # Removal ----------------------------------------------------------------------------------------------------------

    def cancel(self, jobs: Collection[str]) -> None:
        """Remove jobs; see `BatchSystem`."""
        for job in jobs:
            if self._has_ended(job):
                continue
            try:
                with _shared.lock:
                    self._session.control(job, self._drmaa.JobControlAction.TERMINATE)
            except Exception as exc:  # classes of the bindings
                kind = type(exc).__name__
                if kind == _NO_SESSION:
                    self._open_again()
                if kind in _AWAY or kind == _NO_SESSION:
                    raise BackendError(f"the scheduler does not answer: {_said(exc)}") from exc
            self._cancelled.add(job)

    def close(self) -> None:
        """Close the session, if it is not somebody else's; jobs go on."""
        _shared.close(self._session)

    def _open_again(self) -> None:
        """Other code has closed the session, and with it what the library knew of jobs."""
        self._own.clear()
        _shared.open_again(self._session)


class _Shared:
    """The one session of this process."""

    def __init__(self) -> None:
        # The standard leaves it to the caller that submissions and orders do not overlap.
        self.lock = threading.Lock()
        self._users = 0
        self._ours = False

    def open(self, session: Any) -> None:
        with self.lock:
            if self._users == 0 or not self._ours:
                self._initialize(session)
            self._users += 1

    def open_again(self, session: Any) -> None:
        with self.lock:
            self._initialize(session)

    def _initialize(self, session: Any) -> None:
        try:
            session.initialize()
        except Exception as exc:  # classes of the bindings
            if type(exc).__name__ != "AlreadyActiveSessionException":
                raise BackendError(f"a session of DRMAA cannot be opened: {_said(exc)}") from exc
        else:
            self._ours = True

    def close(self, session: Any) -> None:
        with self.lock:
            self._users = max(0, self._users - 1)
            if self._users == 0 and self._ours:
                self._ours = False
                with contextlib.suppress(Exception):  # it may have been closed by other code
                    session.exit()


_shared = _Shared()


def _said(exc: Exception) -> str:
    return re.sub(r"^code \d+:\s*", "", str(exc)).strip() or type(exc).__name__


def _bindings() -> Any:
    try:
        import drmaa
        import drmaa.helpers
    except ModuleNotFoundError as exc:
        raise MissingExtra("DRMAA needs one more package: pip install 'gangline[batch]'") from exc
    except (RuntimeError, OSError, AttributeError) as exc:
        said = str(exc)
        if "static TLS" in said:
            said += ". Start the program with LD_PRELOAD set to the library that this names"
        elif "DRMAA_LIBRARY_PATH" not in said:
            said += ". DRMAA_LIBRARY_PATH says where it is"
        raise BackendError(f"the library of DRMAA cannot be loaded: {said}") from exc
    return drmaa
