"""One task of a pipeline in one run: whether it has to run, and what is noted of it.

Rules:
    A task is done if it ended well with the same recipe, code, parameters and files, and nothing that it is given comes
    from a task that has run again.
    Files are compared with how they were when the task ended: many tasks change their inputs in place. What a later
    task of the pipeline has made of them is no change either.
    When a task begins, what it has done before counts no longer, whatever becomes of it now.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gangline.recipes.file_fields import DirectoryField, FileField, FileList
from gangline.recipes.fingerprints import Stamp, Unsteady, canonical, code_of, differing_files, stamp, texts_in
from gangline.recipes.ingredients import Ingredients, InputError, Value
from gangline.recipes.jobmemory import JobMemory
from gangline.recipes.keeping import Unkeepable, keep, products_in, restore
from gangline.recipes.words import counted

if TYPE_CHECKING:
    from gangline.recipes.pipelinerun import PipelineRun
    from gangline.recipes.recording import StageRecord
    from gangline.recipes.state import Entry
    from gangline.recipes.step import Step

__all__ = ["TaskRun"]

_OUTCOMES = {
    "ok": "",
    "begun": "it did not come to its end in the run before",
    "failed": "it failed in the run before",
    "unsteady": "its outputs could not be kept",
}

logger = logging.getLogger("gangline.recipes")


class TaskRun:
    """A task in a run.

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
        jobs: What `_schedule_jobs` asks about jobs, and tells of them.
    """

    def __init__(
        self,
        run: PipelineRun,
        label: str,
        key: str,
        recipe: type[Step],
        inputs: Ingredients,
        names: Sequence[str],
        stage: StageRecord,
    ) -> None:
        self._run = run
        self._key = key
        self.label = label
        self.stage = stage
        self.reason = ""
        self._parameters, self._unsteady = _canonical_all(inputs, names)
        self._paths = set(_paths(inputs, names))
        self._products = list(products_in(inputs[name] for name in names if name in inputs))
        self._facts: Entry = {
            "label": label,
            "recipe": f"{recipe.__module__}.{recipe.__qualname__}",
            "code": code_of(recipe),
            "parameters": self._parameters,
        }
        self._entry = run.entry(key)
        last_key = key if self._entry is not None else run.last_key(label)
        last = run.entry(last_key)
        run.visited.add(key)
        void = ""
        if last is not None:
            void, changed = self._compared(last, last_key)
            self.reason = "; ".join(filter(None, (_outcome(last), changed)))
        self.jobs = JobMemory(run, key, last_key, void, stage)

    def recalled(self, outputs: Ingredients) -> bool:
        """Whether the task is done; then its outputs are put in place, else `reason` says why it is not."""
        if self._entry is None or self.reason or not self._run.resuming:
            return False
        kept = self._entry.get("outputs", {})
        try:
            outputs.take({name: Value(restore(value), "the run before") for name, value in kept.items()})
        except InputError as error:
            self.reason = error.problems[0].text
            return False
        except (ValueError, TypeError, KeyError) as error:  # of another version
            self.reason = f"its outputs cannot be read: {error}"
            return False
        self.jobs.awaited |= set(self._entry.get("awaited", ()))
        skips = self._entry.get("skips", [])
        if len(skips) == len(self._products):  # what has failed then is to be left out as it was then
            for product, skip in zip(self._products, skips, strict=True):
                product.skip = skip
        return True

    def begun(self) -> None:
        """The task is about to run."""
        self.stage.started()
        self._note("begun")
        self.jobs.begin()

    def ended(self, outputs: Ingredients | None) -> None:
        """The task has run.

        Args:
            outputs: What it gave; None: it has failed.
        """
        if self.jobs.remembered:
            logger.info("task %s: %s had been done before", self.label, counted(self.jobs.remembered, "job"))
        self.stage.ended("failed" if outputs is None else "ok")
        if outputs is None:
            self._note("failed")
            return
        kept, unkept = {}, ""
        for name, value in outputs.items():
            try:
                kept[name] = keep(value)
            except (Unkeepable, RecursionError) as error:
                unkept = unkept or f"{name!r}, {error},"
        if unkept:
            logger.warning("task %s: its output %s cannot be kept; it will run again next time", self.label, unkept)
        self._paths |= set(_paths(outputs, list(outputs)))
        skips = [product.skip for product in self._products]
        self._note("unsteady" if unkept else "ok", outputs=kept, skips=skips)
        files = {text for each in products_in(outputs.values()) for text in texts_in(canonical(each.file))}
        self._run.has_run(self.label, texts_in(kept), files)

    def interrupted(self) -> None:
        """The task was ended from outside; what its jobs have made of files so far is no change."""
        self._note("begun")

    def take_in(self, part: TaskRun) -> None:
        """A task is part of this one: what that is made of, this one is made of, too."""
        self._paths |= part._paths | part.jobs.paths | part._facts["code"].keys()
        self.jobs.awaited |= part.jobs.awaited

    def _note(self, outcome: str, **more: Any) -> None:
        files = {path: stamp(path) for path in sorted(self._paths | self.jobs.paths)}
        awaited = [path for path in sorted(self.jobs.awaited) if not os.path.lexists(path)]
        files |= dict.fromkeys(awaited)
        self._run.note(
            self._key,
            {**self._facts, "outcome": outcome, "files": files, "awaited": awaited, "ended_at": time.time(), **more},
        )

    def _compared(self, entry: Entry, key: str) -> tuple[str, str]:
        """Why nothing that the task's jobs have done counts, and why the task has to run; empty: for no reason."""
        for words in self._differences(entry):
            return words, words
        files: Mapping[str, Stamp | None] = entry.get("files", {})
        known: set[str] | None = None
        changed = ""
        for path, words in differing_files(files, self._run.made_later(files)):
            if known is None:
                known = {os.path.abspath(each) for job in self._run.jobs_of(key).values() for each in job["files"]}
                known.update(entry.get("awaited", ()))
            if os.path.abspath(path) not in known:  # else only the jobs that name the file have to run
                return words, words
            changed = changed or words
        return "", changed or self._other_data(entry)

    def _differences(self, entry: Entry) -> Iterator[str]:
        """What is not as it was, files apart."""
        if self._unsteady:
            yield f"{self._unsteady} cannot be compared with the run before"
        if entry.get("recipe") != self._facts["recipe"]:
            yield f"its recipe was {entry.get('recipe')}, and is {self._facts['recipe']}"
        yield from _changes(entry.get("code", {}), self._facts["code"], "its code {}")
        before, now = ({**each, "args": None} for each in (entry.get("parameters", {}), self._parameters))
        yield from _changes(before, now, "its input {!r}", values=True)
        yield from self._run.taints(texts_in(self._parameters))

    def _other_data(self, entry: Entry) -> str:
        before, now = ({"args": each.get("args")} for each in (entry.get("parameters", {}), self._parameters))
        return next(_changes(before, now, "its input {!r}", values=True), "")


def _outcome(entry: Entry) -> str:
    return _OUTCOMES.get(entry.get("outcome", ""), "nothing is known of the run before")


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
