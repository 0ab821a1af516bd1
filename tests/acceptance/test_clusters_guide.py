"""The guide to clusters: its programs are written and its commands typed, in order, and answer as it says."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from gangline.cli.cluster.group import ClusterTable
from gangline.cluster.configuration import JOB_KEYS, TOML_KEYS
from gangline.cluster.launchers import LAUNCHERS
from tests.acceptance.guide import play, read
from tests.integration.conftest import slurm  # noqa: F401  a fixture
from tests.slurm import Slurm

PATH = Path(__file__).parents[2] / "docs" / "clusters.md"
GUIDE = PATH.read_text()
SESSIONS = [block.promised for block in read(GUIDE) if not isinstance(block, str)]


def told(text: str) -> list[str]:
    """The lines of an answer without what differs from run to run."""
    lines = [re.sub(r"process \d+", "process N", line) for line in text.splitlines()]
    return [re.sub(r"job \d+ on \S+", "job N on HOST", line) for line in lines]


@pytest.fixture(scope="module")
def played(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, str]]]:  # noqa: F811
    """What the commands of each session answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANGLINE_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        for name, value in slurm.environment.items():
            patch.setenv(name, value)
        return [answers for _, answers in play(GUIDE, tmp_path_factory.mktemp("guide"))]


@pytest.mark.parametrize("number", range(len(SESSIONS)))
def test_commands_answer_as_the_guide_says(played: list[list[tuple[str, str]]], number: int) -> None:
    for (command, answer), (_, promised) in zip(played[number], SESSIONS[number], strict=True):
        assert (command, told(answer)) == (command, told(promised))


def test_every_key_is_in_the_table() -> None:
    rows = [line.split("|")[1] for line in GUIDE.splitlines() if line.startswith("| `")]
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == [*TOML_KEYS, *JOB_KEYS]


def test_every_launcher_is_named() -> None:
    (row,) = [line for line in GUIDE.splitlines() if line.startswith("| `launcher`")]
    assert set(re.findall(r"`(\w+)`", row.split("|")[2])) == set(LAUNCHERS)


def test_commands_and_options_that_the_guide_names_exist() -> None:
    for name, words in re.findall(r"gangline cluster (\w+)((?: +[^\n`|]*)?)", GUIDE):
        group = ClusterTable()
        found = group.get_command(click.Context(group), name)
        assert found is not None, name
        known = {option for parameter in found.params for option in parameter.opts}
        assert {word for word in words.split() if word.startswith("--")} <= known, (name, words)


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", GUIDE):
        assert (PATH.parent / target).exists(), target
