"""The guide to durable jobs: its programs are written and its commands typed, in order, and answer as it says."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import click
import pytest

from gangline.cli.main import CommandTable
from gangline.cli.queue.group import QueueTable
from gangline.queue.properties import NAMES
from tests.acceptance.guide import play, read

PATH = Path(__file__).parents[2] / "docs" / "jobs.md"
GUIDE = PATH.read_text()
SESSIONS = [block.promised for block in read(GUIDE) if not isinstance(block, str)]

VARYING = (
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"(DATE )?\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
    (r"\d+(\.\d+)? s\b", "SECONDS"),
    (r"\S+-\d+ on \S+ process \d+", "PROCESS"),
    (r"by \S+ on \S+", "SOMEBODY"),
    (r"DATE TIME", "TIME"),
    (r"trial +\d+", "trial N"),
    (r"\[\d+\] parts still to do", "waiting"),
    (r" +", " "),
)


def told(text: str) -> list[str]:
    """The lines of an answer without what differs from run to run."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return [line.strip() for line in text.splitlines()]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, str]]]:
    """What the commands of each session answer."""
    return [answers for _, answers in play(GUIDE, tmp_path_factory.mktemp("guide"))]


@pytest.mark.parametrize("number", range(len(SESSIONS)))
def test_commands_answer_as_the_guide_says(played: list[list[tuple[str, str]]], number: int) -> None:
    for (command, answer), (_, promised) in zip(played[number], SESSIONS[number], strict=True):
        assert (command, told(answer)) == (command, told(promised))


def test_every_property_is_in_the_table() -> None:
    named = set(re.findall(r"`(\w+)", "".join(line for line in GUIDE.splitlines() if line.startswith("| `"))))
    assert set(NAMES) <= named


def test_commands_and_options_that_the_guide_names_exist() -> None:
    for command, name, words in re.findall(r"gangline (queue |)(\w+)((?: +[^\n`|]*)?)", GUIDE):
        group = QueueTable() if command else CommandTable()
        found = group.get_command(click.Context(group), name)
        assert found is not None, name
        known = {option for parameter in found.params for option in parameter.opts}
        assert {word.partition("=")[0] for word in words.split() if word.startswith("--")} <= known, (name, words)


def test_the_unit_for_systemd_starts_a_worker() -> None:
    (text,) = re.findall(r"^```ini\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    unit = configparser.ConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    program, command, *words = unit["Service"]["ExecStart"].split()
    assert (Path(program).is_absolute(), Path(program).name, command) == (True, "gangline", "worker")
    worker = CommandTable().get_command(click.Context(CommandTable()), command)
    assert worker is not None
    assert worker.make_context("worker", words).params["slots"] == 4


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", GUIDE):
        assert (PATH.parent / target).exists(), target
