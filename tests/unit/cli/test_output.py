"""Results to stdout, messages to stderr, in the form that was asked for."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner
from rich.text import Text

from gangline.cli.output import Line, Screen, output_option


@click.command()
@output_option
def speak(screen: Screen) -> None:
    screen.say("a message")
    screen.result({"answer": 42}, Text("The answer is 42", style="bold red"), "[bold]not markup[/] :smile:")


@pytest.mark.parametrize(
    ("form", "stdout", "stderr"),
    [
        ("human", "The answer is 42\n[bold]not markup[/] :smile:\n", "a message\n"),
        ("json", '{\n  "answer": 42\n}\n', "a message\n"),
        ("quiet", "", ""),
    ],
)
def test_the_three_forms(form: str, stdout: str, stderr: str) -> None:
    result = CliRunner().invoke(speak, ["--output", form])
    assert (result.stdout, result.stderr, result.exit_code) == (stdout, stderr, 0)


def test_long_lines_are_not_broken_in_a_pipe() -> None:
    @click.command()
    @output_option
    def command(screen: Screen) -> None:
        screen.say("message " * 100)
        screen.result({}, "result " * 100)

    result = CliRunner().invoke(command, [])
    assert (result.stdout.count("\n"), result.stderr.count("\n")) == (1, 1)


def test_human_is_the_default_and_others_are_refused() -> None:
    assert "The answer" in CliRunner().invoke(speak, []).stdout
    assert CliRunner().invoke(speak, ["--output", "xml"]).exit_code == 2


def test_json_holds_whatever_text_there_is() -> None:
    @click.command()
    @output_option
    def command(screen: Screen) -> None:
        screen.result({"text": "ä\n\x1b[31m"})

    assert json.loads(CliRunner().invoke(command, ["--output", "json"]).stdout) == {"text": "ä\n\x1b[31m"}


@pytest.mark.parametrize(
    ("variables", "coloured"), [({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)]
)
def test_no_color_wins(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[1;31m" in CliRunner().invoke(speak, [], color=True).stdout) is coloured


@click.command()
@output_option
def say_long(screen: Screen) -> None:
    screen.result({}, Line(Text("word " * 30), 8, Text("  label")))
    screen.result({}, Text("their own words " * 10, no_wrap=True))


def test_a_line_goes_on_below_its_beginning_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    first, *more, last = CliRunner().invoke(say_long, []).stdout.splitlines()
    assert first.startswith("  label word word")
    assert more
    assert all(line.startswith("        word") and len(line) <= 60 for line in more)
    assert last == "their own words " * 10


def test_and_stays_whole_in_a_pipe() -> None:
    first, last = CliRunner().invoke(say_long, []).stdout.splitlines()
    assert first == "  label " + "word " * 30
    assert last == "their own words " * 10
