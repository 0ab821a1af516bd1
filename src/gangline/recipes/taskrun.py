"""One task of a pipeline in one run: whether it has to run, what its jobs have done before, and what is noted of it.

Rules:
    A task is done if it ended well with the same recipe, code, parameters and files, and nothing that it is given comes
    from a task that has run again.
    Files are compared with how they were when the task ended: many tasks change their inputs in place. What a later
    task of the pipeline has made of them is no change either.
    A job is done if it did the same with the same files in the same task, unless a job before it has run again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gangline.recipes.file_fields import DirectoryField, FileField, FileList
from gangline.recipes.fingerprints import Stamp, Unsteady, canonical, code_of, differing_files, digest, stamp, texts_in
from gangline.recipes.ingredients import Ingredients, InputError, Value
from gangline.recipes.words import counted

if TYPE_CHECKING:
    from gangline.recipes.jobs import ComputeJob
    from gangline.recipes.pipelinerun import PipelineRun
    from gangline.recipes.recording import StageRecord
    from gangline.recipes.state import Entry
    from gangline.recipes.step import Step

__all__ = ["TaskRun"]

_OUTCOMES = {
    "begun": "it did not come to its end in the run before",
    "failed": "it failed in the run before",
    "unsteady": "its outputs could not be kept",
}

logger = logging.getLogger("gangline.recipes")


class TaskRun:
    """A task in a run. It is also what `_schedule_jobs` asks about jobs and tells of them, from any thread.

    Args:
        run: The run.
        label: The task's name, with a number where it comes again.
        key: What earlier runs know it by.
        recipe: Its recipe.
        inputs: What the recipe is given.
        names: Which of the inputs count.
        stage: Its stage in the record.

    Attributes:
        label: See above.
        stage: See above.
        reason: Why it has to run; empty if it is done, or was never run.
    """

    def __init__(
        self,
        run: PipelineRun,
        label: str,
        key: str,
        recipe: type[Step],
        inputs: Ingredients,
        names: Iterable[str],
        stage: StageRecord,
    ) -> None:
        self._run = run
        self.label = label
        self._key_of_task = key
        self.reason = ""
        self.stage = stage
        self._lock = threading.Lock()
        self._code = code_of(recipe)
        self._recipe = f"{recipe.__module__}.{recipe.__qualname__}"
        self._parameters, self._unsteady = _canonical_all(inputs, names)
        self._paths = set(_paths(inputs, names))
        self._seen: Counter[str] = Counter()
        self._keys: dict[int, tuple[str, str]] = {}
        self._numbers: dict[int, int] = {}
        self._visited: set[str] = set()
        self._ran_anew = False
        self._remembered = self._failed = 0
        steady = {name: value for name, value in self._parameters.items() if name != "args"}
        self._base = digest([self._recipe, sorted(self._code.items()), steady])
        self._jobs: dict[str, Entry] = run.jobs_of(key)
        self._adopted = "" if self._jobs else run.last_key(label)
        if self._adopted:  # with other data, many of its jobs may be the same
            self._jobs = run.jobs_of(self._adopted)

    # The task -----------------------------------------------------------------------------------------------------

    def recalled(self, outputs: Ingredients) -> bool:
        """Whether the task is done; then its outputs are put in place, else `reason` says why it is not."""
        entry = self._run.entry(self._key_of_task)
        self._run.visited.add(self._key_of_task)
        if not self._run.resuming:
            return False
        if entry is None:
            last = self._run.entry(self._run.last_key(self.label))
            self.reason = "" if last is None else next(self._differences(last), "")
            return False
        self.reason = next(self._differences(entry), "")
        if self.reason:
            return False
        kept = entry.get("outputs", {})
        try:
            outputs.take({name: Value(value, "the run before") for name, value in kept.items()})
        except InputError as error:
            self.reason = error.problems[0].text
            return False
        return True

    def begun(self) -> None:
        """The task is about to run: from now on, what it has done before counts no longer."""
        self.stage.started()
        self._run.note(self._key_of_task, {"outcome": "begun", "label": self.label})

    def ended(self, outputs: Ingredients | None) -> None:
        """The task has run.

        Args:
            outputs: What it gave; None: it has failed.
        """
        if self._remembered:
            logger.info("task %s: %s had been done before", self.label, counted(self._remembered, "job"))
        self.stage.ended("failed" if outputs is None else "ok")
        if outputs is None:
            self._run.note(self._key_of_task, {"outcome": "failed", "label": self.label})
            return
        kept, unsteady = _canonical_all(outputs, list(outputs))
        if unsteady:
            logger.warning("task %s: its output %s cannot be kept; it will run again next time", self.label, unsteady)
        self._paths |= set(_paths(outputs, list(outputs)))
        entry: Entry = {
            "outcome": "unsteady" if unsteady else "ok", "label": self.label, "recipe": self._recipe,
            "code": self._code, "parameters": self._parameters, "outputs": kept,
            "files": {path: stamp(path) for path in sorted(self._paths)}, "ended_at": time.time(),
        }  # fmt: skip
        self._run.note(self._key_of_task, entry)
        self._run.has_run(self.label, texts_in(kept))

    def take_in(self, part: TaskRun) -> None:
        """A task is part of this one: what that is made of, this one is made of, too."""
        with self._lock:
            self._paths |= part._paths | part._code.keys()

    def failed_by_itself(self) -> bool:
        """Whether nothing that the record has of it says that it has failed."""
        return not self._failed

    def _differences(self, entry: Entry) -> Iterator[str]:
        if entry.get("outcome") != "ok":
            yield _OUTCOMES.get(entry.get("outcome", ""), "nothing is known of the run before")
        if self._unsteady:
            yield f"{self._unsteady} cannot be compared with the run before"
        if entry.get("recipe") != self._recipe:
            yield f"its recipe was {entry.get('recipe')}, and is {self._recipe}"
        yield from _changes(entry.get("code", {}), self._code, "its code {}")
        yield from _changes(entry.get("parameters", {}), self._parameters, "its input {!r}", values=True)
        yield from self._run.taints(texts_in(self._parameters))
        files: Mapping[str, Stamp | None] = entry.get("files", {})
        yield from differing_files(files, self._run.made_later(files))

    # Its jobs -----------------------------------------------------------------------------------------------------

    def recall(self, job: ComputeJob) -> dict[str, object] | None:
        """The outputs of a job that was done before; None if it has to run."""
        with self._lock:
            key, files = self._key(job), _files_of(job)
            self._paths |= files
            self._visited.add(key)
            self._keys[id(job)] = (key, self._base)
            reason = self._why(self._jobs.get(key))
            if reason is not None:
                logger.debug("%s runs: %s", job.label, reason or "it was not done before")
                self._numbers[id(job)] = self.stage.job_added(job, reason)
                if key in self._jobs:  # whatever becomes of it now, what it has done before is gone
                    gone: Entry = {"base": None, "outputs": {}, "files": {}}
                    self._keep(key, gone)
                    if self._adopted:
                        self._run.note_job(self._adopted, key, gone)
                return None
            if self._adopted:
                self._run.note_job(self._key_of_task, key, self._jobs[key])
            outputs: dict[str, object] = self._jobs[key]["outputs"]
            return outputs

    def remember(self, job: ComputeJob) -> None:
        """A job has been done."""
        with self._lock:
            key, base = self._keys.pop(id(job), ("", ""))
        if not key or self._unsteady:
            return
        assert job.outcome is not None
        try:
            outputs = canonical(job.outcome.outputs)
        except Unsteady:
            return
        entry = {"base": base, "outputs": outputs, "files": {path: stamp(path) for path in sorted(_files_of(job))}}
        with self._lock:
            self._keep(key, entry)

    def job_ended(self, job: ComputeJob, *, started_at: float | None, ended_at: float, output: str) -> None:
        """A job is decided."""
        outcome = job.outcome
        assert outcome is not None
        with self._lock:
            if outcome.remembered:
                self._remembered += 1
            elif outcome.kind != "skipped":
                self._ran_anew = True
                self._failed += not outcome.ok
            number = self._numbers.pop(id(job), None)
        self.stage.job_ended(job, number, started_at=started_at, ended_at=ended_at, output=output)

    def _keep(self, key: str, entry: Entry) -> None:
        self._jobs[key] = entry
        self._run.note_job(self._key_of_task, key, entry)

    def _why(self, entry: Entry | None) -> str | None:
        """Why a job has to run; None if it is done."""
        if not self._run.resuming or self._unsteady:
            return ""
        if entry is None:
            return "" if not self._jobs else "it was not done in the run before"
        if entry.get("base") is None:
            return "it did not come to a good end in the run before"
        if entry["base"] != self._base:
            return "parameters or code of its task have changed"
        if self._ran_anew:
            return "jobs before it have run again"
        files: Mapping[str, Stamp | None] = entry.get("files", {})
        later: dict[str, list[Stamp]] = {}
        for key, each in self._jobs.items():
            if key not in self._visited:
                for path in files.keys() & each["files"].keys():
                    later.setdefault(path, []).append(each["files"][path])
        return next(differing_files(files, later), None)

    def _key(self, job: ComputeJob) -> str:
        """What a job is, with a number for each time that it comes again."""
        what = digest([
            list(job.hosts), list(job.words), list(job.arguments), sorted(job.env.items()), job.cwd,
            hashlib.sha256(job.input).hexdigest(), job.node_script,
        ])  # fmt: skip
        self._seen[what] += 1
        return f"{what}-{self._seen[what]}"


def _canonical_all(values: Ingredients, names: Iterable[str]) -> tuple[dict[str, Any], str]:
    """Values as they are kept; and what of them cannot be compared, in words."""
    found: dict[str, Any] = {}
    unsteady = ""
    for name in names:
        if name in values:
            try:
                found[name] = canonical(values[name])
            except (Unsteady, RecursionError) as error:
                unsteady = unsteady or f"{name!r}, {error},"
    return found, unsteady


def _paths(values: Ingredients, names: Iterable[str]) -> Iterator[str]:
    """The files that values name."""
    for name in names:
        if name not in values:
            continue
        field = values.fields[name]
        if isinstance(field, DirectoryField):
            continue
        try:
            texts = list(texts_in(canonical(values[name])))
        except (Unsteady, RecursionError):
            continue
        if isinstance(field, (FileField, FileList)):
            yield from texts
        else:
            yield from (text for text in texts if stamp(text, folders=name == "args") is not None)


def _files_of(job: ComputeJob) -> set[str]:
    """The files of this host that a job's command names."""
    names = [os.path.join(job.cwd or "", text) for text in (*job.words, *job.arguments)]
    return {name for name in names if stamp(name, folders=False) is not None}


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], what: str, *, values: bool = False) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if before.get(name) == now.get(name) and (name in before) == (name in now):
            continue
        words = what.format(name)
        if name not in before:
            yield f"{words} is new"
        elif name not in now:
            yield f"{words} is gone"
        elif values:
            yield f"{words} was {_short(before[name])}, and is {_short(now[name])}"
        else:
            yield f"{words} has changed"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
