"""Inputs that a job needs and that are not there."""

from __future__ import annotations

import os

from gangline.pipeline.freshness.facts import FileFacts
from gangline.pipeline.freshness.rules import JobFiles
from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.ruffus_exceptions import MissingInputFileError

__all__ = ["missing_input_error", "missing_inputs"]

_LONG = 1000


def missing_inputs(job: JobFiles, files: FileFacts) -> list[str]:
    """The inputs of a job that do not exist. What is known of them is looked up anew."""
    absent = [name for name in flat_strings(job.params[0]) if files.get(name) is None] if job.params else []
    if not absent:
        return []
    files.forget(absent)
    return [name for name in absent if files.get(name) is None]


def missing_input_error(file: str, *, stage: str, job: str, maker: str | None = None) -> MissingInputFileError:
    """The exception for an input that is not there.

    Args:
        file: The input.
        stage: The stage that needs it.
        job: The job that needs it, as printouts show it.
        maker: The stage that should have made it, if one does.
    """
    if os.path.islink(file):
        what = f"Input file '{_shortened(file)}' is a broken symbolic link."
    else:
        what = f"Input file '{_shortened(file)}' does not exist"
    if maker is None:
        origin = "No stage of the pipeline makes it: provide it, or correct the name."
    else:
        origin = f"Stage {maker!r} should have made it."
    return MissingInputFileError(
        f"No way to run job: {what}\n  needed by stage {stage!r}: {_shortened(job)}\n  {origin}"
    )


def _shortened(name: str) -> str:
    """The beginning of a name that nobody would read to its end."""
    return name if len(name) <= _LONG else f"{name[:_LONG]}... ({len(name)} characters)"
