from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline.running.entry import pipeline_run
from gangline.pipeline.stages.pipeline import Pipeline


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    yield Pipeline("tested")
    Pipeline.clear_all()


class Ear:
    """A logger that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def info(self, text: str) -> None:
        self.heard.append(text)

    debug = warning = error = info

    @property
    def text(self) -> str:
        return "\n".join(self.heard)


@pytest.fixture
def ear() -> Ear:
    return Ear()


def run(pipeline: Pipeline, *args: Any, **named: Any) -> None:
    """Run it without a word."""
    pipeline_run(*args, pipeline=pipeline, **({"verbose": 0} | named))


def write(path: str, text: str = "") -> None:
    Path(path).write_text(text, encoding="utf-8")


def files(pattern: str = "*") -> list[str]:
    return sorted(path.name for path in Path().glob(pattern) if not path.name.startswith("."))
