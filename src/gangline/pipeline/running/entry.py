"""`pipeline_run`."""

from __future__ import annotations

from typing import Any

from gangline.pipeline.running.failures import Failures
from gangline.pipeline.running.log import Log
from gangline.pipeline.running.options import read_options
from gangline.pipeline.running.plan import planned
from gangline.pipeline.running.recording import tell_fresh, watchers
from gangline.pipeline.running.run import Run
from gangline.pipeline.steering import find_steering

__all__ = ["pipeline_run"]


def pipeline_run(*unnamed_args: Any, **named_args: Any) -> None:
    """Run all jobs that have something to do, stage after stage.

    The parameters are those of `RunOptions`, in its order.

    Args:
        unnamed_args: Parameters by position.
        named_args: Parameters by name.

    Raises:
        RethrownJobError: Jobs failed. Its `job_exceptions` are all failures as text, its `group` the exceptions.
        error_task: A stage is not known or declared wrongly, or stages wait for each other.
        UnknownOption: There is no such parameter.
        UsageError: A parameter makes no sense.
        StoreError: The history cannot be used, or another run uses it.
        KeyboardInterrupt: The run was interrupted; nothing of it is left running.
    """
    options = read_options(unnamed_args, named_args)
    steering = find_steering()
    if steering is not None:
        options = steering.run_wanted(options)
    if options.verbose is not None and options.verbose >= 11 and hasattr(options.logger, "add_unique_prefix"):
        options.logger.add_unique_prefix()
    log = Log(options.logger, options.detail, None if steering is None else steering.warn)
    with planned(options, log) as plan:
        failures = Failures()
        with watchers(options, failures, steering) as told:
            if told:
                tell_fresh(plan, options, told)
            run = Run(plan, options, log, failures, told)
            run.execute()
            if failures:
                if run.held:
                    log.summary(run.summary())
                raise failures.error(run.held)
