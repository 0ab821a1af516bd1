"""One job of a batch system, through a DRMAA session: submitted, waited for, paused with its pipeline, ended.

The rules:

- The session is the user's, made by the `drmaa` package or anything that has its methods. Its exceptions are told apart
  by the names of their classes, so that the package, which needs the batch system's own library, is not imported here.
- A job is on record before anything can interrupt its submission, so that no interrupt leaves it behind.
- The wait sleeps in the batch system's library. It comes back once a second for interrupts and pauses, without a
  question to the batch system.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from gangline.pipeline.batch.ending import Ending, ending_of_info
from gangline.pipeline.batch.errors import error_drmaa_job
from gangline.pipeline.batch.inflight import in_flight

__all__ = ["DrmaaJob", "Ended", "JobRejected", "Pausable", "explain"]

_TICK_S = 1  # the library counts in whole seconds
_LOOK_EVERY_S = 30.0
_PATIENCE_S = 60.0
_SUBMISSION_S = 30.0
_PASSING = frozenset({"DrmCommunicationException", "InternalException", "TryLaterException"})
_ASKED_FOR_REASON = 5
_REASON_S = 0.05
_WITHOUT_REASON = re.compile(r"code \d+:\s*(time-out condition)?\s*")
"""The bindings keep one text for the errors of all threads, so that another thread's wait may have wiped it."""
_UNKNOWN_JOB = "InvalidJobException"
_NO_USAGE = "code 24"

_control_lock = threading.Lock()  # the specification leaves it to the caller that such calls do not overlap


class JobRejected(error_drmaa_job):
    """The batch system did not take the job."""


class Pausable(Protocol):
    """A pipeline whose jobs may be asked to pause."""

    def is_job_suspended(self) -> bool:
        """Whether they are to pause now."""


class Ended(NamedTuple):
    """How a job ended, and what it used."""

    ending: Ending
    usage: Mapping[str, str] | None


class DrmaaJob:
    """A job to be.

    Args:
        session: An initialised DRMAA session.
        template: What to run.
        pipeline: Whose pauses the job keeps.
        logger: Is told of the job's steps.
    """

    def __init__(self, session: Any, template: Any, pipeline: Pausable, logger: Any) -> None:
        self.job_id: str | None = None
        self._session = session
        self._template = template
        self._pipeline = pipeline
        self._logger = logger
        self._submitted = threading.Event()
        self._given_up = threading.Event()
        self._paused_by: str | None = None

    def run(self) -> Ended:
        """Submit the job and wait for its end. Whatever interrupts this also deletes the job.

        Raises:
            JobRejected: The batch system did not take it.
            error_drmaa_job: It could not be asked about the job for a minute.
        """
        with in_flight(self):
            try:
                self._submit_apart()
                return self._wait()
            except JobRejected:
                raise
            except BaseException:
                self._submitted.wait(_SUBMISSION_S)
                self.end(force=True)
                raise

    # Submission -----------------------------------------------------------------------------------------------------

    def _submit_apart(self) -> None:
        """Submit on another thread: an interrupt of this one must not get between the job and its number."""
        with ThreadPoolExecutor(1, "gangline-submit") as executor:
            future = executor.submit(self._submit)
            future.result()

    def _submit(self) -> None:
        try:
            self.job_id = self._run_job()
        except JobRejected:
            raise
        except Exception as exc:  # the classes of the bindings; every one of them means that there is no job
            raise JobRejected(f"The drmaa command was rejected by the batch system: {explain(exc)}") from exc
        finally:
            self._submitted.set()
        self._debug(f"job has been submitted with jobid {self.job_id}")
        if self._given_up.is_set():  # since it was submitted
            self._order("terminate")

    def _run_job(self) -> str:
        """Submit; a refusal without a reason is asked for once more, since no job came of it."""
        for _ in range(_ASKED_FOR_REASON):
            try:
                return self._run_job_once()
            except Exception as exc:  # classes of the bindings
                if not _WITHOUT_REASON.fullmatch(str(exc)):
                    raise
            time.sleep(_REASON_S)
        return self._run_job_once()

    def _run_job_once(self) -> str:
        with _control_lock:
            if self._given_up.is_set():
                raise JobRejected("The drmaa command was not submitted: everything is being ended")
            return str(self._session.runJob(self._template))

    # Waiting --------------------------------------------------------------------------------------------------------

    def _wait(self) -> Ended:
        answered_at = looked_at = time.monotonic()
        while True:
            now = time.monotonic()
            try:
                info = self._session.wait(self.job_id, _TICK_S)
                return Ended(ending_of_info(info), info.resourceUsage)
            except Exception as exc:  # classes of the bindings
                kind = type(exc).__name__
                if kind == _UNKNOWN_JOB or str(exc).startswith(_NO_USAGE):
                    return Ended(self._ending_by_state(), None)
                if kind == "ExitTimeoutException":
                    answered_at = now
                elif kind not in _PASSING or now - answered_at > _PATIENCE_S:
                    raise error_drmaa_job(
                        f"The batch system does not answer for job {self.job_id}: {explain(exc)}", job_id=self.job_id
                    ) from exc
                else:
                    time.sleep(_TICK_S)
            self._follow_pauses()
            if now - looked_at > _LOOK_EVERY_S:
                looked_at = now
                if self._state() is None:
                    return Ended(self._ending_by_state(), None)

    def _ending_by_state(self) -> Ending:
        """The ending of a job of which the batch system does not say more than its state, if that."""
        if self._given_up.is_set():
            return Ending(aborted=True)
        return Ending(exit_code=0) if self._state() == "done" else Ending(known=False)

    def _state(self) -> str | None:
        """The job's state; None for a job that the batch system does not know."""
        try:
            return str(self._session.jobStatus(self.job_id))
        except Exception as exc:  # classes of the bindings
            return None if type(exc).__name__ == _UNKNOWN_JOB else "undetermined"

    # Orders ---------------------------------------------------------------------------------------------------------

    def end(self, *, force: bool) -> None:
        """Delete the job; a batch system knows one way only. See `inflight.Running`."""
        ordered = self._given_up.is_set()
        self._given_up.set()
        if self.job_id is None or (ordered and not force):
            return
        self._debug(f"job with jobid {self.job_id} will be terminated")
        self._order("terminate")

    def _follow_pauses(self) -> None:
        """Pause the job when its pipeline pauses, and let it go on when the pipeline goes on."""
        if self._pipeline.is_job_suspended():
            if self._paused_by is None and (order := _PAUSES.get(self._state() or "")) is not None:
                self._debug(f"job with jobid {self.job_id} will be suspended")
                self._order(order)
                self._paused_by = order
        elif self._paused_by is not None:
            self._debug(f"job with jobid {self.job_id} will be resumed")
            self._order(_RESUMES[self._paused_by])
            self._paused_by = None

    def _order(self, order: str) -> None:
        # The job may have ended in the meantime, or the session with it.
        with contextlib.suppress(Exception), _control_lock:
            self._session.control(self.job_id, order)

    def _debug(self, message: str) -> None:
        if self._logger:
            self._logger.debug(message)


_PAUSES: Mapping[str, str] = {"running": "suspend", "queued_active": "hold"}
_RESUMES: Mapping[str, str] = {"suspend": "resume", "hold": "release"}


def explain(exc: Exception) -> str:
    """What an exception of the bindings says, in words that help."""
    if type(exc).__name__ == "NoActiveSessionException":
        return (
            "its session is not open in this process. Call drmaa_session.initialize() first, and run the pipeline with "
            "multithread=, not multiprocess=: a session cannot travel to other processes"
        )
    return str(exc) or type(exc).__name__
