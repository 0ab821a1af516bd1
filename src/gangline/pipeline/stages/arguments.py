"""The arguments of a declaration, taken apart.

They come by position or by keyword. `inputs()` and `add_inputs()` may stand between others or be left out, a
`@product` has as many pairs of input and filter as the user likes, and what is left at the end are extras.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from gangline.pipeline.names.formatter import formatter
from gangline.pipeline.names.inputs import InputMode, add_inputs, inputs
from gangline.pipeline.names.nested import find_references
from gangline.pipeline.names.regex import regex
from gangline.pipeline.names.suffix import suffix
from gangline.pipeline.ruffus_exceptions import (
    error_extras_wrong_type,
    error_inputs_multiple_args,
    error_missing_args,
    error_too_many_args,
)
from gangline.pipeline.stages.declaration import Declaration
from gangline.pipeline.stages.options import OPTION_NAMES
from gangline.pipeline.stages.words import suggestions

__all__ = ["Arguments", "parse_arguments", "refuse_keywords"]

_FUNCTION = re.compile(r"<function (\w+) at 0x[0-9a-f]+>")
_MODES: dict[str, tuple[type[inputs] | type[add_inputs], InputMode]] = {
    "replace_inputs": (inputs, InputMode.REPLACE),
    "add_inputs": (add_inputs, InputMode.ADD),
}

_NO_NAMES: Mapping[str, Any] = {}


class Arguments(NamedTuple):
    """What a stage was declared with.

    Attributes:
        input: Names, globs, stages, nested; for `@product` a list of them.
        filter: A `suffix`, `regex` or `formatter`; for `@product` a list of them.
        output: Patterns, names, globs, nested.
        extras: What is handed over after input and output.
        named: What is handed over by name.
        more: The one argument of `inputs()`, all of `add_inputs()`, or what was given by keyword.
        mode: What becomes of the input.
        size: How many items make a combination.
        output_dir: Where outputs go, for `suffix`.
        single: What was declared is one job, whose output children get as it is (`@files`, `@parallel`).
        combines: Items with the same output go into one job (`combine()` in `@files_re`).
    """

    input: Any = ()
    filter: Any = None
    output: Any = ()
    extras: Sequence[Any] = ()
    named: Mapping[str, Any] = _NO_NAMES
    more: Any = None
    mode: InputMode = InputMode.KEEP
    size: int = 0
    output_dir: str | None = None
    single: bool = False
    combines: bool = False

    @property
    def reads_globs(self) -> bool:
        """Whether what matches globs is among the input."""
        return bool(find_references(self.input).globs or find_references(self.more).globs)


def parse_arguments(
    unnamed: Sequence[Any], named: Mapping[str, Any], words: Sequence[str], declaration: Declaration
) -> Arguments:
    """The arguments of a declaration.

    Args:
        unnamed: By position.
        named: By keyword.
        words: What may be given (see `KindRule.words`).
        declaration: Where they stand, for errors.

    Raises:
        TypeError: A filter is none, or the size of combinations is no number.
        error_missing_args: Something is missing.
        error_too_many_args: There is more than can be taken, or a keyword is not known.
        error_inputs_multiple_args: `inputs()` has not got exactly one argument.
        error_extras_wrong_type: Extras by keyword are neither a list nor a dictionary.
    """
    return _Reader(unnamed, named, words, declaration).read()


def refuse_keywords(named: Mapping[str, Any], known: Sequence[str], declaration: Declaration) -> None:
    """Raise if there are keyword arguments.

    Args:
        named: Those that nobody has taken.
        known: Those that may be given, for the hint.
        declaration: Where they stand.

    Raises:
        error_too_many_args: Names what is too much, and what was probably meant.
    """
    if named:
        shown = ", ".join(f"{name}={value!r}" for name, value in named.items())
        raise error_too_many_args(
            f"Duplicate, conflicting or unrecognised arguments:\n{declaration.show(shown)}{suggestions(named, known)}"
        )


class _Reader:
    """Takes one argument after the other and remembers how they looked, so that errors show where they are."""

    def __init__(
        self, unnamed: Sequence[Any], named: Mapping[str, Any], words: Sequence[str], declaration: Declaration
    ) -> None:
        self._unnamed = list(unnamed)
        self._named = dict(named)
        self._words = words
        self._declaration = declaration
        self._shown_unnamed: list[str] = []
        self._shown_named: list[str] = []
        self._found: dict[str, Any] = {}

    def read(self) -> Arguments:
        words = self._words
        if "input" in words:
            self._take("input", default=[])
        if "filter" in words:
            self._take("filter", (formatter, regex, suffix))
            if isinstance(self._found["filter"], suffix) and "output_dir" in self._named:
                self._take_named("output_dir")
        if "inputN" in words:
            self._take_more_pairs()
        if "tuple_size" in words:
            self._take("tuple_size", (int,))
            self._found["size"] = self._found.pop("tuple_size")
        if "modify_inputs" in words:
            self._take_mode()
        self._take("output")
        self._take_extras()
        self._refuse_rest()
        return Arguments(**self._found)

    def _context(self, bad: str) -> str:
        """The declaration up to the argument that is wrong, and that one marked."""
        shown = _FUNCTION.sub(r"\1", ", ".join(self._shown_unnamed + self._shown_named))
        margin = " " * max(self._declaration.indent - 5, 0)
        return "\n" + self._declaration.show(f"{shown}, ...\n{margin}===> {bad}")

    def _take(self, name: str, kinds: tuple[type, ...] = (), default: Any = None) -> None:
        if self._unnamed:
            self._found[name] = self._checked(name, self._unnamed[0], kinds)
            self._shown_unnamed.append(f"{name}={self._unnamed.pop(0)!r}")
        elif name in self._named:
            self._checked(name, self._named[name], kinds)
            self._take_named(name)
        elif default is None:
            self._raise_missing(name)
        else:
            self._found[name] = default

    def _raise_missing(self, name: str) -> NoReturn:
        hints = suggestions(self._named, self._keywords())
        raise error_missing_args(f"Missing '{name}' argument:\n{self._context(f'{name} = ???')}{hints}")

    def _take_named(self, name: str) -> None:
        value = self._named.pop(name)
        self._shown_named.append(f"{name}={value!r}")
        self._found[name] = value

    def _checked(self, name: str, value: Any, kinds: tuple[type, ...]) -> Any:
        if kinds and not isinstance(value, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise TypeError(f"The '{name}' argument should be {names}:\n{self._context(f'{name} = {value!r}')}")
        return value

    def _take_more_pairs(self) -> None:
        """The second, third, ... input and filter, by position as long as filters follow, then by keyword."""
        pairs = [(self._found["input"], self._found["filter"])]
        while len(self._unnamed) >= 2 and isinstance(self._unnamed[1], formatter):
            number = len(pairs) + 1
            pair = self._unnamed[0], self._unnamed[1]
            self._shown_unnamed += [f"input{number}={pair[0]!r}", f"filter{number}={pair[1]!r}"]
            pairs.append(pair)
            del self._unnamed[:2]
        while (filter_name := f"filter{len(pairs) + 1}") in self._named:
            input_name = f"input{len(pairs) + 1}"
            for name in (filter_name, input_name):
                if name in self._named:
                    self._shown_named.append(f"{name}={self._named[name]!r}")
            pairs.append((self._named.pop(input_name, []), self._named.pop(filter_name)))
        self._found["input"] = [pair[0] for pair in pairs]
        self._found["filter"] = [pair[1] for pair in pairs]

    def _take_mode(self) -> None:
        if self._unnamed:
            for name, (kind, mode) in _MODES.items():
                if isinstance(self._unnamed[0], kind):
                    self._unwrap(self._unnamed[0], name, mode, self._shown_unnamed)
                    del self._unnamed[0]
                    return
        for name, (kind, mode) in _MODES.items():
            if name in self._named:
                value = self._named[name]
                if isinstance(value, kind):
                    self._unwrap(value, name, mode, self._shown_named)
                else:
                    self._found |= {"more": value, "mode": mode}
                del self._named[name]
                return

    def _unwrap(self, wrapper: inputs | add_inputs, name: str, mode: InputMode, shown: list[str]) -> None:
        args = wrapper.args
        if mode is InputMode.REPLACE and len(args) != 1:
            raise error_inputs_multiple_args(
                f"inputs() expects a single argument:\n{self._context(f'inputs{tuple(args)!r}')}"
            )
        self._found |= {"more": args[0] if mode is InputMode.REPLACE else args, "mode": mode}
        shown.append(f"{name}={args!r}")

    def _take_extras(self) -> None:
        if self._unnamed:
            self._found["extras"] = list(self._unnamed)
            self._shown_unnamed.append(f"extras={self._unnamed!r}")
            self._unnamed = []
        elif "extras" in self._named:
            extras = self._named["extras"]
            if not isinstance(extras, (list, dict)):
                raise error_extras_wrong_type(
                    "The extras paramter must be either a list of values\nor a dictionary of named parameter values:\n"
                    + self._context(f"extras={extras!r}")
                )
            self._found["named" if isinstance(extras, dict) else "extras"] = extras
            self._shown_named.append(f"extras={self._named.pop('extras')!r}")

    def _refuse_rest(self) -> None:
        if self._named:
            rest = ", ".join(f"{name}={value!r}" for name, value in self._named.items())
            raise error_too_many_args(
                f"Duplicate, conflicting or unrecognised arguments:\n{self._context(rest)}"
                + suggestions(self._named, self._keywords())
            )

    def _keywords(self) -> list[str]:
        """What may be given by keyword, for hints."""
        given = [word for word in self._words if word not in ("modify_inputs", "inputN")]
        changes = list(_MODES) if "modify_inputs" in self._words else []
        more = ["input2", "filter2"] if "inputN" in self._words else []
        return [*given, *more, *changes, *OPTION_NAMES]
