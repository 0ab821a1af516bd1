"""The guide to file pipelines: its programs are written and its commands typed, in order, and answer as it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gangline.cli.main import CommandTable

GUIDE = Path(__file__).parents[2] / "docs" / "pipelines.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
SESSIONS = [number for number, (kind, _) in enumerate(BLOCKS) if kind == "console"]

VARYING = (
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
    (r"\d+(\.\d+)? s\b", "SECONDS"),
    (r"process \d+ on \S+", "PROCESS"),
    (r"engine \d+", "ENGINE"),
    (r"\b([Rr]un|ID) [0-9a-f]{8}\b", "RUN"),
    (r"[Tt]ask \d+|^ +\d+  ", "TASK"),
    (r" +", " "),
)


def told(text: str, folder: str) -> list[str]:
    """The lines of an answer without what differs from run to run, in alphabetical order: jobs run side by side."""
    text = text.replace(folder, "FOLDER")
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return sorted(line.strip() for line in text.splitlines())


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[tuple[str, list[str]]]]:
    """What the commands of each session answer, in one folder from the first to the last."""
    folder = tmp_path_factory.mktemp("guide")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "120"}
    found: dict[int, list[tuple[str, list[str]]]] = {}
    for number, (kind, text) in enumerate(BLOCKS):
        if kind == "python":
            (folder / text.split()[1]).write_text(text)
            continue
        found[number] = []
        for command in re.findall(r"^\$ (.*)", text, re.MULTILINE):
            done = subprocess.run(
                command,
                shell=True,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=50,
            )
            found[number].append((command, told(done.stdout, str(folder))))
    return found


def test_there_are_programs_and_commands() -> None:
    assert {kind for kind, _ in BLOCKS} == {"python", "console"}
    assert all(re.match(r"# \w+\.py\n", text) for kind, text in BLOCKS if kind == "python")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", SESSIONS)
def test_commands_answer_as_the_guide_says(number: int, answers: dict[int, list[tuple[str, list[str]]]]) -> None:
    promised = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", BLOCKS[number][1], re.MULTILINE)
    assert answers[number] == [(command, told(answer, "/home/ada/work")) for command, answer in promised]


def test_the_options_that_it_names_exist() -> None:
    group = CommandTable()
    context = click.Context(group)
    named = re.findall(r"gangline (\w+)((?: (?:--[a-z-]+|-\w|[\w.]+))*)", GUIDE.read_text())
    assert named
    for name, words in named:
        command = group.get_command(context, name)
        assert command is not None, name
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words.split() if word.startswith("-")} <= known, name


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", GUIDE.read_text()):
        assert (GUIDE.parent / target).exists(), target
