"""The command line that comes from a declaration."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from gangline.errors import UsageError
from gangline.recipes.arguments import Asked, help_text, option_strings, parse
from gangline.recipes.fields import BoolField, Field, IntField, ListField, StringField
from gangline.recipes.step import BASE_INPUTS

FIELDS: dict[str, Field] = {
    **BASE_INPUTS,
    "level": IntField("-l", "--level", default=5, help="100% of it."),
    "my_name": StringField(help="Whose."),
    "count": IntField("-c"),
    "loud": BoolField("-x", "--loud", default=False),
    "quiet": BoolField(default=True),
    "bands": ListField("--bands", optional=True),
}


def asked(*argv: str) -> Asked:
    return parse("program", "What it does.", FIELDS, BASE_INPUTS, argv)


def values(*argv: str) -> dict[str, Any]:
    found = asked(*argv)
    assert found.problems == []
    return {name: value.value for name, value in found.values.items()}


@pytest.mark.parametrize(
    ("argv", "given"),
    [
        ("", {}),
        ("-l 3 --my-name x", {"level": "3", "my_name": "x"}),
        ("--level=3", {"level": "3"}),
        ("-l3", {"level": "3"}),
        ("--level -3", {"level": "-3"}),
        ("--my-name=--x", {"my_name": "--x"}),
        ("-c 3", {"count": "3"}),
        ("--count 3", {"count": "3"}),
        ("--config f", {"config": "f"}),
        ("-j night a b", {"job_name": "night", "args": ["a", "b"]}),
        ("a -l 3 b", {"level": "3", "args": ["a", "b"]}),
        ("-- -a", {"args": ["-a"]}),
        ("--loud", {"loud": "true"}),
        ("--loud a", {"loud": "true", "args": ["a"]}),
        ("--loud no a", {"loud": "no", "args": ["a"]}),
        ("-x off", {"loud": "off"}),
        ("--loud=no", {"loud": "no"}),
        ("--no-quiet", {"quiet": False}),
        ("--bands [1,2]", {"bands": "[1,2]"}),
    ],
)
def test_values(argv: str, given: dict[str, Any]) -> None:
    assert values(*argv.split()) == given


def test_texts_stay_as_they_are() -> None:
    assert values("--my-name", "a b\n*'\"ä", "", "-") == {"my_name": "a b\n*'\"ä", "args": ["", "-"]}


def test_where_values_come_from() -> None:
    found = asked("-l", "3", "a").values
    assert found["level"].source == "the command line, --level"
    assert found["args"].source == "the command line"


def test_what_is_wrong_is_told_together() -> None:
    found = asked("--levle", "3", "--my-name", "x", "-q", "--bands")
    assert [problem.text for problem in found.problems] == [
        "the command line: argument --bands: expected one argument",
        "the command line: there is no option --levle; did you mean '--level'?",
        "the command line: there is no option -q; there are: --bands, --config, --count, --debug, --help, --job-name, "
        "--level, --loud, --my-name, --quiet, --recipe-directory, --resume, --runtime-directory, --schema, "
        "--start-time, --task-file, --verbose",
    ]
    assert found.values["my_name"].value == "x"
    assert found.problems[0].name == "bands"


def test_flags() -> None:
    found = asked("-vv", "-d", "--schema", "-h")
    assert (found.verbose, found.debug, found.schema, found.help) == (2, True, True, True)
    assert found.values == {}


def test_the_recipe_s_own_options_win() -> None:
    strings = option_strings({**FIELDS, "v": IntField("-v"), "name": IntField("-j", "--job-name")}, BASE_INPUTS)
    assert strings["count"] == ["-c", "--count"]
    assert strings["config"] == ["--config"]
    assert strings["v"] == ["-v", "--v"]
    assert strings["job_name"] == []
    with pytest.raises(UsageError, match="'a' and 'b' are both called -a"):
        option_strings({"a": IntField("-a"), "b": IntField("-a")}, BASE_INPUTS)


def test_help() -> None:
    text = " ".join(help_text("program", "What it does.", FIELDS, BASE_INPUTS).split())
    assert "What it does." in text
    assert "-l LEVEL, --level LEVEL 100% of it. [default: 5]" in text
    assert "--my-name MY_NAME Whose. [required]" in text
    assert "--bands BANDS A list, as a text [a, b]." in text


def test_arguments_are_read_alike_by_all_pythons() -> None:
    program = (
        "from gangline.recipes.arguments import parse; from gangline.recipes.fields import *\n"
        "fields = {'args': ListField(default=[]), 'a': IntField('-a'), 'b': BoolField('-b')}\n"
        "found = parse('p', '', fields, {}, ['x', '-b', 'no', 'y', '-a', '-3', '--c', '--', 'z'])\n"
        "print({k: v.value for k, v in found.values.items()}, len(found.problems))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "{'b': 'no', 'a': '-3', 'args': ['x', 'y', 'z']} 1"
