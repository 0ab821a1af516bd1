"""`formatter()`: names put together from the components of all paths of an item, by Python's format strings.

Fields are the components of `decompose` and the groups of the regular expressions, by number and by name, each with
the number of the file: `{basename[0]}`, `{subpath[0][1]}`, `{NAME[1]}`, `{0[0]}`. Paths are absolute. When an
expression does not match its file, no field has a value; a pattern without fields still has one.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Sequence
from typing import Any

from gangline.pipeline.names import decompose
from gangline.pipeline.names.namer import Blame, Rule, describe_exception
from gangline.pipeline.names.nested import compile_strings
from gangline.pipeline.names.template import Column, compile_template

__all__ = ["Fields", "FormatterNamer", "compile_expressions", "formatter"]

_COMPONENTS: dict[str, Callable[[str], Any]] = {
    "basename": decompose.stem,
    "ext": decompose.extension,
    "subpath": decompose.subpaths,
    "subdir": decompose.subdirectories,
    "path": decompose.folder,
}


class formatter:
    """Takes every item and offers the components of its paths, and the groups of regular expressions, as fields.

    Args:
        args: Regular expressions, one per file of an item, or None for files that need not match. May be empty.
    """

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        return f"formatter{self.args!r}"


def compile_expressions(args: Sequence[Any], syntax: str, blame: Blame) -> list[re.Pattern[str] | None]:
    """The expressions, compiled.

    Args:
        args: As declared.
        syntax: The kind of stage, for the error's text.
        blame: Makes the exception for an expression that is no text or does not compile.
    """
    shown = str(tuple(args))[1:-1]
    expressions: list[re.Pattern[str] | None] = []
    for text in args:
        if text is None:
            expressions.append(None)
            continue
        if not isinstance(text, str):
            raise blame(
                f"{syntax}: formatter({shown}) is malformed\n"
                f'formatter(...) should only be used to wrap regular expression strings or None (not "{text}")'
            )
        try:
            expressions.append(re.compile(text))
        except (re.error, RecursionError, OverflowError) as exc:
            raise blame(
                f'{syntax}: in formatter({shown}) \nregular expression "{text}" is malformed\n'
                f"[{describe_exception(exc)}]"
            ) from exc
    return expressions


class Fields(dict[str, Column]):
    """The fields of one item, found out when they are asked for: for each name its value for each file.

    Args:
        files: The file names as they were given.
        paths: The absolute paths of the files; none when an expression does not match.
        matches: What the expressions found in the paths, as far as there are expressions.
        filter_text: The arguments of the filter, for errors.
    """

    __slots__ = ("_matches", "_paths", "files", "filter_text")

    def __init__(
        self, files: list[str], paths: Sequence[str], matches: Sequence[re.Match[str] | None], filter_text: str
    ) -> None:
        self.files = files
        self.filter_text = filter_text
        self._paths = paths
        self._matches = matches

    def __missing__(self, name: str) -> Column:
        column: Column = {}
        component = _COMPONENTS.get(name)
        if component is not None:
            for number, path in enumerate(self._paths):
                column[number] = component(path)
        # A named group takes the place of a component, but only for the files whose expression has it.
        for number, match in enumerate(self._matches):
            if match is not None and match.lastindex is not None and name in match.re.groupindex:
                column[number] = match[name]
        if not column:
            raise KeyError(name)
        self[name] = column
        return column

    def numbered(self) -> list[Column]:
        """The groups by number: for each group its text for each file."""
        columns: list[Column] = []
        for number, match in enumerate(self._matches):
            if match is None:
                continue
            # Groups count up to the last one that took part.
            for group in range((match.lastindex or 0) + 1):
                if group == len(columns):
                    columns.append({})
                columns[group][number] = match[group]
        return columns

    def named(self) -> dict[str, Column]:
        """All fields that have a name."""
        if not self._paths:
            return {}
        taking_part = [match for match in self._matches if match is not None and match.lastindex is not None]
        groups = [name for match in taking_part for name in match.re.groupindex]
        return {name: self[name] for name in dict.fromkeys((*_COMPONENTS, *groups))}

    def shown_files(self) -> list[str]:
        """The file names as errors show them."""
        return self.files


class FormatterNamer:
    """The rules of one `formatter()`.

    Args:
        args: The regular expressions, as declared.
        syntax: The kind of stage, for the error's text.
        blame: Makes the exception for a wrong declaration.

    Raises:
        Exception: What `blame` makes, when an expression is no text or does not compile.
    """

    def __init__(self, args: Sequence[Any], syntax: str, blame: Blame) -> None:
        self._expressions = compile_expressions(args, syntax, blame)
        self._text = str(list(args))[1:-1]

    def match(self, files: list[str], directory: str) -> Fields:
        """See `Namer.match`."""
        # Equal to os.path.abspath, which asks the system for the folder each time.
        start = directory if directory.endswith("/") else directory + "/"
        paths = [os.path.normpath(name if name.startswith("/") else start + name) for name in files]
        matches: list[re.Match[str] | None] = []
        for path, expression in zip(paths, self._expressions, strict=False):
            match = expression.search(path) if expression is not None else None
            if match is None and expression is not None:
                return Fields(files, (), (), self._text)
            matches.append(match)
        return Fields(files, paths, matches, self._text)

    def rule(self, pattern: Any) -> Rule[Fields]:
        """See `Namer.rule`."""
        return compile_strings(pattern, compile_template)

    output_rule = rule
