from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a folder of its own, with nothing in the environment that names a history."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DEFAULT_RUFFUS_HISTORY_FILE", raising=False)
    monkeypatch.delenv("DEFAULT_RUFFUS_CHECKSUM_LEVEL", raising=False)
    return tmp_path
