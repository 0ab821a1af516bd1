"""A folder for jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.backends.batch.runs import Run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    run = Run.begin(tmp_path / "jobs")
    yield run
    run.end(keep=False)
