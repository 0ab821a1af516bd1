"""What `gangline demo` refuses before it starts any engine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gangline.cli import demo
from gangline.cli.main import gangline
from gangline.demo.sources import Library


@pytest.fixture(autouse=True)
def _no_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError("an engine was started")

    monkeypatch.setattr(demo, "Client", refuse)


def complaint(*arguments: str) -> str:
    result = CliRunner().invoke(gangline, ["demo", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


@pytest.mark.parametrize("backend", ["inline", "threads"])
def test_only_processes_can_be_killed(backend: str) -> None:
    assert f"--kill needs engines that are processes; those of --backend {backend}" in complaint(
        "--kill", "--backend", backend
    )


def test_the_picture_needs_a_suffix_and_a_folder(tmp_path: Path) -> None:
    assert "must end in .svg, .png or .pdf" in complaint("--picture", str(tmp_path / "library.doc"))
    assert "there is no folder" in complaint("--picture", str(tmp_path / "nowhere" / "library.svg"))


def test_a_missing_extra_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def spec(name: str) -> Any:
        return None if name == "squarify" else find_spec(name)

    monkeypatch.setattr(demo, "find_spec", spec)
    assert "the picture needs squarify: pip install 'gangline[demo]'" in complaint()


def test_an_interpreter_without_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_library", lambda: Library("/zipped", (), 0, 0, 0))
    assert "no Python sources in /zipped" in complaint("--no-picture")


def test_numbers_of_engines_that_cannot_be() -> None:
    assert "--engines" in complaint("--engines", "0")
    assert "--backend inline has one engine" in complaint("--backend", "inline", "--engines", "2")
