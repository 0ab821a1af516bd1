"""From a declared filter to its compiled rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gangline.pipeline.names.formatter import FormatterNamer, formatter
from gangline.pipeline.names.namer import Blame, Namer
from gangline.pipeline.names.regex import RegexNamer, regex
from gangline.pipeline.names.suffix import SuffixNamer, suffix

__all__ = ["ALL_FILTERS", "choose_namer"]

ALL_FILTERS = (regex, suffix, formatter)
"""The filters that most stages take, in the order in which errors list them."""


def choose_namer(
    filter_: Any, syntax: str, blame: Blame, *, output_dir: str | None = None, allowed: Sequence[type] = ALL_FILTERS
) -> Namer[Any]:
    """The compiled rules of a filter.

    Args:
        filter_: A `regex`, `suffix` or `formatter`.
        syntax: The kind of stage, for errors: `@transform`.
        blame: Makes the exception for a wrong declaration.
        output_dir: Where outputs go; for `suffix` only.
        allowed: The filters that this kind of stage takes.

    Raises:
        Exception: What `blame` makes, when the filter is malformed or of a kind that this stage does not take.
    """
    if isinstance(filter_, regex) and regex in allowed:
        return RegexNamer(filter_, syntax, blame)
    if isinstance(filter_, suffix) and suffix in allowed:
        return SuffixNamer(filter_, syntax, blame, output_dir)
    if isinstance(filter_, formatter) and formatter in allowed:
        return FormatterNamer(filter_.args, syntax, blame)
    names = ", ".join(f"{kind.__name__}()" for kind in ALL_FILTERS if kind in allowed)
    raise blame(f"{syntax} expects one of {names} as the second argument")
