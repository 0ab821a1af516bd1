"""The record of a run: what status, logs and explanations are read from later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gangline._runtime.handle import Handle
from gangline.errors import EngineError, TaskCancelled, TaskTimedOut
from gangline.messages import Failure
from gangline.pipeline.running.failures import Failures
from gangline.pipeline.running.jobs import JobRun, StageRun
from gangline.pipeline.running.options import RunOptions
from gangline.pipeline.running.watching import JobOutcome, ProgressWatcher, StageOutcome, Watcher
from gangline.store.record import RunRecord

__all__ = ["RecordWatcher", "watchers"]


@contextmanager
def watchers(options: RunOptions, failures: Failures, more: Sequence[Watcher] = ()) -> Iterator[list[Watcher]]:
    """Those who are told what happens in a run: the user's own function, the record, and `more`."""
    told: list[Watcher] = [] if options.progress is None else [ProgressWatcher(options.progress)]
    told += more
    if options.record is None:
        yield told
        return
    record = _start(options.record, options)
    try:
        yield [*told, RecordWatcher(record)]
    except KeyboardInterrupt:
        record.end("interrupted")
        raise
    except BaseException as exc:
        count = len(failures)
        record.end("failed", f"{count} failed" if count else f"{type(exc).__name__}: {exc}")
        raise
    record.end("ok")


def _start(folder: str, options: RunOptions) -> RunRecord:
    program = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    told = {
        "keep_going": options.keep_going,
        "checksum_level": options.checksum_level,
        "touching": options.touching.name.lower(),
        "trickle": options.trickle,
    }
    backend = options.backend if isinstance(options.backend, str) else getattr(options.backend, "name", "")
    return RunRecord.start(
        folder,
        program=os.path.basename(program),
        argv=sys.argv,
        backend=str(backend or ("threads" if options.multithread else "processes")),
        engines=options.parallelism,
        options=told,
    )


class RecordWatcher(Watcher):
    """Writes a run into the record.

    Args:
        record: The record.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    def stage_started(self, stage: StageRun) -> None:
        """See `Watcher`."""
        self._record.stage_started(stage.stage.display_name, total=stage.total, fresh=stage.fresh)

    def stage_ended(self, stage: StageRun, outcome: StageOutcome) -> None:
        """See `Watcher`."""
        self._record.stage_ended(stage.stage.display_name, outcome)

    def job_started(self, job: JobRun) -> None:
        """See `Watcher`."""
        self._add(job)

    def job_ended(self, job: JobRun, outcome: JobOutcome) -> None:
        """See `Watcher`."""
        if job.number < 0:
            self._add(job)
        if job.handle is not None and job.handle.status is not None:
            self._attempts(job, job.handle)
        self._record.task_ended(job.number, outcome)

    def _add(self, job: JobRun) -> None:
        job.number = self._record.task_added(
            job.stage.stage.display_name, job.text, inputs=job.inputs, outputs=job.outputs, reason=job.reason
        )

    def _attempts(self, job: JobRun, handle: Handle) -> None:
        for number, earlier in enumerate(handle.earlier, 1):
            self._record.attempt_ended(job.number, number=number, outcome=_outcome(earlier), **_in_words(earlier))
        info, extras = handle.engine_info, handle.extras or {}
        failure = handle.failure or _own_failure(job)
        self._record.attempt_ended(
            job.number,
            number=len(handle.earlier) + 1,
            outcome="ok" if failure is None else _outcome(failure),
            started_at=handle.started_at,
            ended_at=handle.completed_at if handle.completed_at is not None else time.time(),
            engine=handle.engine,
            host=info.host if info is not None else "",
            pid=info.pid if info is not None else None,
            stdout=extras.get("stdout", ""),
            stderr=extras.get("stderr", ""),
            **({} if failure is None else _in_words(failure)),
        )


def _own_failure(job: JobRun) -> Failure | None:
    """Why a job counts as failed whose function ended well."""
    error = job.error
    return None if error is None else Failure(error, type(error).__name__, str(error).strip(), "")


def _outcome(failure: Failure) -> str:
    match failure.error:
        case TaskCancelled():
            return "cancelled"
        case TaskTimedOut():
            return "timeout"
        case EngineError():
            return "lost"
        case _:
            return "error"


def _in_words(failure: Failure) -> dict[str, Any]:
    """What the record holds of a failure; of a command also how it ended."""
    words: dict[str, Any] = {
        "error_type": failure.ename,
        "error": failure.evalue,
        "traceback": failure.traceback,
    }
    if isinstance(failure.error, subprocess.CalledProcessError):
        code, command = failure.error.returncode, failure.error.cmd
        words["command"] = command if isinstance(command, str) else " ".join(map(str, command))
        if code < 0:
            words["signal"] = _signal_name(-code)
        else:
            words["exit_code"] = code
    return words


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
