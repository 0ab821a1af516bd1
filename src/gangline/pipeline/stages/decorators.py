"""The decorators: each adds a stage to the main pipeline, or says more about one, and leaves the function as it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from gangline.pipeline.stages.arguments import refuse_keywords
from gangline.pipeline.stages.declaration import Declaration
from gangline.pipeline.stages.declare import declare
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.options import OPTION_NAMES
from gangline.pipeline.stages.pipeline import main_pipeline
from gangline.pipeline.stages.stage import Stage

__all__ = [
    "active_if",
    "check_if_uptodate",
    "collate",
    "combinations",
    "combinations_with_replacement",
    "files",
    "files_re",
    "follows",
    "graphviz",
    "jobs_limit",
    "merge",
    "mkdir",
    "originate",
    "parallel",
    "permutations",
    "posttask",
    "product",
    "run_in_main_process",
    "split",
    "stage_options",
    "subdivide",
    "transform",
]

Function = TypeVar("Function", bound=Callable[..., Any])


class _Decorator:
    """Keeps its arguments until it meets the function."""

    def __init__(self, *args: Any, **named_args: Any) -> None:
        self.args = args
        self.named_args = named_args

    def __call__(self, task_func: Function) -> Function:
        """Declare, and return the function unchanged."""
        stage = main_pipeline().create_stage(task_func)
        stage.decorated = True
        stage.declaration = Declaration(f"def {_function_shown(stage)}(", "):\n    ...\n")
        self.apply(stage)
        return task_func

    def apply(self, stage: Stage) -> None:
        """Say what the decorator says."""
        raise NotImplementedError

    def __repr__(self) -> str:
        shown = [repr(arg) for arg in self.args] + [f"{name}={arg!r}" for name, arg in self.named_args.items()]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _take(self, stage: Stage, *names: str) -> dict[str, Any]:
        """The arguments by keyword, when they are no others than these."""
        declaration = Declaration(f"@{type(self).__name__}(", f")\n{stage.declaration.show()}")
        refuse_keywords({name: arg for name, arg in self.named_args.items() if name not in names}, names, declaration)
        return self.named_args


def _function_shown(stage: Stage) -> str:
    name = stage.function_name
    return name if stage.module_name == "__main__" else f"{stage.module_name}.{name}"


class _KindDecorator(_Decorator):
    """Says what the stage makes of its input."""

    kind: ClassVar[Kind]

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        stage.syntax = f"@{type(self).__name__}"
        if self.kind is not Kind.PARALLEL:
            stage.declaration = Declaration(f"{stage.syntax}(", f")\ndef {_function_shown(stage)}(...):\n    ...\n")
        declare(stage, self.kind, self.args, self.named_args, os.getcwd())


class originate(_KindDecorator):
    """Makes files out of nothing: one task for each item of `output`.

    Args:
        output: Names; each item of a list is the output of one task. The function is not given an input.
        extras: What else the function is given: a list, a dictionary, or the rest of the arguments.
    """

    kind = Kind.ORIGINATE


class split(_KindDecorator):
    """Makes many files of the whole input; how many may be unknown beforehand.

    Args:
        input: Names, globs, stages.
        output: Names and globs: before the task they stand for the files that there are, after it for those it made.
        extras: What else the function is given.
    """

    kind = Kind.SPLIT


class subdivide(_KindDecorator):
    """Makes many files of each item of the input; how many may be unknown beforehand.

    Args:
        input: Names, globs, stages.
        filter: A `suffix`, `regex` or `formatter`.
        add_inputs: Further input of each task; or `replace_inputs`, to take the place of the item.
        output: Patterns and globs.
        extras: What else the function is given; texts are patterns.
        output_dir: Where outputs go, for `suffix`.
    """

    kind = Kind.SUBDIVIDE


class transform(_KindDecorator):
    """Makes one output of each item of the input. Arguments as for `subdivide`, without globs in the output."""

    kind = Kind.TRANSFORM


class merge(_KindDecorator):
    """Makes one output of the whole input.

    Args:
        input: Names, globs, stages.
        output: Names.
        extras: What else the function is given.
    """

    kind = Kind.MERGE


class collate(_KindDecorator):
    """Makes one output of all items that lead to the same output; they come as a tuple.

    Args:
        input: Names, globs, stages.
        filter: A `regex` or `formatter`.
        add_inputs: Further input of each item; or `replace_inputs`, to take its place.
        output: Patterns.
        extras: What else the function is given; items whose extras differ are kept apart.
    """

    kind = Kind.COLLATE


class product(_KindDecorator):
    """One task for each choice of one item from every input.

    Args:
        input: Names, globs, stages; further ones are `input2`, `input3`, ...
        filter: A `formatter`; further ones are `filter2`, `filter3`, ...
        add_inputs: Further input of each task; or `replace_inputs`.
        output: Patterns, with fields such as `{basename[1][0]}`: the input, then the file.
        extras: What else the function is given; texts are patterns.
    """

    kind = Kind.PRODUCT


class permutations(_KindDecorator):
    """One task for each choice of different items, in every order.

    Args:
        input: Names, globs, stages.
        filter: A `formatter`.
        tuple_size: How many items are chosen.
        add_inputs: Further input of each task; or `replace_inputs`.
        output: Patterns, with fields such as `{basename[1][0]}`: the item, then the file.
        extras: What else the function is given; texts are patterns.
    """

    kind = Kind.PERMUTATIONS


class combinations(_KindDecorator):
    """One task for each choice of different items, in one order. Arguments as for `permutations`."""

    kind = Kind.COMBINATIONS


class combinations_with_replacement(_KindDecorator):
    """One task for each choice of items, the same more than once too. Arguments as for `permutations`."""

    kind = Kind.COMBINATIONS_WR


class files(_KindDecorator):
    """Tasks written out: input, output and extras of one, a list of them, or a function that yields them."""

    kind = Kind.FILES


class files_re(_KindDecorator):
    """The oldest form of `transform` and, with `combine()`, of `collate`: input, regular expression, patterns."""

    kind = Kind.FILES_RE


class parallel(_KindDecorator):
    """Tasks written out that need not be about files: parameters of one, or a list of them. They always run."""

    kind = Kind.PARALLEL


class mkdir(_Decorator):
    """Makes directories before the stage; also as an argument of `follows`.

    Args:
        args: Names, or input, filter and pattern as for `transform`.
        named_args: `input`, `filter` and `output` by keyword.
    """

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        stage.mkdir(*self.args, **self.named_args)


class follows(_Decorator):
    """Has stages done before this one.

    Args:
        args: Functions, stages, pipelines, names, also of stages declared further down, and `mkdir()`.
    """

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        self._take(stage)
        stage.follows(*self.args)


class check_if_uptodate(_Decorator):
    """Asks a function whether a job must run, instead of comparing times.

    Args:
        func: Is called with the job's parameters and returns whether it must run, and why.
    """

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        functions: Sequence[Any] = (*self.args, *self._take(stage, "func").values())
        stage.check_if_uptodate(functions[0] if len(functions) == 1 else functions)


class posttask(_Decorator):
    """Calls functions, or touches files, when the stage is done.

    Args:
        args: Functions without parameters, and `touch_file()`.
    """

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        self._take(stage)
        stage.posttask(*self.args)


class jobs_limit(_Decorator):
    """Runs no more than so many of the stage's tasks at once.

    Args:
        maximum_jobs_in_parallel: At least 1.
        limit_name: Stages that give the same name share the limit.
    """

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        stage.jobs_limit(*self.args, **self._take(stage, "maximum_jobs_in_parallel", "limit_name"))


class run_in_main_process(_Decorator):
    """Runs the stage's tasks in the process that runs the pipeline, where they may start processes of their own."""

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        self._take(stage)
        stage.run_in_main_process(*self.args)


class active_if(_Decorator):
    """Leaves the stage out of a run unless every argument is true or returns something true.

    Args:
        args: Values, and functions without parameters, which are asked at each run.
    """

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        self._take(stage)
        stage.active_if(*self.args)


class graphviz(_Decorator):
    """Sets attributes with which the stage is drawn.

    Args:
        named_args: Attributes of a node, as the program `dot` knows them.
    """

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        stage.graphviz(*self.args, **self.named_args)


class stage_options(_Decorator):
    """Sets what the stage asks of the scheduler.

    Args:
        resources: What each task needs, by name: `{"cores": 4, "memory": "2 GB"}`.
        retries: How often a task is attempted again after a failure.
        retry_delay: Seconds before the first retry; the wait doubles from one to the next.
        time_limit: Seconds that one attempt may run.
        temporary: Outputs are removed when nothing needs them any more; their absence is no reason to run.
        backend: Where the tasks run.
        batch: What they ask of the site's scheduler, beside cores, memory and time.
    """

    def apply(self, stage: Stage) -> None:
        """See `_Decorator.apply`."""
        stage.set_options(*self.args, **self._take(stage, *OPTION_NAMES))
