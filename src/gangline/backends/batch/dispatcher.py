"""Between tasks and a site's scheduler: submits, watches, removes. All of it on one thread.

- That a job has begun or ended is read from the records that it leaves, which costs the scheduler nothing. It is asked
  seldom, and then about all jobs at once: whether any are over without a record, and what ended those that were ended.
- Whatever goes wrong, no task waits for ever.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gangline.backends.batch.endings import attempt_of_error, attempt_of_loss, attempt_of_record, needs_a_cause
from gangline.backends.batch.following import Follower
from gangline.backends.batch.jobs import Job
from gangline.backends.batch.pace import Pace
from gangline.backends.batch.runs import Record
from gangline.backends.batch.submitting import Submitter
from gangline.backends.batch.system import BatchSystem, Cause, Phase, Sight
from gangline.errors import BackendError, ResultUnreadable, TaskCancelled
from gangline.messages import Attempt

__all__ = ["Dispatcher"]

_log = logging.getLogger("gangline.batch")

_GATHER_S = 0.03
"""How long jobs are waited for that may go along with others."""
_REMOVE_AGAIN_S = 2.0
_CAUSE_S = 20.0
"""How long the scheduler is asked for what ended a job that was ended."""
_WAITED_S = 30.0
_USUAL_REASONS = frozenset({"", "None", "Priority", "Resources"})
_LATE_S = {Cause.EXIT: 60.0, Cause.UNSAID: 30.0}
_ENDED_S = 4.0
"""How late a record may be that was written: where the job ended by itself there should be one, and file systems that
are shared show new files late."""


class Dispatcher:
    """Runs jobs, and says of each when it has begun and how it has ended.

    Args:
        system: The site's scheduler.
        folder: For the files of jobs; all hosts see it.
        on_end: Called on the dispatcher's thread.
    """

    def __init__(self, system: BatchSystem, folder: Path, on_end: Callable[[Job, Attempt], None]) -> None:
        self._system = system
        self._on_end = on_end
        self._submitter = Submitter(system, folder, self._finish)
        self._changed = threading.Condition()
        self._new: list[Job] = []
        self._called_off: list[Job] = []
        self._closing: float | None = None
        # Of the thread:
        self._live: dict[Job, None] = {}
        self._unremoved: list[Job] = []
        self._remove_again_at = 0.0
        self._reasons_told: set[str] = set()
        self._pace = Pace()
        self._thread = threading.Thread(target=self._serve, name="gangline-batch", daemon=True)
        self._thread.start()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Have jobs run."""
        with self._changed:
            self._new.extend(jobs)
            self._changed.notify()

    def call_off(self, job: Job) -> None:
        """Remove a job; it is told how it ended as all others are."""
        with self._changed:
            if not job.called_off:
                job.called_off = True
                self._called_off.append(job)
                self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """Remove all jobs, wait that long for them to be gone, and end. Nothing is told any more."""
        with self._changed:
            self._closing = time.monotonic() + timeout_s
            self._changed.notify()
        self._thread.join()

    # The thread ------------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(self._has_orders, self._pace.pause_s)
                    if self._closing is not None:
                        break
                    new, self._new = self._new, []
                    called_off, self._called_off = self._called_off, []
                if new or called_off:
                    more, more_called_off = self._gather()
                    new += more
                    called_off += more_called_off
                self._take_turn(new, called_off)
        finally:
            self._end()

    def _has_orders(self) -> bool:
        return bool(self._new or self._called_off or self._closing is not None or self._submitter.is_due)

    def _gather(self) -> tuple[list[Job], list[Job]]:
        """What comes along with others: to be submitted, and to be removed."""
        time.sleep(_GATHER_S)
        with self._changed:
            new, self._new = self._new, []
            called_off, self._called_off = self._called_off, []
        return new, called_off

    def _take_turn(self, new: list[Job], called_off: list[Job]) -> None:
        if new or self._submitter.is_due:
            self._begin(new)
        try:
            self._turn(called_off)
        except Exception:  # an unforeseen answer, a folder that is gone: the next turn may do better
            _log.exception("the jobs of the scheduler could not be looked after")

    def _turn(self, called_off: list[Job]) -> None:
        self._unremoved += called_off
        if called_off or (self._unremoved and time.monotonic() >= self._remove_again_at):
            self._remove()
        if self._collect():
            self._pace.on_progress()
        if self._live and self._pace.is_time_to_ask(hurried=any(self._awaits_word(job) for job in self._live)):
            self._ask()

    def _begin(self, jobs: list[Job]) -> None:
        if live := self._submitter.begin(jobs):
            self._live |= dict.fromkeys(live)
            self._pace.on_submission()

    @staticmethod
    def _awaits_word(job: Job) -> bool:
        return job.ended is not None or job.over_since is not None or job.called_off

    def _finish(self, job: Job, attempt: Attempt) -> None:
        if job in self._live:
            del self._live[job]
            self._submitter.on_room()
        try:
            if job.follower is None and job.order.listener is not None and job.has_begun():
                self._on_begun(job)  # it has ended before anybody looked
            if job.follower is not None:
                job.follower.follow(final=True)
            if job.submission is not None:
                job.submission.forget(job.number)
        except Exception:  # files that cannot be read or removed; the task has ended nevertheless
            _log.exception("job %s could not be tidied up", job.id)
        self._on_end(job, attempt)

    # What becomes of jobs --------------------------------------------------------------------------------------------

    def _collect(self) -> bool:
        """Take in the records that are new; whether there were any."""
        moved = False
        by_place = {(job.submission, job.number): job for job in self._live}
        for submission in dict.fromkeys(job.submission for job in self._live):
            assert submission is not None  # it is live
            for number in submission.newly_begun():
                if job := by_place.get((submission, number)):
                    self._on_begun(job)
                    moved = True
            for number in submission.ended():
                job = by_place.get((submission, number))
                if job is not None and job.ended is None and (record := submission.how_it_ended(number)):
                    self._on_record(job, record)
                    moved = True
        for job in self._live:
            if job.follower is not None:
                moved = job.follower.follow() or moved
        return moved

    @staticmethod
    def _on_begun(job: Job) -> None:
        assert job.submission is not None
        job.begun = job.submission.how_it_began(job.number)
        if job.order.listener is not None:
            job.follower = Follower(job.order, job.submission, job.number)

    def _on_record(self, job: Job, record: Record) -> None:
        job.ended = record
        if needs_a_cause(record):
            job.over_since = time.monotonic()
        else:
            self._settle(job)

    def _settle(self, job: Job) -> None:
        """The end of a job that has left a record."""
        record = job.ended
        assert record is not None and job.submission is not None  # noqa: PT018
        try:
            if job.called_off and (record["signal"] or record["exit_code"]):
                attempt = attempt_of_error(job.task, _called_off(job), record["began_at"], job.id)
            else:
                place = job.submission, job.number
                attempt = attempt_of_record(job.task, job.order, job.id, place, record, job.sight)
        except Exception as exc:  # what it has left is not as it was written
            error = ResultUnreadable(f"what job {job.id} has left cannot be read: {type(exc).__name__}: {exc}")
            attempt = attempt_of_error(job.task, error, job=job.id)
        self._finish(job, attempt)

    def _ask(self) -> None:
        """See what the scheduler says of all jobs."""
        try:
            sights = self._system.look([job.id for job in self._live])
        except BackendError as exc:
            _log.debug("the scheduler does not answer: %s", exc)
            self._pace.on_silence()
            for job in [job for job in self._live if self._has_waited_long(job)]:
                self._settle(job)
            return
        self._pace.on_answer()
        self._collect()  # what ended while it answered
        now = time.monotonic()
        for job in list(self._live):
            sight = sights.get(job.id) or Sight(Phase.UNKNOWN)
            if sight.phase is not Phase.UNKNOWN or job.sight.phase is not Phase.ENDED:
                job.sight = sight  # what was known of its end is not forgotten
            self._judge(job, now)
        self._tell_reasons(now)

    def _tell_reasons(self, now: float) -> None:
        """Warn of what keeps jobs waiting, if it may do so for ever."""
        waiting = [job for job in self._live if job.sight.phase is Phase.WAITING and job.sight.reason]
        for job in waiting:
            reason = job.sight.reason
            if now - job.submitted_at > _WAITED_S and reason not in _USUAL_REASONS | self._reasons_told:
                self._reasons_told.add(reason)
                message = f"job {job.id} ({job.order.name}) waits, and the scheduler says why: {reason}"
                _log.warning(message)

    def _judge(self, job: Job, now: float) -> None:
        """Decide on a job of which the scheduler has just spoken."""
        sight = job.sight
        if sight.phase in (Phase.WAITING, Phase.RUNNING):
            if job.ended is None:
                job.over_since = None
            elif self._has_waited_long(job):
                self._settle(job)
            return
        if job.over_since is None:
            job.over_since = now
        over_s = now - job.over_since
        if job.ended is not None:
            if sight.phase is Phase.ENDED or over_s > _ENDED_S:
                self._settle(job)
        elif over_s >= self._patience_s(job):
            self._lose(job)

    @staticmethod
    def _has_waited_long(job: Job) -> bool:
        """Whether a job that has left a record waits for the cause of its end, which the scheduler does not tell."""
        return job.ended is not None and job.over_since is not None and time.monotonic() - job.over_since > _CAUSE_S

    @staticmethod
    def _patience_s(job: Job) -> float:
        if job.called_off:
            return 0.0
        if job.submission is not None and job.submission.log(job.number) and job.sight.exit_code != 0:
            return _ENDED_S  # most probably it could not be run at all
        return _LATE_S.get(job.sight.cause, _ENDED_S)

    def _lose(self, job: Job) -> None:
        """The end of a job that has left no record."""
        assert job.submission is not None
        if job.called_off:
            attempt = attempt_of_error(job.task, _called_off(job), job=job.id)
        elif job.adopted:  # so much time has passed that nobody can tell
            del self._live[job]
            job.submission.forget(job.number)
            job.adopted, job.over_since, job.begun, job.sight = False, None, None, Sight(Phase.WAITING)
            self._begin([job])
            return
        else:
            log = job.submission.log(job.number)
            attempt = attempt_of_loss(job.task, job.order, job.id, job.begun, job.sight, log)
        self._finish(job, attempt)

    # Removal ---------------------------------------------------------------------------------------------------------

    def _remove(self) -> None:
        self._remove_again_at = time.monotonic() + _REMOVE_AGAIN_S
        jobs = [job for job in self._unremoved if not self._submitter.give_up(job) and job in self._live]
        self._unremoved = jobs
        try:
            if jobs:
                self._cancel(jobs)
        except BackendError:
            self._pace.on_silence()
            return
        self._unremoved = []
        self._pace.on_progress()

    def _cancel(self, jobs: Iterable[Job]) -> None:
        """Remove those that wait, and then the others: else some would begin where those have ended."""
        waiting: list[str] = []
        running: list[str] = []
        for job in jobs:
            (running if job.begun is not None or job.has_begun() else waiting).append(job.id)
        for ids in (waiting, running):
            if ids:
                self._system.cancel(ids)

    def _end(self) -> None:
        deadline = self._closing if self._closing is not None else time.monotonic()
        try:
            left = self._remove_all(deadline)
        finally:
            self._submitter.close()
            self._system.close()
        if left:
            message = f"{len(left)} jobs were removed, but the scheduler still ends them: {', '.join(left[:5])}"
            _log.info(message)

    def _remove_all(self, deadline: float) -> list[str]:
        """Remove what is left, and wait for it to be gone; gives what is not gone."""
        left = [job.id for job in self._live]
        removed = False
        while left:
            try:
                if not removed:
                    self._cancel(self._live)
                    removed = True
                sights = self._system.look(left)
                left = [job for job in left if _is_there(sights.get(job))]
            except BackendError as exc:
                if time.monotonic() >= deadline and not removed:
                    message = (
                        f"jobs could not be removed, since the scheduler does not answer: {', '.join(left)}: {exc}"
                    )
                    _log.warning(message)
            if time.monotonic() >= deadline:
                break
            if left:
                time.sleep(0.1)
        return left


def _is_there(sight: Sight | None) -> bool:
    return sight is not None and sight.phase in (Phase.WAITING, Phase.RUNNING)


def _called_off(job: Job) -> TaskCancelled:
    return TaskCancelled(f"job {job.id} was removed, as was asked for")
