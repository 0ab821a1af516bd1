"""The guide to recipes: its programs are written and its commands typed, in order, and answer as it says."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

import gangline.recipes as face
from gangline.recipes.configuration import OPTIONS
from gangline.recipes.outcome import JobKind
from gangline.recipes.remotecommand import RemoteCommandRecipeMixIn
from tests.acceptance.guide import play, read

PATH = Path(__file__).parents[2] / "docs" / "recipes.md"
GUIDE = PATH.read_text()
SESSIONS = [block.promised for block in read(GUIDE) if not isinstance(block, str)]
ROWS = [line.split("|")[1:-1] for line in GUIDE.splitlines() if line.startswith("| ")]

VARYING = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d([,.]\d+)?", "TIME"),
    (r"\d+\.\d+ ?s\b", "SECONDS"),
    (r"Run \w+ of", "Run ID of"),
    (r"process \d+ on \S+", "PROCESS"),
    (r"^ +[~^]+$", ""),
    (r" +", " "),
)


def told(text: str) -> list[str]:
    """The lines of an answer without what differs from run to run; jobs that run at once log in any order."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return sorted(line.strip() for line in text.splitlines() if line.strip())


def codes(text: str) -> set[str]:
    """The names in a text that are set as code."""
    return {name for code in re.findall(r"`([^`]+)`", text) for name in re.findall(r"\w+", code)}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, str]]]:
    """What the commands of each session answer."""
    return [answers for _, answers in play(GUIDE, tmp_path_factory.mktemp("guide"))]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", range(len(SESSIONS)))
def test_commands_answer_as_the_guide_says(played: list[list[tuple[str, str]]], number: int) -> None:
    for (command, answer), (_, promised) in zip(played[number], SESSIONS[number], strict=True):
        assert (command, told(answer)) == (command, told(promised))


def test_every_way_in_which_jobs_end_is_in_the_table() -> None:
    rows = {name for first, *_ in ROWS for name in codes(first)}
    assert set(get_args(JobKind)) <= rows


def test_every_argument_of_schedule_jobs_is_told_of() -> None:
    named = {name for first, *_ in ROWS for name in codes(first)}
    assert set(inspect.signature(RemoteCommandRecipeMixIn._schedule_jobs).parameters) - {"self", "jobs"} <= named


def test_every_field_is_in_the_table() -> None:
    fields = {name for name in face.__all__ if name.endswith("Field") or name == "FileList"} - {"Field"}
    assert fields <= {name for first, *_ in ROWS for name in codes(first)}


def test_every_option_of_the_configuration_is_in_the_table() -> None:
    rows = {first.strip().strip("`"): codes(second) for first, second, *_ in ROWS}
    for section, options in OPTIONS.items():
        known = {name for name in options if not name.startswith(("task_furl", "multiengine_furl", "controller_ppath"))}
        left_out = {"xml_stat_file"}  # is accepted, since old files have it, and means nothing
        assert known - left_out <= rows[section], section


IMPORTS = [(first.strip().strip("`"), second.strip().strip("`")) for first, second, *_ in ROWS if "lofarpipe" in first]


@pytest.mark.parametrize(("before", "now"), IMPORTS)
def test_import_lines_work_with_their_beginning_changed(before: str, now: str) -> None:
    assert before.replace("lofarpipe.support", "gangline.recipes") == now
    exec(now, {})


def test_every_module_with_an_old_name_is_in_the_table() -> None:
    assert len(IMPORTS) >= 12
    for _, now in IMPORTS:
        module = now.split()[1].rpartition(".")[2]
        assert (Path(face.__file__).parent / f"{module}.py").exists()


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", GUIDE):
        assert (PATH.parent / target).exists(), target
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)", GUIDE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)", GUIDE)) <= headings
