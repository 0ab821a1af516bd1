"""What a recipe needs to have commands run on hosts: `ComputeJob` and `_schedule_jobs`."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from gangline._runtime.interrupts import on_interrupt
from gangline.errors import UsageError
from gangline.recipes.event import ErrorEvent
from gangline.recipes.jobs import ComputeJob
from gangline.recipes.outcome import ScheduleResult
from gangline.recipes.policy import Policy, Tolerance
from gangline.recipes.receiving import is_handing_over
from gangline.recipes.schedule import Schedule
from gangline.recipes.sites import site_for
from gangline.recipes.surroundings import (
    command_environment,
    command_path,
    configured_max_per_node,
    site_options,
)
from gangline.recipes.words import shown

__all__ = ["ComputeJob", "RemoteCommandRecipeMixIn"]


class RemoteCommandRecipeMixIn:
    """Gives a recipe `_schedule_jobs`.

    Attributes:
        error: Is set when a job has failed that was not allowed to, and stays set.
    """

    error: threading.Event
    logger: logging.Logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not hasattr(self, "error"):
            self.error = ErrorEvent()

    def _schedule_jobs(
        self,
        jobs: Iterable[ComputeJob],
        max_per_node: int | None = None,
        *,
        fail_fast: bool = False,
        tolerate: Tolerance = "none",
        retries: int = 0,
        reconnect: int = 0,
        reconnect_delay_s: float = 1.0,
        gang: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> ScheduleResult:
        """Have jobs run, and wait for all of them. May be called from any thread, also several times at once.

        Args:
            jobs: The jobs.
            max_per_node: How many run on one host at once, in the order in which they are given; None: what the
                configuration says (`max_per_node` in section remote), else all. The limit is the host's: it holds for
                all schedules of this process. Gangs keep to their own only, and do not count for that of others. A
                site's scheduler is given so many at once of those that name the same host.
            fail_fast: The first failure ends the others.
            tolerate: How many may fail without `error` being set: "none"; "some": not all; an int: so many; a float
                between 0 and 1: this fraction.
            retries: How often a job that fails is tried again.
            reconnect: How often a host that cannot be reached is tried again before its jobs are given up.
            reconnect_delay_s: Seconds before that, doubled from one time to the next.
            gang: The jobs start together or not at all, and the first failure ends all.
            env: Environment of all jobs.

        Returns:
            The jobs by number, as they were given; each has `results` and `outcome`.

        Raises:
            UsageError: Something that is given makes no sense; nothing was started.
            BackendError: Jobs are to go to the site's scheduler, and there is none, or no folder for them.
            KeyboardInterrupt: Ctrl-C; what ran on the hosts has been ended.
        """
        if is_handing_over():
            raise UsageError(
                "jobs cannot be scheduled by a logging handler or filter while it is given what a job has said: "
                "the host would wait for itself; have another thread schedule them"
            )
        policy = Policy(fail_fast, tolerate, retries, reconnect, reconnect_delay_s, gang)
        checked = _checked(jobs)
        config = getattr(self, "config", None)
        logger = _logger_of(self)
        most = configured_max_per_node(config) if max_per_node in (None, 0) else max_per_node
        if most is not None and (not isinstance(most, int) or most < 1):
            raise UsageError(f"max_per_node must be a whole number, 1 or more, not {most!r}")
        if not isinstance(env, (Mapping, type(None))):
            raise UsageError(f"env must be a dictionary of environment variables, not {shown(env)}")
        with _interruptible():
            schedule = Schedule(
                site_for(site_options(config)),
                checked,
                policy,
                logger=logger,
                path=command_path(config),
                env={**command_environment(config), **(env or {})},
                log_level=logger.getEffectiveLevel(),
                max_per_node=most,
                memory=getattr(self, "job_memory", None),
                journal=getattr(self, "job_journal", None),
            )
            result = schedule.run()
        if not result.ok:
            _error_of(self).set()
        return result


def _checked(jobs: Iterable[ComputeJob]) -> list[ComputeJob]:
    if isinstance(jobs, ComputeJob) or not isinstance(jobs, Iterable):
        raise UsageError(f"_schedule_jobs takes a list of ComputeJobs, not {shown(jobs)}")
    checked = list(jobs)
    wrong = [f"{number}: {job!r}" for number, job in enumerate(checked) if not isinstance(job, ComputeJob)]
    if wrong:
        raise UsageError(f"what is scheduled must be ComputeJobs; these are none: {'; '.join(wrong[:5])}")
    if len({id(job) for job in checked}) < len(checked):
        raise UsageError("a job is in the list twice; make a ComputeJob for each time that it shall run")
    return checked


def _logger_of(recipe: Any) -> logging.Logger:
    logger = getattr(recipe, "logger", None)
    return logger if isinstance(logger, logging.Logger) else logging.getLogger(f"master.{type(recipe).__name__}")


def _error_of(recipe: Any) -> threading.Event:
    """The recipe's event, also where the class in the middle did not call `super().__init__`."""
    event = getattr(recipe, "error", None)
    if event is None:
        event = recipe.error = ErrorEvent()
    return event


class _Terminated:
    """Whether SIGTERM has come."""

    def __init__(self) -> None:
        self.come = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        self.come = True
        on_interrupt(signum, frame)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Whoever ends this process by Ctrl-C or SIGTERM ends its jobs first, where nobody has decided otherwise.

    Raises:
        SystemExit: With 143, as a shell has it, after SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminated = _Terminated()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is signal.default_int_handler:
        signal.signal(signal.SIGINT, on_interrupt)
    if before[signal.SIGTERM] is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    except KeyboardInterrupt:
        if terminated.come:
            raise SystemExit(128 + signal.SIGTERM) from None
        raise
    finally:
        for number, handler in before.items():
            if handler is not None:  # else it was not made in Python
                signal.signal(number, handler)
