"""A queue in each of the stores, and classes of jobs as a user's module has them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from gangline.queue import Queue
from tests.integration.queue_store.conftest import emptied


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is configured, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANGLINE_QUEUE_URL", raising=False)
    monkeypatch.delenv("GANGLINE_QUEUE_CONFIG", raising=False)


@pytest.fixture(params=["sqlite", "postgres"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    """An empty queue, first in a file, then in a real PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/jobs.db"
    else:
        url = emptied(request.getfixturevalue("server").url)
    with Queue(url) as queue:
        yield queue


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module `shop`, in the current folder."""
    (tmp_path / "shop.py").write_text((Path(__file__).parents[2] / "unit" / "queue" / "shop.py").read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("shop")
    del sys.modules["shop"]
