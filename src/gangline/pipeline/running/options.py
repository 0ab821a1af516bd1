"""What a run is asked to do: the parameters of `pipeline_run`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gangline.errors import UsageError
from gangline.pipeline.loggers import stderr_logger
from gangline.pipeline.running.watching import RunEvent
from gangline.pipeline.stages.options import StageOptions, change_options
from gangline.pipeline.stages.words import suggestions

if TYPE_CHECKING:
    from gangline.ports import Backend

__all__ = ["RunOptions", "Touching", "UnknownOption", "read_options"]

_POOL_MANAGERS = ("multiprocessing", "gevent")


class UnknownOption(UsageError, TypeError):
    """A run was given a keyword that it does not know, or too many arguments."""


class Touching(Enum):
    """What is done for a job in place of calling its function."""

    NO = 0
    """Its function is called."""
    FILES = 1
    """Its outputs are made to exist and get the time of now."""
    HISTORY = 2
    """What exists of its outputs is entered into the history as made by it."""


class RunOptions(NamedTuple):
    """The parameters of a run, those of Ruffus first and in its order.

    Attributes:
        target_tasks: Stages to bring up to date: themselves, their functions or names; all by default.
        forcedtorun_tasks: Stages that run, with all that build on them, whether they are out of date or not.
        multiprocess: How many jobs run at once, each in a process of its own; 1 is this process.
        logger: Has `info`, `warning`, `error` and `debug`.
        gnu_make_maximal_rebuild_mode: All out-of-date stages run; else only those that the targets cannot do without.
        verbose: 0 nothing, 1 names of stages, 2 their descriptions, 3 jobs, 4 why they run, 5 and 6 also those that do
            not run, 7 the times of files, 10 internals.
        runtime_data: Values for `runtime_parameter`.
        one_second_per_job: Wait a second before the first job of each stage, for file systems that count seconds.
        touch_files_only: True: touch the outputs and call nothing. Any other true value ("regenerate"): enter the
            outputs that exist into the history, and call nothing.
        exceptions_terminate_immediately: End what runs when a job fails, instead of waiting for it.
        log_exceptions: Log failures as they happen, too.
        checksum_level: 0 to 5: how closely files are compared with what earlier runs have made.
        multithread: How many jobs run at once, in threads of this process.
        history_file: Where what was made is noted down.
        verbose_abbreviated_path: How many names of a path are shown: 0 for the whole path, 2 by default; a negative
            number limits the characters.
        pipeline: The pipeline, or its name, if it is not the main one.
        pool_manager: "multiprocessing", or "gevent", which means threads.
        backend: "processes", "threads", "inline", "dask" (the workers of a Dask cluster), "batch" (commands are jobs of
            the site's scheduler, as many at once as `multiprocess` or `multithread` says, else 200), or a backend; by
            default what `multiprocess` and `multithread` say.
        keep_going: When a job fails, still run all that does not build on it.
        retries: How often a failed job is attempted again, where its stage does not say.
        retry_delay: Seconds before the first retry; each further one waits twice as long.
        time_limit: Seconds that an attempt may take, where its stage does not say; None is for ever.
        resources: What a job needs, where its stage does not say: `{"cores": 2, "memory": "4 GB"}`.
        trickle: Start a job as soon as the jobs that make its inputs are done, and not only when their stages are.
        missing_outputs: What it means when a job ends well without making a file that it was declared to make: "error",
            "warn", or "ignore". By default it is an error wherever it can do harm: when another stage of the run reads
            the file, when the run is recorded, and when the call uses any parameter that Ruffus does not have.
            Else, as programs for Ruffus may rely on it, it is a warning, and the job runs again the next time.
        progress: Is called with a `RunEvent` for everything that happens.
        history_wait: Seconds to wait for another run that is using the same history.
        record: The folder in which the run is recorded, such as ".gangline"; None: it is not.
        batch: What jobs ask of the site's scheduler, where their stage does not say: `{"queue": "long", "account":
            "a1", "options": {"qos": "high"}}`.
    """

    target_tasks: Any = ()
    forcedtorun_tasks: Any = ()
    multiprocess: int | None = 1
    logger: Any = stderr_logger
    gnu_make_maximal_rebuild_mode: bool = True
    verbose: int | None = None
    runtime_data: Mapping[str, Any] | None = None
    one_second_per_job: bool | None = None
    touch_files_only: Any = False
    exceptions_terminate_immediately: bool = False
    log_exceptions: bool = False
    checksum_level: int | str | None = None
    multithread: int | None = 0
    history_file: str | None = None
    verbose_abbreviated_path: int | None = None
    pipeline: Any = None
    pool_manager: str = "multiprocessing"
    backend: Backend | str | None = None
    keep_going: bool = False
    retries: int = 0
    retry_delay: float = 0.0
    time_limit: float | None = None
    resources: Mapping[str, Any] | None = None
    trickle: bool = False
    missing_outputs: Literal["error", "warn", "ignore"] | None = None
    progress: Callable[[RunEvent], None] | None = None
    history_wait: float = 0.0
    record: str | None = None
    batch: Mapping[str, Any] | None = None

    @property
    def job_defaults(self) -> StageOptions:
        """What holds for jobs whose stage says nothing.

        Raises:
            UsageError: A value makes no sense.
        """
        given = {name: getattr(self, name) for name in ("retries", "retry_delay", "time_limit", "resources", "batch")}
        return change_options(StageOptions(), given, "pipeline_run")

    def checked(self) -> RunOptions:
        """The same options.

        Raises:
            UsageError: A value makes no sense.
        """
        for name in ("multiprocess", "multithread"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise UsageError(f"{name} must be a whole number, 0 or more, not {value!r}")
        if self.pool_manager not in _POOL_MANAGERS:
            raise UsageError(f"unknown pool manager '{self.pool_manager}'")
        if self.missing_outputs not in (None, "error", "warn", "ignore"):
            raise UsageError(f"missing_outputs must be 'error', 'warn' or 'ignore', not {self.missing_outputs!r}")
        if self.progress is not None and not callable(self.progress):
            raise UsageError(f"progress must be a function that is called with each event, not {self.progress!r}")
        if not (self.history_wait >= 0 and math.isfinite(self.history_wait)):
            raise UsageError(f"history_wait must be a number of seconds, 0 or more, not {self.history_wait!r}")
        _ = self.job_defaults
        return self

    @property
    def detail(self) -> int:
        """How much is said."""
        return 1 if self.verbose is None else self.verbose

    @property
    def path_level(self) -> int:
        """How far paths are abbreviated."""
        return 2 if self.verbose_abbreviated_path is None else self.verbose_abbreviated_path

    @property
    def touching(self) -> Touching:
        """What is done in place of calling functions."""
        if self.touch_files_only is True:
            return Touching.FILES
        return Touching.HISTORY if self.touch_files_only else Touching.NO

    @property
    def parallelism(self) -> int:
        """How many jobs run at once."""
        return max(1, self.multiprocess or 0, self.multithread or 0)


_NAMES = RunOptions._fields
_OWN_NAMES = frozenset(_NAMES[_NAMES.index("backend") :])


def read_options(unnamed: tuple[Any, ...], named: Mapping[str, Any]) -> RunOptions:
    """The options that a call stands for.

    Args:
        unnamed: Arguments by position.
        named: Arguments by name.

    Raises:
        UnknownOption: There is no such parameter; the message names the nearest that there is.
        UsageError: A value makes no sense.
    """
    if len(unnamed) > len(_NAMES):
        raise UnknownOption(f"pipeline_run() takes at most {len(_NAMES)} arguments, not {len(unnamed)}")
    unknown = [name for name in named if name not in _NAMES]
    if unknown:
        shown = ", ".join(map(repr, unknown))
        raise UnknownOption(f"pipeline_run() got an unexpected keyword argument {shown}.{suggestions(unknown, _NAMES)}")
    twice = [name for name in _NAMES[: len(unnamed)] if name in named]
    if twice:
        raise UnknownOption(f"pipeline_run() got multiple values for argument {twice[0]!r}")
    if not _OWN_NAMES.isdisjoint(named):
        named = {"missing_outputs": "error", **named}
    return RunOptions(*unnamed, **named).checked()
