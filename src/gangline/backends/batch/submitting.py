"""From tasks to jobs of a site's scheduler: taken over from an earlier run, or submitted, again if need be."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from gangline.backends.batch.endings import attempt_of_error, attempt_of_record
from gangline.backends.batch.jobs import Job, Orphan, Orphans
from gangline.backends.batch.runs import Run
from gangline.backends.batch.system import BatchSystem, NoRoom
from gangline.errors import BackendError, GanglineError, JobRejected, TaskCancelled
from gangline.messages import Attempt, Status
from gangline.remote.resources import Resources

__all__ = ["Submitter"]

_log = logging.getLogger("gangline.batch")

_MOST_AT_ONCE = 1000
_RESUBMIT_S = (1.0, 30.0)
_PATIENCE_S = 600.0


class Submitter:
    """Makes jobs of tasks. Those that ask for the same and come together go as one array.

    What the scheduler does not take because it does not answer is kept, for as long as trying again is likely to help;
    and until there is room what it has no room for. Whatever goes wrong, each job is live, kept or finished then.

    Args:
        system: The site's scheduler.
        folder: For the files of jobs.
        finish: Called with a job that has ended without being live, and how.

    Attributes:
        kept: Jobs that are to be tried again.
    """

    def __init__(self, system: BatchSystem, folder: Path, finish: Callable[[Job, Attempt], None]) -> None:
        self._system = system
        self._finish = finish
        self._run = Run.begin(folder)
        self._orphans = Orphans.of(folder, system)
        self._again_at = 0.0
        self._trouble_since: float | None = None
        self._is_full = False
        self._most_at_once = _MOST_AT_ONCE
        self.kept: list[Job] = []

    @property
    def is_due(self) -> bool:
        """Whether there are jobs to be tried again now."""
        return bool(self.kept) and time.monotonic() >= self._again_at

    def begin(self, jobs: Sequence[Job]) -> list[Job]:
        """Have jobs run, and those that were kept; gives the ones that are live now."""
        live: list[Job] = []
        groups: dict[tuple[str, Resources], list[Job]] = defaultdict(list)
        kept, self.kept = self.kept, []
        for job in (*kept, *jobs):
            if job.called_off:
                self._finish(job, attempt_of_error(job.task, TaskCancelled("the job was called off")))
            elif not self._adopt(job, live):
                groups[job.order.name, job.order.resources].append(job)
        for group in groups.values():
            while group:
                if self.kept:  # nobody answers; not one after the other shall wait for that
                    self.kept += group
                    break
                group = self._submit_some(group, live)
        return live

    def on_room(self) -> None:
        """A job has ended: there may be room for another."""
        if self._is_full:
            self._again_at = min(self._again_at, time.monotonic() + _RESUBMIT_S[0])

    def give_up(self, job: Job) -> bool:
        """Keep a job no longer; whether it was kept."""
        if job not in self.kept:
            return False
        self.kept.remove(job)
        if not self.kept:
            self._trouble_since = None
        self._finish(job, attempt_of_error(job.task, TaskCancelled("the job was called off")))
        return True

    def close(self) -> None:
        """Give up the folder; what nobody has asked for again is left to the next run."""
        self._run.end(keep=False)
        self._orphans.close()

    def _submit_some(self, jobs: list[Job], live: list[Job]) -> list[Job]:
        """Submit of jobs that ask for the same as many as go at once; gives the others."""
        size = len(jobs)
        try:
            size = max(1, min(self._system.array_max, self._most_at_once))
            self._submit(jobs[:size], live)
        except JobRejected as exc:
            self._fail(jobs[:size], exc)
        except BackendError as exc:
            self._keep(jobs[:size], exc)
        except OSError as exc:
            self._fail(jobs[:size], BackendError(f"the files of a job cannot be written: {exc}"))
        except Exception as exc:  # an answer of the scheduler that nobody has foreseen
            _log.exception("jobs could not be submitted")
            self._fail(jobs[:size], BackendError(f"the job could not be submitted: {type(exc).__name__}: {exc}"))
        return jobs[size:]

    def _submit(self, jobs: list[Job], live: list[Job]) -> None:
        places = [(job.engine, job.uuid) for job in jobs]
        submission, request = self._run.prepare([job.order for job in jobs], places, self._system)
        try:
            told = list(zip(jobs, self._system.submit(request), strict=True))
        except BaseException:
            submission.discard()
            raise
        now = time.monotonic()
        for number, (job, name) in enumerate(told, 1):
            job.id, job.submission, job.number, job.submitted_at = name, submission, number, now
        live += jobs
        self._trouble_since = None
        self._is_full = False
        self._most_at_once = min(_MOST_AT_ONCE, 2 * self._most_at_once)
        try:
            submission.submitted([name for _, name in told])
        except OSError as exc:
            message = f"the numbers of jobs cannot be written down; should this program die, they may run again: {exc}"
            _log.warning(message)

    def _keep(self, jobs: list[Job], error: BackendError) -> None:
        """Nobody answers, or there is no room for so many."""
        now = time.monotonic()
        is_full = isinstance(error, NoRoom)
        if self._trouble_since is None or is_full != self._is_full:
            self._trouble_since, self._is_full = now, is_full
            message = f"the scheduler takes no jobs; it is tried again: {error}"
            _log.log(logging.INFO if is_full else logging.WARNING, message)
        elapsed_s = now - self._trouble_since
        if elapsed_s > _PATIENCE_S and not is_full:
            self._fail(jobs, BackendError(f"the scheduler has taken no jobs for {elapsed_s / 60:.0f} minutes: {error}"))
            return
        least, most = _RESUBMIT_S
        self._again_at = now + min(most, max(least, elapsed_s / 4))
        self._most_at_once = max(1, len(jobs) // 2)
        self.kept += jobs

    def _fail(self, jobs: Sequence[Job], error: GanglineError) -> None:
        for job in jobs:
            self._finish(job, attempt_of_error(job.task, error))

    def _adopt(self, job: Job, live: list[Job]) -> bool:
        """Whether the job is one that an earlier run has submitted: it waits or runs, or it has succeeded."""
        try:
            return self._take_from_earlier(job, live)
        except Exception:  # files that are not as they were written
            _log.exception("a job that an earlier run has left cannot be taken over")
            return False

    def _take_from_earlier(self, job: Job, live: list[Job]) -> bool:
        for orphan in self._orphans.take(job.order.fingerprint):
            record = orphan.submission.how_it_ended(orphan.number)
            if record is None:
                _take_over(job, orphan)
                live.append(job)
                return True
            place = orphan.submission, orphan.number
            attempt = attempt_of_record(job.task, job.order, orphan.id, place, record, None)
            if attempt.status is Status.OK:
                _take_over(job, orphan)
                self._finish(job, attempt)
                return True
            orphan.submission.forget(orphan.number)
        return False


def _take_over(job: Job, orphan: Orphan) -> None:
    job.id, job.submission, job.number, job.adopted = orphan.id, orphan.submission, orphan.number, True
