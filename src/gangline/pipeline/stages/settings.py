"""What is set on a stage besides what it reads and makes: limits, checks, functions to call when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from gangline.pipeline.indicators import touch_file
from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.ruffus_exceptions import PostTaskArgumentError, error_decorator_args
from gangline.pipeline.stages.arguments import refuse_keywords
from gangline.pipeline.stages.declaration import Declaration
from gangline.pipeline.stages.limits import LIMITS
from gangline.pipeline.stages.options import OPTION_NAMES, StageOptions, change_options
from gangline.pipeline.stages.shell import Callback, checked_callback
from gangline.pipeline.stages.touching import TouchFiles

__all__ = ["Settings"]


class Settings:
    """The settings of one stage. Every method returns the stage, so that calls can be chained.

    Attributes:
        name: The stage's name, unique in its pipeline.
        declaration: How it was written down.
        decorated: It was declared by a decorator.
        limit: Name and size of the limit that its tasks count against.
        posttasks: Called when its last task is done.
        in_main_process: Its tasks run in the process that runs the pipeline.
        uptodate_check: The user's own check, called with a job's parameters; it says `(needs update, reason)`.
        graphviz_attributes: How it is drawn.
        options: What it asks of the scheduler.
    """

    def __init__(self, name: str, limit_name: str) -> None:
        self.name = name
        self.declaration = Declaration()
        self.decorated = False
        self.limit: tuple[str, int] | None = None
        self.posttasks: tuple[Callable[[], Any], ...] = ()
        self.in_main_process = False
        self.uptodate_check: Callable[..., Any] | None = None
        self.graphviz_attributes: Mapping[str, Any] = {}
        self.options = StageOptions()
        self._limit_name = limit_name
        self._active_checks: tuple[Any, ...] = ()
        self._callback: Callback | None = None

    def mark(self, call: str) -> str:
        """A further decorator or method call at its place in the declaration, for errors."""
        shown = self.declaration.show()
        return f"@{call}\n{shown}" if self.decorated else f"{shown}.{call}"

    def check_if_uptodate(self, func: Any) -> Self:
        """Ask `func` whether a job must run, instead of comparing times.

        Args:
            func: Is called with the job's parameters and returns whether it must run, and why.

        Raises:
            error_decorator_args: It cannot be called.
        """
        if not callable(func):
            shown = (func,) if self.decorated and not isinstance(func, tuple) else func
            raise error_decorator_args(
                f"Expected a single function or Callable object in \n{self.mark(f'check_if_uptodate({shown!r})')}"
            )
        self.uptodate_check = func
        return self

    def posttask(self, *funcs: Any) -> Self:
        """Call functions, or touch files, when the stage is done.

        Raises:
            PostTaskArgumentError: An argument is neither a function nor `touch_file()`.
        """
        for func in funcs:
            if isinstance(func, touch_file):
                self.posttasks += (TouchFiles(tuple(flat_strings(func.args))),)
            elif callable(func):
                self.posttasks += (func,)
            else:
                raise PostTaskArgumentError(
                    f"Expecting simple functions or touch_file() in \n{self.mark(f'posttask({func!r})')}"
                )
        return self

    def run_in_main_process(self) -> Self:
        """Run the tasks in the process that runs the pipeline, where they may start processes of their own."""
        self.in_main_process = True
        return self

    def jobs_limit(self, maximum_jobs_in_parallel: int, limit_name: str | None = None) -> Self:
        """Run no more than so many tasks at once.

        Args:
            maximum_jobs_in_parallel: At least 1.
            limit_name: Stages that give the same name share the limit; without it, it is the stage's own.

        Raises:
            JobsLimitArgumentError: The number is wrong, or another one goes with this name.
        """
        name_shown = f", {limit_name}" if limit_name else ""
        if limit_name is not None:
            self._limit_name = limit_name
        self.limit = LIMITS.define(
            self._limit_name, maximum_jobs_in_parallel, lambda cap: self.mark(f"jobs_limit({cap!r}{name_shown})")
        )
        return self

    def active_if(self, *active_if_checks: Any) -> Self:
        """Leave the stage out, and have it make nothing, unless every argument is true or returns something true."""
        self._active_checks += active_if_checks
        return self

    def is_active(self) -> bool:
        """Whether the stage takes part, asked anew. A run asks once, see `Expansion`."""
        return all(check() if callable(check) else check for check in self._active_checks)

    def graphviz(self, *unnamed_args: Any, **named_args: Any) -> Self:
        """Set attributes with which the stage is drawn.

        Args:
            unnamed_args: There are none.
            named_args: Attributes of a node, as the program `dot` knows them.

        Raises:
            TypeError: An argument has no name.
        """
        if unnamed_args:
            shown = ", ".join(map(repr, unnamed_args))
            raise TypeError(f"Only named arguments expected in :{self.mark(f'graphviz({shown})')}")
        self.graphviz_attributes = named_args
        return self

    def set_options(self, **options: Any) -> Self:
        """Set what the stage asks of the scheduler.

        These are resources, retries, retry_delay, time_limit, temporary, backend and batch.

        Raises:
            error_too_many_args: An option is not known.
            UsageError: A value makes no sense.
        """
        refuse_keywords(
            {name: value for name, value in options.items() if name not in OPTION_NAMES},
            OPTION_NAMES,
            Declaration("stage_options(", f") of {self.name}"),
        )
        self.options = change_options(self.options, options, self.name)
        return self

    def set_command_str_callback(self, command_str_callback: Callback) -> Self:
        """Run the stage's shell command by a function of your own.

        Args:
            command_str_callback: Is called with `command_str`, `input`, `output` and the extras, all by name.

        Raises:
            UsageError: It cannot be called.
        """
        self._callback = checked_callback(command_str_callback)
        return self
