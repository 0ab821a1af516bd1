"""A recipe's command line, as its declaration has it: options from fields, values with where they come from.

Everything that is wrong is collected, so that it can be told together.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from gangline.errors import UsageError
from gangline.recipes.fields import MISSING, BoolField, Field
from gangline.recipes.ingredients import Problem, Value
from gangline.recipes.words import meant

__all__ = ["Asked", "help_text", "option_strings", "parse"]

_FLAGS = (
    (("-v", "--verbose"), "Tell more.", "count"),
    (("-d", "--debug"), "Tell everything, with tracebacks.", "store_true"),
    (("--schema",), "Print the JSON schema of the inputs, and do nothing.", "store_true"),
    (("-h", "--help"), "Print this, and do nothing.", "store_true"),
)
_OF_THE_COMMAND = tuple(flag for flags, _, _ in _FLAGS for flag in flags)
_BOOLS = ("true", "false", "yes", "no", "on", "off", "1", "0")
_COMMAND_LINE = "the command line"
_DATA = re.compile(r"-|-\d+|-\d*\.\d+")
"""What is no option though it begins like one."""


@dataclass(slots=True)
class Asked:
    """What a command line says.

    Attributes:
        values: Inputs.
        problems: What is wrong with it.
        verbose: How often -v was given.
        debug: Whether -d was.
        help: Whether --help was.
        schema: Whether --schema was.
    """

    values: dict[str, Value] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    verbose: int = 0
    debug: bool = False
    help: bool = False
    schema: bool = False


def option_strings(fields: Mapping[str, Field], base: Mapping[str, Field]) -> dict[str, list[str]]:
    """How each input is called on the command line. A recipe's own options win over those that every recipe has.

    Args:
        fields: All inputs.
        base: Those that every recipe has.

    Raises:
        UsageError: Two of a recipe's own inputs want the same option.
    """
    taken: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    own = [name for name, each in fields.items() if each is not base.get(name)]
    for name in (*own, *(name for name in fields if name not in own)):
        if name == "args":
            continue
        wanted: Sequence[str] = fields[name].optionstrings or (f"--{name.replace('_', '-')}",)
        for option in wanted:
            if option in taken and name in own:
                raise UsageError(f"inputs {taken[option]!r} and {name!r} are both called {option} on the command line")
        found[name] = [option for option in wanted if option not in taken]
        if not any(option.startswith("--") for option in found[name]):
            long = f"--{name.replace('_', '-')}"
            found[name] += [] if long in taken or long in _OF_THE_COMMAND else [long]
        taken |= dict.fromkeys(found[name], name)
    return found


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong instead of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def help_text(name: str, text: str, fields: Mapping[str, Field], base: Mapping[str, Field]) -> str:
    """What a recipe takes on its command line.

    Args:
        name: The program.
        text: What the recipe does.
        fields: All inputs.
        base: Those that every recipe has.
    """
    parser, _ = _options_parser(name, text, fields, base)
    parser.add_argument("args", nargs="*", help=fields["args"].help.replace("%", "%%"))
    return parser.format_help()


def _options_parser(
    name: str, text: str, fields: Mapping[str, Field], base: Mapping[str, Field]
) -> tuple[argparse.ArgumentParser, dict[str, list[str]]]:
    """The parser for options, and how each input is called there."""
    strings = option_strings(fields, base)
    taken = {option for options in strings.values() for option in options}
    parser = _Parser(
        prog=name, description=text, add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    groups = {True: parser.add_argument_group("inputs"), False: parser.add_argument_group("options of every recipe")}
    for each, options in strings.items():
        _add(groups[fields[each] is not base.get(each)], each, fields[each], options)
    common = groups[False]
    for flags, what, action in _FLAGS:
        if free := [flag for flag in flags if flag not in taken]:
            common.add_argument(*free, dest=f"+{flags[-1].strip('-')}", action=action, help=what)
    return parser, strings


def parse(name: str, text: str, fields: Mapping[str, Field], base: Mapping[str, Field], argv: Sequence[str]) -> Asked:
    """Read a command line.

    Args:
        name: The program.
        text: What the recipe does.
        fields: All inputs.
        base: Those that every recipe has.
        argv: Its words, without the program.
    """
    parser, strings = _options_parser(name, text, fields, base)
    asked = Asked()
    words = list(argv)
    data = words[words.index("--") + 1 :] if "--" in words else []
    words = _joined(words[: words.index("--")] if "--" in words else words, fields, strings)
    while True:
        try:
            found, rest = parser.parse_known_args(words)
            break
        except UsageError as error:
            left = _without_offender(words, str(error))
            asked.problems.append(Problem(_named_in(str(error), strings), f"{_COMMAND_LINE}: {error}"))
            if left is None:
                return asked
            words = left
    known = [option for options in strings.values() for option in options] + list(_OF_THE_COMMAND)
    for word in rest:
        option = word.partition("=")[0]
        if option.startswith("-") and not _DATA.fullmatch(word):
            text = f"{_COMMAND_LINE}: there is no option {option}; {_near(option, known)}"
            asked.problems.append(Problem(option, text))
    given: dict[str, Any] = vars(found)
    asked.verbose, asked.debug = given.pop("+verbose", 0), given.pop("+debug", False)
    asked.help, asked.schema = given.pop("+help", False), given.pop("+schema", False)
    for each, value in given.items():
        asked.values[each] = Value(value, f"{_COMMAND_LINE}, {strings[each][-1]}")
    if data := [word for word in rest if not word.startswith("-") or _DATA.fullmatch(word)] + data:
        asked.values["args"] = Value(data, _COMMAND_LINE)
    return asked


def _near(option: str, known: Sequence[str]) -> str:
    return meant(option, [each for each in known if each.startswith("--")])


def _add(group: Any, name: str, field: Field, options: Sequence[str]) -> None:
    if not options:
        return
    help_text = field.help or field.words().capitalize() + "."
    if field.default is not MISSING and field.default is not None:
        help_text += f"  [default: {field.default}]"
    elif field.required:
        help_text += "  [required]"
    help_text = help_text.replace("%", "%%")
    if isinstance(field, BoolField):
        group.add_argument(*options, dest=name, nargs="?", const=True, help=help_text, metavar="yes|no")
        negative = [f"--no-{option[2:]}" for option in options if option.startswith("--")]
        if negative:
            group.add_argument(*negative, dest=name, action="store_const", const=False, help=argparse.SUPPRESS)
    else:
        group.add_argument(*options, dest=name, help=help_text, metavar=name.upper())


def _joined(words: list[str], fields: Mapping[str, Field], strings: Mapping[str, list[str]]) -> list[str]:
    """Options that may have a value get it joined to them, so that no word after them is taken for one."""
    bools = {option for name, options in strings.items() if isinstance(fields[name], BoolField) for option in options}
    found: list[str] = []
    rest = iter(range(len(words)))
    for index in rest:
        word = words[index]
        if word == "--":
            return found + words[index:]
        if word in bools:
            following = words[index + 1].lower() if index + 1 < len(words) else ""
            if following in _BOOLS:
                next(rest)
            found.append(f"{_long(word, strings)}={following if following in _BOOLS else 'true'}")
        else:
            found.append(word)
    return found


def _long(option: str, strings: Mapping[str, list[str]]) -> str:
    """The long spelling of an option: only to that a value can be joined with a sign between them."""
    options = next(options for options in strings.values() if option in options)
    return next((each for each in options if each.startswith("--")), option)


def _named_in(message: str, strings: Mapping[str, list[str]]) -> str:
    """The input of which the parser complains; empty if it is none."""
    options = message.partition(":")[0].removeprefix("argument ").split("/")
    return next((name for name, own in strings.items() if own and set(own) & set(options)), "")


def _without_offender(words: list[str], message: str) -> list[str] | None:
    """The words without the option that the parser complains of; None if it is not found."""
    named = message.partition(":")[0].removeprefix("argument ").split("/")
    for index, word in enumerate(words):
        if word.partition("=")[0] in named:
            return words[:index] + words[index + 1 :]
    return None
