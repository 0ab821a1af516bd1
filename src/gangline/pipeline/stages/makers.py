"""The object syntax: every decorator as a method of a pipeline."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gangline.pipeline.stages.declare import declare
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.stage import Stage

__all__ = ["Makers", "TaskFunction"]

TaskFunction = Callable[..., Any] | str
"""What a stage runs: a function, or a shell command."""


class Makers:
    """Methods that make stages, and those that run the pipeline.

    All that make stages take `task_func`, a function or a shell command, then what the decorator of the same name
    takes, by position or by keyword, `name`, and the options of stages. A shell command has fields in braces for
    `input`, `output` and the extras, which are a dictionary then.
    """

    @abstractmethod
    def make_stage(self, task_func: TaskFunction, syntax: str, named: dict[str, Any]) -> Stage:
        """A stage about to be declared by a method.

        Args:
            task_func: What it runs.
            syntax: The method, as errors show it.
            named: The arguments by keyword; `name` is taken out.
        """

    def _make(self, kind: Kind, method: str, task_func: TaskFunction, args: tuple[Any, ...], named: Any) -> Stage:
        stage = self.make_stage(task_func, method, named)
        declare(stage, kind, args, named, os.getcwd())
        return stage

    def originate(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage that makes files out of nothing: one task for each item of `output`."""
        return self._make(Kind.ORIGINATE, "pipeline.originate", task_func, unnamed_args, named_args)

    def transform(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage that makes one output of each item of its input."""
        return self._make(Kind.TRANSFORM, "pipeline.transform", task_func, unnamed_args, named_args)

    def split(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage that makes many files of its whole input; how many may be unknown beforehand."""
        return self._make(Kind.SPLIT, "pipeline.split", task_func, unnamed_args, named_args)

    def subdivide(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage that makes many files of each item of its input; how many may be unknown beforehand."""
        return self._make(Kind.SUBDIVIDE, "pipeline.subdivide", task_func, unnamed_args, named_args)

    def merge(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage that makes one output of its whole input."""
        return self._make(Kind.MERGE, "pipeline.merge", task_func, unnamed_args, named_args)

    def collate(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage that makes one output of all items that lead to the same output."""
        return self._make(Kind.COLLATE, "pipeline.collate", task_func, unnamed_args, named_args)

    def product(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage with one task for each choice of one item from every input."""
        return self._make(Kind.PRODUCT, "pipeline.product", task_func, unnamed_args, named_args)

    def permutations(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage with one task for each choice of `tuple_size` different items, in every order."""
        return self._make(Kind.PERMUTATIONS, "pipeline.permutations", task_func, unnamed_args, named_args)

    def combinations(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage with one task for each choice of `tuple_size` different items, in one order."""
        return self._make(Kind.COMBINATIONS, "pipeline.combinations", task_func, unnamed_args, named_args)

    def combinations_with_replacement(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage with one task for each choice of `tuple_size` items, in one order, the same more than once too."""
        return self._make(Kind.COMBINATIONS_WR, "combinations_with_replacement", task_func, unnamed_args, named_args)

    def files(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage whose tasks are written out: input, output and extras of each, or a function that lists them."""
        return self._make(Kind.FILES, "pipeline.files", task_func, unnamed_args, named_args)

    def files_re(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """The oldest form of `transform` and, with `combine()`, of `collate`: input, regular expression, patterns."""
        return self._make(Kind.FILES_RE, "pipeline.files_re", task_func, unnamed_args, named_args)

    def parallel(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage whose tasks are written out and need not be about files; they always run."""
        return self._make(Kind.PARALLEL, "pipeline.parallel", task_func, unnamed_args, named_args)

    def follows(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage that only has to come after others: names, functions, stages, pipelines, `mkdir()`."""
        return self.make_stage(task_func, "pipeline.follows", named_args).follows(*unnamed_args, **named_args)

    def check_if_uptodate(self, task_func: TaskFunction, func: Callable[..., Any], **named_args: Any) -> Stage:
        """A stage for which `func` says whether a job must run."""
        stage = self.make_stage(task_func, "check_if_uptodate", named_args)
        return stage.check_if_uptodate(func).set_options(**named_args)

    def graphviz(self, task_func: TaskFunction, *unnamed_args: Any, **named_args: Any) -> Stage:
        """A stage with attributes with which it is drawn."""
        return self.make_stage(task_func, "pipeline.graphviz", named_args).graphviz(*unnamed_args, **named_args)

    # Running ------------------------------------------------------------------------------------------------------

    def run(self, *unnamed_args: Any, **named_args: Any) -> Any:
        """See `pipeline_run`; runs this pipeline unless `pipeline` says otherwise."""
        return self._call("pipeline_run", unnamed_args, named_args)

    def printout(self, *unnamed_args: Any, **named_args: Any) -> Any:
        """See `pipeline_printout`."""
        return self._call("pipeline_printout", unnamed_args, named_args)

    def printout_graph(self, *unnamed_args: Any, **named_args: Any) -> Any:
        """See `pipeline_printout_graph`."""
        return self._call("pipeline_printout_graph", unnamed_args, named_args)

    def get_task_names(self, *unnamed_args: Any, **named_args: Any) -> Any:
        """See `pipeline_get_task_names`."""
        return self._call("pipeline_get_task_names", unnamed_args, named_args)

    def _call(self, function: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        # By name: the modules that run and print pipelines build on this one.
        call = getattr(import_module("gangline.pipeline"), function)
        return call(*args, **({"pipeline": self} | named))
