"""`regex()`: names made by substitution in the name of an item's first file.

The expression is searched for, every place where it matches is replaced, and the text around these places stays.
"""

from __future__ import annotations

import re
from typing import Any

from gangline.pipeline.names.namer import Blame, Rule, describe_exception, refuse_unescaped
from gangline.pipeline.names.nested import compile_strings
from gangline.pipeline.names.replacement import compile_replacement
from gangline.pipeline.ruffus_exceptions import (
    error_input_file_does_not_match,
    fatal_error_input_file_does_not_match,
)

__all__ = ["RegexNamer", "compile_regex", "regex", "substitution"]


class regex:
    """Takes the items whose first file matches a regular expression; patterns refer to its groups as in `re.sub`.

    Args:
        args: One regular expression, as text.
    """

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        return f"regex{self.args!r}"


def compile_regex(filter_: regex, syntax: str, blame: Blame) -> re.Pattern[str]:
    """The compiled expression.

    Args:
        filter_: As declared.
        syntax: The kind of stage, for the error's text: `@transform`.
        blame: Makes the exception.

    Raises:
        Exception: What `blame` makes, when the expression is missing, is no text or does not compile.
    """
    args = filter_.args
    if len(args) != 1 or not isinstance(args[0], str):
        shown = str(args)[1:-1] if len(args) != 1 else str(args)
        raise blame(
            f"{syntax}: regex({shown}) is malformed\n"
            "regex(...) should only be used to wrap a single regular expression string"
        )
    try:
        return re.compile(args[0])
    except (re.error, RecursionError, OverflowError) as exc:
        raise blame(
            f"{syntax}: regular expression regex('{args[0]}') is malformed\n[{describe_exception(exc)}]"
        ) from exc


def substitution(expression: re.Pattern[str], text: str, template: str) -> Rule[str]:
    """The rule that replaces what `expression` matches by `template`.

    Args:
        expression: Is searched for in the file name.
        text: How the expression was written, for errors.
        template: What replaces it, with references to groups.
    """
    subn = expression.subn
    replacement = compile_replacement(expression, template)

    def substitute(name: str) -> str:
        refuse_unescaped(template)
        try:
            result, count = subn(replacement, name)
        except (re.error, IndexError) as exc:
            raise fatal_error_input_file_does_not_match(
                f"File '{name}' does not match regex('{text}') and pattern '{template}':\n\t{exc}\n"
            ) from exc
        if count:
            return result
        raise error_input_file_does_not_match(
            f"File '{name}' does not match regex('{text}') and pattern '{template}'\n\n"
        )

    return substitute


class RegexNamer:
    """The rules of one `regex()`; the match is the name of the first file."""

    def __init__(self, filter_: regex, syntax: str, blame: Blame) -> None:
        self._expression = compile_regex(filter_, syntax, blame)
        self._text: str = filter_.args[0]

    def match(self, files: list[str], directory: str) -> str:
        """See `Namer.match`."""
        return files[0]

    def rule(self, pattern: Any) -> Rule[str]:
        """See `Namer.rule`."""
        return compile_strings(pattern, lambda template: substitution(self._expression, self._text, template))

    output_rule = rule
