"""A place for the files of clusters that is nobody else's, and nothing that is left when a test is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.cluster import standing


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where clusters leave word of themselves."""
    folder = tmp_path / "clusters"
    monkeypatch.setenv("GANGLINE_CLUSTERS", str(folder))
    yield folder
    for lock in folder.glob("*.lock"):
        standing.stop(lock.stem)
