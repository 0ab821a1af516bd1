"""What is wrong with a pipeline's declaration, as the user of the command line is told."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from gangline.cli.pipelines.tracebacks import dedented, own_traceback
from gangline.errors import GanglineError, UsageError

__all__ = ["ProgramError", "stage_errors"]

_UNKNOWN = re.compile(r"task '(.*)' is not a pipelined task")


class ProgramError(UsageError):
    """A program cannot be used: it does not run as far as its pipeline, or its pipeline is declared wrongly."""


@contextmanager
def stage_errors(program: str) -> Iterator[None]:
    """Around work with the stages of a program.

    Args:
        program: What the program's file is called.

    Raises:
        ProgramError: They are declared wrongly, or one that was asked for is not known.
    """
    try:
        yield
    except GanglineError as exc:
        from gangline.pipeline.ruffus_exceptions import RethrownJobError, error_task  # the program has imported it

        if isinstance(exc, RethrownJobError) and exc.__cause__ is not None:
            cause = exc.__cause__
            names = ", ".join(sorted(repr(task._name) for task in exc.tasks))
            told = dedented(str(cause)) if isinstance(cause, GanglineError) else own_traceback(cause)
            raise ProgramError(f"{program}: the jobs of stage {names} cannot be worked out\n\n{told}") from exc
        if not isinstance(exc, error_task) or isinstance(exc, RethrownJobError):
            raise
        unknown = _UNKNOWN.search(str(exc))
        if unknown:
            raise ProgramError(f"{program} has no stage {unknown[1]!r}; its stages are {_stages()}") from exc
        raise ProgramError(f"{program}: {textwrap.dedent(str(exc)).strip()}") from exc


def _stages() -> str:
    from gangline.pipeline.stages.pipeline import Pipeline

    stages = [stage for pipeline in Pipeline.pipelines.values() for stage in pipeline.tasks]
    return ", ".join(stage.display_name for stage in sorted(stages, key=lambda stage: stage.number))
