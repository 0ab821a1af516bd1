"""What the jobs of a task have done in earlier runs, and what they do in this one.

Rules:
    A job is done if it did the same with the same files in the same task, unless the task is made of something else by
    now, or a job that was scheduled before it has run again.
    Files are compared with how they were when the job ended. As long as no job of the task has run, whatever any of its
    jobs has made of them is no change.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gangline.recipes.fingerprints import Stamp, Unsteady, canonical, differing_files, digest, stamp

if TYPE_CHECKING:
    from gangline.recipes.jobs import ComputeJob
    from gangline.recipes.pipelinerun import PipelineRun
    from gangline.recipes.recording import StageRecord
    from gangline.recipes.state import Entry

__all__ = ["JobMemory"]

_NAME_MAX = 4096

logger = logging.getLogger("gangline.recipes")


class JobMemory:
    """The jobs of one task in one run. It is what `_schedule_jobs` asks and tells, from any thread.

    Args:
        run: The run.
        task: What earlier runs know the task by.
        last_task: What the last run knew it by, if that is something else: it worked on other data then.
        void: Why nothing that was done counts; empty if it does.
        stage: The task's stage in the record.

    Attributes:
        paths: The files that jobs name.
        awaited: What jobs that failed name that is not there: when it is, they are worth another try.
        remembered: How many jobs had been done before.
        failed: How many have failed.
    """

    def __init__(self, run: PipelineRun, task: str, last_task: str, void: str, stage: StageRecord) -> None:
        self._run = run
        self._task = task
        self._last_task = last_task
        self._void = void
        self._stage = stage
        self._lock = threading.Lock()
        self._known: dict[str, Entry] = {}
        self._stamps: dict[str, list[Stamp]] = {}
        self._times: Counter[str] = Counter()
        self._keys: dict[int, str] = {}
        self._numbers: dict[int, int] = {}
        self._ran = False
        self.paths: set[str] = set()
        self.awaited: set[str] = set()
        self.remembered = 0
        self.failed = 0

    def begin(self) -> None:
        """The task is about to run."""
        if self._void or not self._run.resuming:
            self._run.forget_jobs(self._last_task)
            self._run.forget_jobs(self._task)
            return
        self._known = self._run.jobs_of(self._last_task)
        for entry in self._known.values():
            for path, kept in entry["files"].items():
                stamps = self._stamps.setdefault(path, [])
                if kept not in stamps:
                    stamps.append(kept)

    def recall(self, job: ComputeJob) -> dict[str, Any] | None:
        """The outputs of a job that was done before; None if it has to run."""
        with self._lock:
            key = self._key(job)
            self.paths |= _files_of(job)
            self._keys[id(job)] = key
            reason = self._why(key)
            if reason is not None:
                logger.debug("%s runs%s", job.label, f": {reason}" if reason else "")
                self._numbers[id(job)] = self._stage.job_added(job, reason)
                if self._known.pop(key, None) is not None:  # whatever becomes of it now
                    self._run.forget_job(self._task, key)
                    self._run.forget_job(self._last_task, key)
                return None
            entry = self._known[key]
            if self._last_task != self._task:
                self._run.note_job(self._task, key, entry)
            outputs: dict[str, Any] = entry["outputs"]
            return outputs

    def remember(self, job: ComputeJob) -> None:
        """A job has been done."""
        with self._lock:
            key = self._keys.pop(id(job), None)
        assert job.outcome is not None
        try:
            outputs = canonical(job.outcome.outputs)
        except Unsteady:
            return
        if key is not None:
            files = {path: stamp(path) for path in sorted(_files_of(job))}
            self._run.note_job(self._task, key, {"outputs": outputs, "files": files})

    def job_ended(self, job: ComputeJob, *, started_at: float | None, ended_at: float, output: str) -> None:
        """A job is decided."""
        outcome = job.outcome
        assert outcome is not None
        with self._lock:
            if outcome.remembered:
                self.remembered += 1
            elif outcome.kind != "skipped":
                self._ran = True
                if not outcome.ok:
                    self.failed += 1
                    self.awaited |= {os.path.abspath(each) for each in _names_in(job) if not os.path.lexists(each)}
            number = self._numbers.pop(id(job), None)
        self._stage.job_ended(job, number, started_at=started_at, ended_at=ended_at, output=output)

    def _why(self, key: str) -> str | None:
        """Why a job has to run; empty if there is nothing to say of it; None if it is done."""
        if self._void:
            return self._void
        if key not in self._known:
            return "it was not done in the run before" if self._known else ""
        if self._ran:
            return "jobs before it have run again"
        files: Mapping[str, Stamp | None] = self._known[key]["files"]
        return next((words for _, words in differing_files(files, self._stamps)), None)

    def _key(self, job: ComputeJob) -> str:
        """What a job is, with a number for each time that it comes again."""
        what = digest([
            list(job.hosts), list(job.words), list(job.arguments), sorted(job.env.items()), job.cwd,
            hashlib.sha256(job.input).hexdigest(), job.node_script,
        ])  # fmt: skip
        self._times[what] += 1
        return f"{what}-{self._times[what]}"


def _names_in(job: ComputeJob) -> Iterator[str]:
    """What may be names of files among a job's arguments."""
    for text in job.arguments:
        if 0 < len(text) <= _NAME_MAX and "\n" not in text:
            yield os.path.join(job.cwd or "", text)


def _files_of(job: ComputeJob) -> set[str]:
    """The files of this host that a job's command names."""
    names = [os.path.join(job.cwd or "", text) for text in (*job.words, *job.arguments)]
    return {name for name in names if stamp(name, folders=False) is not None}
