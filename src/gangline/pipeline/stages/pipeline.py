"""A pipeline: stages by name, declared by decorators (the main pipeline) or by its methods."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from gangline.errors import UsageError
from gangline.pipeline.indicators import Placeholder
from gangline.pipeline.ruffus_exceptions import (
    error_ambiguous_task,
    error_duplicate_task_name,
    error_no_head_tasks,
)
from gangline.pipeline.stages.declaration import Declaration
from gangline.pipeline.stages.declare import declare
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.limits import LIMITS
from gangline.pipeline.stages.makers import Makers, TaskFunction
from gangline.pipeline.stages.shell import Callback, checked_callback, run_commands
from gangline.pipeline.stages.stage import Stage

__all__ = ["MAIN", "Pipeline", "main_pipeline"]

MAIN = "main"
"""The name of the pipeline that decorators add to."""

_LOCK = threading.RLock()  # over every change of which pipelines and stages there are


class Pipeline(Makers, dict[Any, Stage], Placeholder):
    """Stages that belong together, by name and by function.

    Args:
        name: Unique in the program.

    Attributes:
        pipelines: All pipelines of the program by name.
        name: Its name.
        original_name: The name of the pipeline that it was cloned from, or its own.
        lookup: The stages that go by a name or a function, also where there are several.
        head_tasks: Those whose input `set_input` changes.
        tail_tasks: Those that are meant where the pipeline stands for its outputs.
        command_str_callback: Runs the shell commands among its stages.

    Raises:
        UsageError: There is a pipeline of this name.
    """

    pipelines: ClassVar[dict[str, Pipeline]] = {}

    __hash__ = object.__hash__  # type: ignore[assignment]  # a dict that stands for itself, not for its content

    def __init__(self, name: str, *arg: Any, **kw: Any) -> None:
        super().__init__(*arg, **kw)
        self.name = name
        self.original_name = name
        self.lookup: dict[Any, list[Stage]] = {}
        self.head_tasks: list[Stage] = []
        self.tail_tasks: list[Stage] = []
        self.command_str_callback: Callback = run_commands
        self.job_state = "active"
        self._stages: dict[str, Stage] = {}
        self._directory_stages = 0
        with _LOCK:
            if name in Pipeline.pipelines:
                raise UsageError(f"Error:\nDuplicate pipeline. A pipeline named '{name}' already exists.\n")
            Pipeline.pipelines[name] = self

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Pipeline {self.name!r}>"

    def __copy__(self) -> Pipeline:
        return self

    def __deepcopy__(self, memo: object) -> Pipeline:
        return self

    @classmethod
    def clear_all(cls) -> None:
        """Forget all pipelines, their stages and their limits."""
        with _LOCK:
            cls.pipelines.clear()
            LIMITS.clear()

    @property
    def tasks(self) -> list[Stage]:
        """Its stages in the order in which they were declared."""
        return list(self._stages.values())

    @property
    def task_names(self) -> set[str]:
        """The names of its stages."""
        return set(self._stages)

    # Making stages ------------------------------------------------------------------------------------------------

    def create_stage(self, task_func: TaskFunction | None, name: str | None = None) -> Stage:
        """The stage of a function, which is made if there is none.

        Args:
            task_func: A function, a shell command, or None for a stage that makes directories.
            name: The stage's name; the function's name if there is none, or as many words of the command as are
                needed to tell it from others.

        Raises:
            error_duplicate_task_name: The name belongs to another stage.
        """
        with _LOCK:
            if isinstance(task_func, str):
                return self._add(Stage(self, None, name or self._name_of_command(task_func), task_func))
            name = name or _name_of_function(task_func)
            known = self._stages.get(name)
            if known is not None and task_func is not None and known.function == task_func:
                return known
            return self._add(Stage(self, task_func, name))

    def _add(self, stage: Stage) -> Stage:
        name = stage.name
        if name in self._stages:
            raise error_duplicate_task_name(
                f"Same task name {name} specified multiple times in the same pipeline ({self.name})"
            )
        self._stages[name] = stage
        # A stage's name goes before everything else that is called so.
        self[name] = stage
        self.lookup[name] = [stage]
        function = stage.function if stage.command is None else None
        if function is not None:
            for key in (function, stage.function_name, f"{stage.module_name}.{stage.function_name}"):
                self._add_key(key, stage)
        return stage

    def _add_key(self, key: Any, stage: Stage) -> None:
        if key in self._stages:
            return
        if key in self.lookup:
            self.lookup[key].append(stage)
            self.pop(key, None)
        else:
            self.lookup[key] = [stage]
            self[key] = stage

    def _name_of_command(self, command: str) -> str:
        words = command.split()
        for number in range(1, len(words) + 1):
            name = " ".join(words[:number])
            if name not in self._stages:
                return name
        raise error_duplicate_task_name(
            f"The task string '{command}' is ambiguous for Pipeline '{self.name}'. "
            "You must disambiguate explicitly with different task names "
        )

    def create_mkdir(
        self, name: str, unnamed: Sequence[Any], named: Mapping[str, Any], declaration: Declaration
    ) -> Stage:
        """A new stage that makes directories."""
        stage = self.create_stage(None, name)
        stage.syntax = declaration.before.partition("(")[0]
        stage.declaration = declaration
        declare(stage, Kind.MKDIR, unnamed, named, os.getcwd())
        return stage

    def make_stage(self, task_func: TaskFunction, syntax: str, named: dict[str, Any]) -> Stage:
        """See `Makers.make_stage`."""
        stage = self.create_stage(task_func, named.pop("name", None))
        stage.decorated = False
        stage.syntax = syntax
        function_name = stage.name if stage.command is not None else stage.function_name
        stage.declaration = Declaration(f"{syntax}(name = {stage.display_name!r}, task_func = {function_name}, ", ")")
        return stage

    def mkdir(self, *unnamed_args: Any, name: str | None = None, **named_args: Any) -> Stage:
        """A stage that makes directories, all of them in one task, or one for each item that a filter takes.

        Args:
            unnamed_args: Names, or input, filter and pattern.
            name: The stage's name.
            named_args: `input`, `filter` and `output` by keyword, and options.
        """
        if name is None:
            self._directory_stages += 1
            name = "mkdir" if self._directory_stages == 1 else f"mkdir # {self._directory_stages}"
        shown = name if self.name == MAIN else f"{self.name}::{name}"
        declaration = Declaration(f"pipeline.mkdir(name = {shown!r}, ", ")")
        return self.create_mkdir(name, unnamed_args, named_args, declaration)

    # As a part of others ------------------------------------------------------------------------------------------

    def clone(self, new_name: str, *arg: Any, **kw: Any) -> Pipeline:
        """A pipeline with the same stages under a new name; stages that follow one another do so in the clone too."""
        clone = Pipeline(new_name, *arg, **kw)
        clone.original_name = self.original_name
        clone.command_str_callback = self.command_str_callback
        with _LOCK:
            for stage in self.tasks:
                clone._add(stage.clone_into(clone))
        clone.head_tasks = [clone._stages[stage.name] for stage in self.head_tasks]
        clone.tail_tasks = [clone._stages[stage.name] for stage in self.tail_tasks]
        return clone

    def get_head_tasks(self) -> list[Stage]:
        """The stages whose input `set_input` changes."""
        return self.head_tasks

    def set_head_tasks(self, head_tasks: list[Stage]) -> None:
        """Say whose input `set_input` changes.

        Raises:
            UsageError: It is no list of stages.
        """
        self.head_tasks = self._checked_tasks("set_head_tasks", head_tasks)

    def get_tail_tasks(self) -> list[Stage]:
        """The stages that are meant where the pipeline stands for its outputs."""
        return self.tail_tasks

    def set_tail_tasks(self, tail_tasks: list[Stage]) -> None:
        """Say which stages are meant where the pipeline stands for its outputs.

        Raises:
            UsageError: It is no list of stages.
        """
        self.tail_tasks = self._checked_tasks("set_tail_tasks", tail_tasks)

    def _checked_tasks(self, method: str, tasks: object) -> list[Stage]:
        where = f"Pipelines['{self.name}'].{method}() expects a list"
        if not isinstance(tasks, list):
            raise UsageError(f"{where} not {type(tasks)}")
        for task in tasks:
            if not isinstance(task, Stage):
                raise UsageError(f"{where} of tasks not {type(task)} {task!r}")
        return tasks

    def set_input(self, **args: Any) -> None:
        """Change what the head stages read: `input=`.

        Raises:
            error_no_head_tasks: No head stages were set.
        """
        for stage in self._heads("set_input"):
            stage.set_input(**args)

    def set_output(self, **args: Any) -> None:
        """Change what the head stages make, which must be `@originate`: `output=`.

        Raises:
            error_no_head_tasks: No head stages were set.
        """
        for stage in self._heads("set_output"):
            stage.set_output(**args)

    def _heads(self, method: str) -> list[Stage]:
        if not self.head_tasks:
            raise error_no_head_tasks(
                f"Pipeline '{self.name}' has no head tasks defined.\n"
                f"Which task in '{self.name}' do you want to {method}() for?"
            )
        return self.head_tasks

    def lookup_task_from_name(self, task_name: str, default_module_name: str = "__main__") -> list[Stage]:
        """The one stage of this name, in a list, or an empty list.

        Args:
            task_name: Of a stage or of its function, with its module or without.
            default_module_name: The module in which the name was used.

        Raises:
            error_ambiguous_task: Several stages go by this name.
        """
        several: list[Stage] = []
        for name in (task_name, f"{default_module_name}.{task_name}"):
            found = self.lookup.get(name, [])
            if len(found) == 1:
                return found
            several = found or several
        if several:
            names = ",".join(stage.name for stage in several)
            raise error_ambiguous_task(f"{task_name} is ambiguous. Which do you mean? ({names}).")
        return []

    # While it runs ------------------------------------------------------------------------------------------------

    def set_command_str_callback(self, command_str_callback: Callback) -> None:
        """Run the shell commands among the stages by a function of your own, unless a stage has one itself.

        Args:
            command_str_callback: Is called with `command_str`, `input`, `output` and the extras, all by name.

        Raises:
            UsageError: It cannot be called.
        """
        self.command_str_callback = checked_callback(command_str_callback)

    def suspend_jobs(self) -> None:
        """Ask the jobs of a batch system to pause."""
        self.job_state = "suspended"

    def resume_jobs(self) -> None:
        """Ask them to go on."""
        self.job_state = "active"

    def is_job_suspended(self) -> bool:
        """Whether they are to pause."""
        return self.job_state == "suspended"


def main_pipeline() -> Pipeline:
    """The pipeline that decorators add to."""
    with _LOCK:
        return Pipeline.pipelines.get(MAIN) or Pipeline(MAIN)


def _name_of_function(function: Callable[..., Any] | None) -> str:
    if function is None:
        raise UsageError("a stage that makes directories needs a name")
    name = getattr(function, "__name__", type(function).__name__)
    return str(name) if function.__module__ == "__main__" else f"{function.__module__}.{name}"


main_pipeline()
