"""Jobs of the oldest stages, with parameters written out or made by a function: `@files`, `@files_re`, `@parallel`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import Any, NamedTuple

from gangline.errors import UsageError
from gangline.pipeline.expand.jobs import EMPTY_FILES, JobParams, Notes
from gangline.pipeline.expand.sources import Sources, known_files
from gangline.pipeline.indicators import Placeholder, combine, runtime_parameter
from gangline.pipeline.names.inputs import inputs
from gangline.pipeline.names.namer import Blame
from gangline.pipeline.names.nested import expand, find_references
from gangline.pipeline.names.paths import show
from gangline.pipeline.names.regex import regex

__all__ = ["FileRows", "file_rows", "files_jobs", "files_re_arguments", "parallel_rows", "rows_jobs"]

_HOW_TO_BRACKET = (
    "If you are supplying parameters for a task running as a single job, either don't put enclosing brackets at all "
    "(with each parameter separated by commas) or enclose all parameters as a nested list of lists, "
    "e.g. [['input', 'output' ...]]. "
)


class FileRows(NamedTuple):
    """The jobs of `@files`, as declared.

    Attributes:
        inputs: The input of each job: names, globs and references to stages, which are looked for here only.
        rest: The output and the extras of each job, taken as they are written.
        single: The parameters of one job were written without brackets around them.
    """

    inputs: list[Any]
    rest: list[tuple[Any, ...]]
    single: bool


def file_rows(args: Sequence[Any], blame: Blame) -> FileRows:
    """The jobs that `@files(*args)` declares, each of which has an input and an output.

    Args:
        args: The parameters of one job, or one list with the parameters of each job.
        blame: Makes the exception for a wrong declaration.

    Raises:
        Exception: What `blame` makes, when a job lacks its input or output, or brackets are missing.
    """
    if not args:
        raise blame("Too few arguments for @files")
    single = len(args) > 1
    rows = [tuple(args)] if single else args[0]
    if not isinstance(rows, Iterable):
        raise blame(f"Wrong syntax for @files.\n@files({show(rows)})\n{_HOW_TO_BRACKET}")
    listed = list(rows)
    for row in listed:
        if isinstance(row, str) or not isinstance(row, Sized):
            raise blame(f"Wrong syntax for @files.\n@files({show(rows)})\n{_HOW_TO_BRACKET}")
        if len(row) < 2:
            raise blame(f"Missing {'output' if len(row) else 'input'} files for job {show(row)}")
    return FileRows([row[0] for row in listed], [tuple(row[1:]) for row in listed], single)


def parallel_rows(args: Sequence[Any], blame: Blame) -> tuple[list[Any], bool]:
    """The parameters of each job that `@parallel(*args)` declares, and whether they were written as one job.

    Args:
        args: The parameters of one job, or one list with the parameters of each job.
        blame: Makes the exception for a wrong declaration.

    Raises:
        Exception: What `blame` makes, when there is no argument, or brackets are missing.
        UsageError: The list is empty.
    """
    if not args:
        raise blame("Too few arguments for @parallel")
    if len(args) > 1:
        return [tuple(args)], True
    rows = list(args[0])
    if not rows:
        raise UsageError("@parallel parameters is empty.")
    if any(isinstance(row, str) for row in rows):
        raise blame(f"Wrong syntax for @parallel.\n@parallel({show(args[0])})\n{_HOW_TO_BRACKET}")
    return rows, False


def files_jobs(rows: FileRows, sources: Sources, notes: Notes | None = None) -> Iterator[JobParams]:
    """One job for each row."""
    if not rows.inputs:
        if notes is not None:
            notes.warn(EMPTY_FILES)
        return
    known = known_files(find_references(rows.inputs), sources)
    for given, rest in zip(rows.inputs, rows.rest, strict=True):
        alone = isinstance(given, Placeholder) and not isinstance(given, runtime_parameter)
        params = (sources.outputs(given, True) if alone else expand(given, known), *rest)
        yield JobParams(params, params)


def rows_jobs(rows: Iterable[Sequence[Any]] | Callable[[], Iterable[Sequence[Any]]]) -> Iterator[JobParams]:
    """One job for each row, its parameters as they are: `@parallel`, and `@files` with a function.

    Args:
        rows: The parameters of each job, or a function that makes them; it is called anew for each expansion.
    """
    for params in rows() if callable(rows) else rows:
        yield JobParams(params, params)


def files_re_arguments(args: Sequence[Any], blame: Blame) -> tuple[bool, list[Any]]:
    """The arguments of `@files_re` as those of `@collate` (then True) or `@transform`.

    What an argument is depends on its place: the second is the regular expression; the third is the output, but with
    more than three arguments it is what to read instead of the matched file.

    Args:
        args: As declared; a `combine()` around any of them makes the stage a `@collate`.
        blame: Makes the exception for a wrong declaration.

    Raises:
        Exception: What `blame` makes, when there are fewer than three arguments.
    """
    if len(args) < 3:
        raise blame("Too few arguments for @files_re")
    combining = any(isinstance(arg, combine) for arg in args)
    plain = [_unwrapped(arg) if isinstance(arg, combine) else arg for arg in args]
    plain[1] = regex(plain[1])
    if len(plain) > 3:
        plain[2] = inputs(plain[2])
    return combining, plain


def _unwrapped(wrapper: combine) -> Any:
    return wrapper.args[0] if len(wrapper.args) == 1 else wrapper.args
