"""The record of a run: what status, logs and explanations are read from later."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gangline.errors import EngineError, TaskCancelled, TaskTimedOut
from gangline.pipeline.running.failures import Failures, own_failure
from gangline.pipeline.running.jobs import JobRun, StageRun
from gangline.pipeline.running.options import RunOptions
from gangline.pipeline.running.plan import Plan
from gangline.pipeline.running.watching import JobOutcome, ProgressWatcher, RunOutcome, StageOutcome, Watcher
from gangline.pipeline.steering import Steering

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle
    from gangline.messages import Failure
    from gangline.store.record import RunRecord

__all__ = ["RecordWatcher", "command_text", "signal_name", "tell_fresh", "watchers"]


@contextmanager
def watchers(options: RunOptions, failures: Failures, steering: Steering | None = None) -> Iterator[list[Watcher]]:
    """Those who are told what happens in a run: the user's own function, the record, and those of the command line."""
    told: list[Watcher] = [] if options.progress is None else [ProgressWatcher(options.progress)]
    if steering is not None:
        told += steering.watchers()
    record = None if options.record is None else _start(options.record, options, steering)
    if record is not None:
        told.append(RecordWatcher(record))
    for watcher in told:
        watcher.run_started("" if record is None else record.run_id)
    outcome: RunOutcome = "failed"
    message = ""
    try:
        yield told
        outcome = "ok"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    except BaseException as exc:
        count = len(failures)
        message = f"{count} failed" if count else f"{type(exc).__name__}: {exc}"
        raise
    finally:
        if record is not None:
            record.end(outcome, message)
            if record.trouble is not None:
                for watcher in told:
                    watcher.warned(f"this run is not recorded: {record.trouble}")
        for watcher in told:
            watcher.run_ended(outcome, message)


def _start(folder: str, options: RunOptions, steering: Steering | None) -> RunRecord:
    from gangline.store.record import RunRecord  # by default a run keeps no record

    told = {
        "keep_going": options.keep_going,
        "checksum_level": options.checksum_level,
        "touching": options.touching.name.lower(),
        "trickle": options.trickle,
    }
    backend = options.backend if isinstance(options.backend, str) else getattr(options.backend, "name", "")
    return RunRecord.start(
        folder,
        program=_program(),
        argv=sys.argv,
        backend=str(backend or ("threads" if options.multithread else "processes")),
        engines=options.parallelism,
        options=told | ({} if steering is None else dict(steering.notes())),
    )


def _program() -> str:
    """The program's file, as it is called in the folder where it runs if it is in there."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if file is None:
        return ""
    path = os.path.abspath(str(file))
    short = os.path.relpath(path)
    return path if short.startswith(os.pardir) else short


def tell_fresh(plan: Plan, options: RunOptions, told: Sequence[Watcher]) -> None:
    """Tell of the stages that do not take part, since they have nothing to do."""
    if not options.gnu_make_maximal_rebuild_mode:
        return  # then stages are left out for other reasons
    taking_part = set(plan.needed)
    for stage in plan.selection.graph.order:
        if stage in taking_part:
            continue
        run = StageRun(stage, stage.function, forced=False)
        if plan.expansion.is_active(stage):
            run.total = run.fresh = len(plan.expansion.jobs(stage))
        for watcher in told:
            watcher.stage_fresh(run)


class RecordWatcher(Watcher):
    """Writes a run into the record.

    Args:
        record: The record.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._fresh: dict[StageRun, int] = {}
        self._running: set[int] = set()
        self._unmade: dict[str, str] = {}

    def stage_fresh(self, stage: StageRun) -> None:
        """See `Watcher`."""
        name = stage.stage.display_name
        self._record.stage_started(name, total=stage.total, fresh=stage.fresh)
        self._record.stage_ended(name, "ok" if stage.total else "inactive")

    def stage_started(self, stage: StageRun) -> None:
        """See `Watcher`."""
        self._fresh[stage] = stage.fresh
        self._record.stage_started(stage.stage.display_name, total=stage.total, fresh=stage.fresh)

    def stage_ended(self, stage: StageRun, outcome: StageOutcome) -> None:
        """See `Watcher`."""
        if stage not in self._fresh:  # it was never gone into
            self.stage_started(stage)
        self._count_fresh(stage)
        self._record.stage_ended(stage.stage.display_name, outcome)

    def job_started(self, job: JobRun) -> None:
        """See `Watcher`."""
        limit = job.stage.stage.limit
        self._add(job, "" if limit is None else f"the limit {limit[0]!r}: {limit[1]} at once")

    def jobs_running(self, jobs: Collection[JobRun]) -> None:
        """See `Watcher`."""
        now_s = time.time()
        for job in jobs:
            if job.number not in self._running:
                self._running.add(job.number)
                self._record.task_started(job.number, started_at=now_s)

    def job_ended(self, job: JobRun, outcome: JobOutcome) -> None:
        """See `Watcher`."""
        if job.number < 0:
            self._add(job, self._reason_to_hold(job) if outcome == "held" else "")
        if outcome in ("failed", "held"):
            stage = job.stage.stage.display_name
            self._unmade.update((name, f"{name}, which stage {stage} did not make") for name in job.outputs)
        self._running.discard(job.number)
        if job.handle is not None and job.handle.status is not None:
            self._attempts(job, job.handle)
        self._record.task_ended(job.number, outcome)

    def _add(self, job: JobRun, waits_for: str = "") -> None:
        self._count_fresh(job.stage)
        job.number = self._record.task_added(
            job.stage.stage.display_name,
            job.text,
            inputs=job.inputs,
            outputs=job.outputs,
            reason=job.reason,
            waits_for=waits_for,
        )

    def _count_fresh(self, stage: StageRun) -> None:
        if self._fresh.get(stage) != stage.fresh:
            self._fresh[stage] = stage.fresh
            self._record.stage_counted(stage.stage.display_name, fresh=stage.fresh)

    def _reason_to_hold(self, job: JobRun) -> str:
        """What a job that is held back waits for in vain."""
        missing = next((self._unmade[name] for name in job.inputs if name in self._unmade), None)
        if missing is None:
            parents = ", ".join(parent.display_name for parent in job.stage.stage.parents)
            missing = f"stage {parents}, which is not whole" if parents else ""
        return missing

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
    return None if job.error is None else own_failure(job.error)


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
    import subprocess

    words: dict[str, Any] = {
        "error_type": failure.ename,
        "error": failure.evalue,
        "traceback": failure.traceback,
    }
    if isinstance(failure.error, subprocess.CalledProcessError):
        code = failure.error.returncode
        words["command"] = command_text(failure.error.cmd)
        if code < 0:
            words["signal"] = signal_name(-code)
        else:
            words["exit_code"] = code
    return words


def command_text(command: Any) -> str:
    """A command as it would be typed; whoever raises `CalledProcessError` may have put anything into it."""
    if isinstance(command, (list, tuple)):
        return shlex.join(map(_word, command))
    return _word(command)


def _word(part: Any) -> str:
    return os.fsdecode(part) if isinstance(part, bytes) else str(part)


def signal_name(number: int) -> str:
    """What a signal is called; its number if it has no name."""
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
