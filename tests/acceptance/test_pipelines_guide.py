"""The guide to file pipelines: its programs are written and its commands typed, in order, and answer as it says."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from gangline.cli.main import CommandTable
from tests.acceptance.guide import play, read

PATH = Path(__file__).parents[2] / "docs" / "pipelines.md"
GUIDE = PATH.read_text()
BLOCKS = list(read(GUIDE))
SESSIONS = [block.promised for block in BLOCKS if not isinstance(block, str)]

VARYING = (
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"(DATE )?\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
    (r"(\d+ min )?\d+(\.\d+)? s\b", "SECONDS"),
    (r"process \d+ on \S+", "PROCESS"),
    (r"engine \d+", "ENGINE"),
    (r"\b([Rr]un|ID) [0-9a-f]{8}\b", "RUN"),
    (r"[Tt]ask \d+|^ +\d+  ", "TASK"),
    (r" +", " "),
)


def told(text: str) -> list[str]:
    """The lines of an answer without what differs from run to run, in alphabetical order: jobs run side by side."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return sorted(line.strip() for line in text.splitlines())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, str]]]:
    """What the commands of each session answer."""
    return [answers for _, answers in play(GUIDE, tmp_path_factory.mktemp("guide"))]


def test_there_are_programs_and_commands() -> None:
    programs = [block for block in BLOCKS if isinstance(block, str)]
    assert programs
    assert SESSIONS
    assert all(re.match(r"# \w+\.py\n", program) for program in programs)


@pytest.mark.parametrize("number", range(len(SESSIONS)))
def test_commands_answer_as_the_guide_says(number: int, played: list[list[tuple[str, str]]]) -> None:
    answers = [(command, told(answer)) for command, answer in played[number]]
    promised = [(command, told(answer)) for command, answer in SESSIONS[number]]
    assert answers == promised, f"python -m tests.acceptance.guide docs/{PATH.name} writes it anew"


def test_the_options_that_it_names_exist() -> None:
    group = CommandTable()
    context = click.Context(group)
    named = re.findall(r"gangline (\w+)((?: (?:--[a-z-]+|-\w|[\w.]+))*)", GUIDE)
    assert named
    for name, words in named:
        command = group.get_command(context, name)
        assert command is not None, name
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words.split() if word.startswith("-")} <= known, name


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", GUIDE):
        assert (PATH.parent / target).exists(), target
