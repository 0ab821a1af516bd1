"""Jobs of stages without a filter: `@originate`, `@split`, `@merge`, and `@mkdir` with plain names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gangline.pipeline.expand.jobs import NO_NAMES, JobParams
from gangline.pipeline.expand.sources import Sources, known_files, resolve
from gangline.pipeline.names.nested import References, expand, find_references, is_glob, is_sequence

__all__ = ["merge_jobs", "mkdir_jobs", "originate_jobs", "split_jobs"]


def originate_jobs(
    outputs: Any, extras: Sequence[Any], sources: Sources, named: Mapping[str, Any] = NO_NAMES
) -> Iterator[JobParams]:
    """One job for each item of `outputs`; its input is None, which the function is not called with."""
    for output in outputs if is_sequence(outputs) else [outputs]:
        present, shown = _with_globs(output, sources)
        yield JobParams((None, present, *extras), (None, shown, *extras), named)


def split_jobs(
    inputs: Any, outputs: Any, extras: Sequence[Any], sources: Sources, named: Mapping[str, Any] = NO_NAMES
) -> Iterator[JobParams]:
    """One job; globs in its output stand for the files that match them now, and `shown` keeps the globs."""
    files = resolve(inputs, sources, bare=True)
    present, shown = _with_globs(outputs, sources)
    yield JobParams((files, present, *extras), (files, shown, *extras), named)


def merge_jobs(
    inputs: Any, output: Any, extras: Sequence[Any], sources: Sources, named: Mapping[str, Any] = NO_NAMES
) -> Iterator[JobParams]:
    """One job for all of the input, even for none. Its output is taken as it is written, globs and all."""
    params = (resolve(inputs, sources, bare=True), output, *extras)
    yield JobParams(params, params, named)


def mkdir_jobs(directories: Sequence[Any]) -> Iterator[JobParams]:
    """One job that makes all directories.

    Args:
        directories: The arguments of `@mkdir`: names, or one list of names.
    """
    alone = len(directories) == 1 and is_sequence(directories[0])
    params = [sorted(directories[0] if alone else directories, key=str)]
    yield JobParams(params, params)


def _with_globs(output: Any, sources: Sources) -> tuple[Any, Any]:
    """The files of an output, and the output with its globs unexpanded."""
    if isinstance(output, str) and not is_glob(output):
        return output, output
    references = find_references(output)
    known = known_files(references, sources)
    unglobbed = known_files(References(references.stages, [], references.runtime), sources)
    return expand(output, known), expand(output, unglobbed)
