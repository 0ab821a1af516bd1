"""What the three filters have in common: matching an item, and rules that make names from the match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from gangline.pipeline.ruffus_exceptions import error_unescaped_regular_expression_forms

__all__ = ["Blame", "Namer", "Rule", "describe_exception", "refuse_unescaped"]

Match = TypeVar("Match")
Rule = Callable[[Match], Any]
"""Makes the names of one job; raises `error_input_file_does_not_match` when the job is to be left out."""

Blame = Callable[[str], Exception]
"""Makes the exception for a wrong declaration from its text: it knows the stage and its kind."""


class Namer(Protocol[Match]):
    """A filter, checked and compiled."""

    def match(self, files: list[str], directory: str) -> Match:
        """What the rules work on, for one item.

        Args:
            files: The file names of the item, at least one.
            directory: The folder that relative names start from.
        """
        ...

    def rule(self, pattern: Any) -> Rule[Match]:
        """The rule for extras and further inputs: a pattern, or a structure of patterns."""
        ...

    def output_rule(self, pattern: Any) -> Rule[Match]:
        """The rule for outputs; only `suffix()` makes a difference between the two."""
        ...


def refuse_unescaped(pattern: str) -> None:
    """Raise if `pattern` has a control character where a reference to a group was certainly meant.

    Raises:
        error_unescaped_regular_expression_forms: The pattern needs to be a raw string.
    """
    if "\1" in pattern or "\2" in pattern:
        shown = pattern.replace("\1", r"\1").replace("\2", r"\2")
        raise error_unescaped_regular_expression_forms(
            f"['{shown}'] The special regular expression characters "
            r"\1 and \2 need to be 'escaped' in python. The easiest option is to use python 'raw' strings "
            r"e.g. r'\1_in_a string\2'. See http://docs.python.org/library/re.html."
        )


def describe_exception(error: BaseException) -> str:
    """The exception as `module.name: (text)`."""
    kind = f"{type(error).__module__}.{type(error).__name__}"
    text = str(error)
    return f"{kind}: ({text})" if text else kind
