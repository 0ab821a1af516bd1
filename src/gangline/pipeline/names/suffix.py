"""`suffix()`: names made by replacing the end of the name of an item's first file."""

from __future__ import annotations

import os.path
import re
from typing import Any

from gangline.pipeline.names.namer import Blame, Rule, refuse_unescaped
from gangline.pipeline.names.nested import compile_strings
from gangline.pipeline.names.regex import substitution
from gangline.pipeline.names.replacement import compile_replacement
from gangline.pipeline.ruffus_exceptions import error_input_file_does_not_match

__all__ = ["SuffixNamer", "compile_ending", "suffix", "suffix_substitution"]


class suffix:
    r"""Takes the items whose first file ends with a text; outputs get another ending.

    A `\1` in a pattern is what stood before the ending; extras are replaced as a whole.

    Args:
        args: One text, the ending; no character of it is special.
    """

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        return f"suffix{self.args!r}"


def _checked_ending(filter_: suffix, syntax: str, blame: Blame) -> str:
    args = filter_.args
    if not args:
        raise blame(
            f"{syntax}: suffix() is malformed.\n"
            "suffix(...) should be used to wrap a string matching the suffices of file names"
        )
    if len(args) > 1 or not isinstance(args[0], str):
        raise blame(
            f"{syntax}: suffix('{args}') is malformed.\n"
            "suffix(...) should only be used to wrap a single string matching the suffices of file names"
        )
    return args[0]


class SuffixNamer:
    """The rules of one `suffix()`; the match is the name of the first file.

    Args:
        filter_: As declared.
        syntax: The kind of stage, for the error's text.
        blame: Makes the exception for a wrong declaration.
        output_dir: Where outputs go; beside the file when None.

    Raises:
        Exception: What `blame` makes, when the ending is missing or is no text.
    """

    def __init__(self, filter_: suffix, syntax: str, blame: Blame, output_dir: str | None = None) -> None:
        self._ending = _checked_ending(filter_, syntax, blame)
        self._expression = _expression(self._ending)
        self._output_dir = output_dir

    def match(self, files: list[str], directory: str) -> str:
        """See `Namer.match`."""
        if self._output_dir is None:
            return files[0]
        return os.path.join(self._output_dir, os.path.basename(files[0]))

    def rule(self, pattern: Any) -> Rule[str]:
        """The rule for extras: they are the pattern itself, with references to what stood before the ending."""
        return compile_strings(pattern, self._extra)

    def output_rule(self, pattern: Any) -> Rule[str]:
        """The rule for outputs: the pattern takes the place of the ending."""
        return compile_strings(pattern, self._output)

    def _extra(self, template: str) -> Rule[str]:
        by_expression = substitution(self._expression, self._ending, template)
        if not self._is_plain(template):
            return by_expression
        ending = self._ending

        def take(name: str) -> str:
            return template if name.endswith(ending) and "\n" not in name else by_expression(name)

        return take

    def _output(self, template: str) -> Rule[str]:
        by_expression = suffix_substitution(self._expression, self._ending, template)
        if not self._is_plain(template):
            return by_expression
        ending, length = self._ending, len(self._ending)

        def replace(name: str) -> str:
            # A line break in a name is special to the expression; everything else this does at a fifth of the cost.
            return name[:-length] + template if name.endswith(ending) and "\n" not in name else by_expression(name)

        return replace

    def _is_plain(self, template: str) -> bool:
        """Whether the template is just text, so that no expression is needed."""
        return bool(self._ending) and "\\" not in template and "\1" not in template and "\2" not in template


def compile_ending(filter_: suffix, syntax: str, blame: Blame) -> re.Pattern[str]:
    """The expression that finds the ending; its first group is what stands before it. See `SuffixNamer`."""
    return _expression(_checked_ending(filter_, syntax, blame))


def _expression(ending: str) -> re.Pattern[str]:
    return re.compile("(.*)" + re.escape(ending) + "$")


def suffix_substitution(expression: re.Pattern[str], text: str, template: str) -> Rule[str]:
    """The rule that puts `template` in the place of an ending.

    Args:
        expression: Finds the ending; its first group is what stands before it.
        text: The ending as it was written, for errors.
        template: What replaces it; with a reference to the first group it replaces the whole name.
    """
    whole = template if r"\1" in template or r"\g<1>" in template else r"\g<1>" + template
    replacement = compile_replacement(expression, whole)

    def substitute(name: str) -> str:
        refuse_unescaped(template)
        result, count = expression.subn(replacement, name)
        if count:
            return result
        raise error_input_file_does_not_match(f"File '{name}' does not match suffix('{text}') and pattern '{template}'")

    return substitute
