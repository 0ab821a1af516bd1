"""The jobs of all stages as one run, or one printout, sees them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gangline.errors import UsageError
from gangline.pipeline.expand.jobs import JobParams, Notes
from gangline.pipeline.expand.sources import Sources
from gangline.pipeline.stages.stage import Stage

__all__ = ["Expansion"]


class Expansion:
    """Remembers jobs and outputs, so that each stage is worked out once until something has changed.

    A run has one of its own: stages themselves know nothing of runs, so that several may go on at once.

    Args:
        stages: They are asked now whether they are active, and keep to it.
        runtime_data: Values for `runtime_parameter`.
        find_files: The files that match a glob.

    Raises:
        UsageError: `runtime_data` is no dictionary.
    """

    def __init__(
        self,
        stages: Iterable[Stage] = (),
        runtime_data: Mapping[str, Any] | None = None,
        find_files: Callable[[str], list[str]] = glob.glob,
    ) -> None:
        values = {} if runtime_data is None else runtime_data
        if not isinstance(values, Mapping):
            raise UsageError("Parameter runtime_data should be a dictionary of values passes to jobs at run time.")
        self._sources = Sources(find_files, _no_outputs, os.getcwd(), values)
        self._active: dict[Stage, bool] = {}
        self._jobs: dict[Stage, list[JobParams]] = {}
        self._outputs: dict[Stage, list[Any]] = {}
        self._notes: dict[Stage, Notes] = {}
        for stage in stages:
            self.is_active(stage)

    @property
    def directory(self) -> str:
        """The folder that relative names start from."""
        return self._sources.directory

    def is_active(self, stage: Stage) -> bool:
        """Whether the stage takes part in this run."""
        if stage not in self._active:
            self._active[stage] = stage.is_active()
        return self._active[stage]

    def jobs(self, stage: Stage) -> list[JobParams]:
        """The stage's jobs, whether it is active or not; for a stage without parameters one without parameters."""
        self._work_out(stage)
        return self._jobs[stage]

    def outputs(self, stage: Stage) -> list[Any]:
        """What children see of it; nothing of an inactive stage."""
        if not self.is_active(stage):
            return []
        if stage not in self._outputs:
            self._outputs[stage] = stage.outputs(self.jobs(stage))
        return self._outputs[stage]

    def notes(self, stage: Stage) -> Notes:
        """What is odd about its jobs."""
        self._work_out(stage)
        return self._notes[stage]

    def forget(self, stage: Stage) -> None:
        """Work it out anew next time: its parents are done, or it is done itself and its globs match other files."""
        self._jobs.pop(stage, None)
        self._outputs.pop(stage, None)
        self._notes.pop(stage, None)

    def _work_out(self, stage: Stage) -> None:
        # Sources first, without recursion: chains of stages may be longer than the call stack.
        waiting = [stage]
        while waiting:
            current = waiting[-1]
            unknown = [
                source for source in current.wiring.sources if source not in self._jobs and self.is_active(source)
            ]
            if unknown and current not in self._jobs:
                waiting += unknown
                continue
            if current not in self._jobs:
                notes = self._notes[current] = Notes()
                self._jobs[current] = current.jobs(self.outputs, self._sources, notes)
            waiting.pop()


def _no_outputs(stage: Any, bare: bool) -> Any:
    raise LookupError(f"the outputs of {stage!r} are not known here")
