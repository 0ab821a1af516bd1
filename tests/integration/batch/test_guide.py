"""The guide to jobs of a site's scheduler: its programs are run on a real Slurm, and answer as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gangline import errors
from gangline.remote.resources import Resources
from tests.acceptance.guide import play, read
from tests.slurm import Slurm

PATH = Path(__file__).parents[3] / "docs" / "batch.md"
GUIDE = PATH.read_text()
SESSIONS = [block.promised for block in read(GUIDE) if not isinstance(block, str)]


@pytest.fixture(scope="module")
def played(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, str]]]:
    """What the commands of each session answer."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in slurm.environment.items():
            patch.setenv(name, value)
        return [answers for _, answers in play(GUIDE, tmp_path_factory.mktemp("guide"))]


@pytest.mark.parametrize("number", range(len(SESSIONS)))
def test_commands_answer_as_the_guide_says(played: list[list[tuple[str, str]]], number: int) -> None:
    assert played[number] == list(SESSIONS[number])


def test_every_name_is_in_the_table() -> None:
    rows = [line.split("|")[1].strip(" `") for line in GUIDE.splitlines() if line.startswith("| `")]
    for name in rows:
        Resources.read({name: {"cores": 1, "memory": 1, "wall_time": 1, "options": {}}.get(name, "x")})
    assert len(rows) == 6


def test_every_error_exists() -> None:
    for name in re.findall(r"`((?:Command|Job)[A-Z]\w+)`", GUIDE):
        assert hasattr(errors, name), name


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", GUIDE):
        assert (PATH.parent / target).exists(), target
