"""One run of a pipeline of recipes: its record, and what it knows of earlier ones."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gangline.recipes.fingerprints import Stamp, Unsteady, canonical, digest
from gangline.recipes.recording import StageRecord
from gangline.recipes.state import State
from gangline.recipes.taskrun import TaskRun
from gangline.store.record import RunRecord

if TYPE_CHECKING:
    from gangline.recipes.ingredients import Ingredients
    from gangline.recipes.state import Entry
    from gangline.recipes.step import Step

__all__ = ["PipelineRun"]

_FOLDER = ".gangline"

logger = logging.getLogger("gangline.recipes")


class PipelineRun:
    """A run.

    Args:
        pipeline: Whose earlier runs count.
        runtime_directory: Where what has been done is noted.
        resuming: Whether what was done before is not done again; it is noted in any case.
        options: For the record.
        backend: Where jobs run, for the record.

    Attributes:
        resuming: See above.
        visited: The tasks that this run has come to.
        status: What the pipeline has returned: 0 or None for success.
    """

    def __init__(
        self,
        pipeline: str,
        runtime_directory: str,
        *,
        resuming: bool = True,
        options: Mapping[str, Any] | None = None,
        backend: str = "hosts",
    ) -> None:
        folder = os.path.join(runtime_directory, _FOLDER)
        self.resuming = resuming
        self.visited: set[str] = set()
        self.status: Any = 0
        self._pipeline = pipeline
        self._state = State(folder)
        self._entries = self._state.tasks(pipeline)
        self._lock = threading.Lock()
        self._times: Counter[str] = Counter()
        self._keys: Counter[tuple[str, str]] = Counter()
        self._anew: dict[str, str] = {}
        self._record = RunRecord.start(
            folder,
            program=_program(),
            argv=sys.argv,
            backend=backend,
            options={"front_end": "recipes", **(options or {})},
        )

    def task(self, name: str, recipe: type[Step], inputs: Ingredients, names: Sequence[str]) -> TaskRun:
        """A task that comes next. One that comes again gets a number.

        Earlier runs know it by its name and what it works on, so that more or other data change nothing for the rest.
        """
        try:
            data = digest(canonical(inputs["args"]))
        except Unsteady:
            data = ""
        with self._lock:
            self._times[name] += 1
            label = name if self._times[name] == 1 else f"{name} ({self._times[name]})"
            self._keys[name, data] += 1
            key = f"{name} {data}-{self._keys[name, data]}"
        return TaskRun(self, label, key, recipe, inputs, names, StageRecord(self._record, label))

    def end(self, outcome: str, message: str = "") -> None:
        """The run is over: "ok", "failed" or "interrupted"."""
        if outcome == "ok":
            self._forget_replaced()
        self._state.close()
        self._record.end(outcome, message)
        if self._record.trouble is not None:
            logger.warning("this run is not recorded: %s", self._record.trouble)

    # What tasks ask and tell --------------------------------------------------------------------------------------

    def entry(self, key: str) -> Entry | None:
        """What is known of a task."""
        return self._entries.get(key)

    def last_key(self, label: str) -> str:
        """By what the task is known that was called so in an earlier run, whatever it worked on; empty if none was."""
        return next((key for key, each in self._entries.items() if each.get("label") == label), "")

    def jobs_of(self, key: str) -> dict[str, Entry]:
        """What is known of a task's jobs."""
        return self._state.jobs(self._pipeline, key)

    def note(self, key: str, entry: Entry) -> None:
        """A task has begun or ended."""
        self._entries[key] = entry
        self._state.put_task(self._pipeline, key, entry)

    def note_job(self, key: str, job: str, entry: Entry) -> None:
        """A job has been done."""
        self._state.put_job(self._pipeline, key, job, entry)

    def forget_job(self, key: str, job: str) -> None:
        """What a job has done counts no longer."""
        self._state.forget_job(self._pipeline, key, job)

    def forget_jobs(self, key: str) -> None:
        """What the jobs of a task have done counts no longer."""
        self._state.forget_jobs(self._pipeline, key)

    def has_run(self, label: str, texts: Iterable[str], files: Container[str]) -> None:
        """A task has run and given this; files among it count as made anew, wherever they are.

        Args:
            label: The task.
            texts: All texts in what it has given.
            files: Those that are known to be names of files.
        """
        self._anew |= {text: label for text in texts if os.sep in text or text in files or os.path.exists(text)}

    def taints(self, texts: Iterable[str]) -> Iterator[str]:
        """In words, what of this comes from tasks that have run again."""
        for text in texts:
            if text in self._anew:
                yield f"task {self._anew[text]}, which gave it {text}, has run again"

    def made_later(self, paths: Iterable[str]) -> dict[str, list[Stamp]]:
        """How files were when tasks ended that this run has not come to."""
        found: dict[str, list[Stamp]] = {}
        wanted = set(paths)
        for key, entry in list(self._entries.items()):
            if key not in self.visited:
                files = entry.get("files", {})
                for path in wanted & files.keys():
                    found.setdefault(path, []).append(files[path])
        return found

    def _forget_replaced(self) -> None:
        """The pipeline has come to its end: what its tasks did with other data counts no longer."""
        names = set(self._times)
        for key in self._entries.keys() - self.visited:
            if key.rpartition(" ")[0] in names:
                self._state.forget_task(self._pipeline, key)


def _program() -> str:
    """The program's file, as it is called in the folder where it runs if it is in there."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if file is None:
        return ""
    path = os.path.abspath(str(file))
    short = os.path.relpath(path)
    return path if short.startswith(os.pardir) else short
