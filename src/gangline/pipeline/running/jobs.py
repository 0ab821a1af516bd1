"""A stage and its jobs as one run sees them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.printing.jobs import describe_job
from gangline.pipeline.stages.stage import Stage

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle
    from gangline.pipeline.printing.judging import Judgement
    from gangline.pipeline.running.options import RunOptions

__all__ = ["JobRun", "StageRun"]


class JobRun:
    """One job in one run.

    Attributes:
        stage: Its stage.
        params: What its function is called with.
        handle: The task that runs it, once it was submitted.
        judgement: What was found when it was looked at, if it was.
        error: What became of it, if it failed.
        taken_back: It was submitted, and for certain never started.
        waits_for: Jobs that make its inputs and are not done; only where jobs do not wait for whole stages.
        number: Its number in the record.
    """

    __slots__ = ("_text", "error", "handle", "judgement", "number", "params", "stage", "taken_back", "waits_for")

    def __init__(self, stage: StageRun, params: JobParams) -> None:
        self.stage = stage
        self.params = params
        self.handle: Handle | None = None
        self.judgement: Judgement | None = None
        self.error: BaseException | None = None
        self.taken_back = False
        self.waits_for: set[JobRun] | None = None
        self.number = -1
        self._text = ""

    @property
    def text(self) -> str:
        """The job in words."""
        if not self._text:
            self._text = self.stage.describe(self.params)
        return self._text

    @property
    def reason(self) -> str:
        """Why it has something to do, in one line; empty if nobody has looked."""
        return "" if self.judgement is None else self.judgement.summary()

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took."""
        handle = self.handle
        if handle is None or handle.started_at is None or handle.completed_at is None:
            return None
        return handle.completed_at - handle.started_at

    @property
    def inputs(self) -> list[str]:
        """The names of all files that it reads."""
        return flat_strings(self.params.inputs)

    @property
    def outputs(self) -> list[str]:
        """The names of all files that it makes, as far as they are known."""
        return flat_strings(self.params.outputs)


class StageRun:
    """One stage in one run.

    Attributes:
        stage: The stage.
        function: What its jobs call; the same object for all of them.
        forced: It runs whatever its files say.
        opened: Its turn has come and its jobs are known.
        closed: It is done with.
        waiting: Jobs that wait for other jobs of this run.
        ready: Jobs that have not been looked at.
        begun: Jobs that must run, and of which the history knows it, but that were not handed to the scheduler.
        outstanding: Jobs that were.
        total: How many jobs there are.
        fresh: How many of them had nothing to do.
        succeeded: How many have run well.
        failed: Those that have failed.
        held: Those that were not run, since what they need has failed.
    """

    def __init__(self, stage: Stage, function: Callable[..., Any] | None, forced: bool) -> None:
        self.stage = stage
        self.function = function
        self.forced = forced
        self.opened = False
        self.closed = False
        self.waiting: set[JobRun] = set()
        self.ready: deque[JobRun] = deque()
        self.begun: deque[JobRun] = deque()
        self.outstanding: set[JobRun] = set()
        self.total = 0
        self.fresh = 0
        self.succeeded = 0
        self.failed: list[JobRun] = []
        self.held: list[JobRun] = []
        self.broken = False
        self.paused = False
        self._path_level = 2
        self._directory = ""

    def open(self, jobs: list[JobParams], options: RunOptions, directory: str) -> list[JobRun]:
        """Take in its jobs."""
        self.opened = True
        self.total = len(jobs)
        self._path_level, self._directory = options.path_level, directory
        return [JobRun(self, params) for params in jobs]

    def describe(self, params: JobParams) -> str:
        """A job in words."""
        return describe_job(self.stage.kind, params.shown, self._path_level, self._directory).line

    @property
    def is_through(self) -> bool:
        """Whether nothing is left to do, or to wait for."""
        return self.opened and not (self.waiting or self.ready or self.begun or self.outstanding)

    @property
    def ran(self) -> int:
        """How many jobs had something to do."""
        return self.succeeded + len(self.failed)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it failed or was held back."""
        return not (self.failed or self.held or self.broken)
