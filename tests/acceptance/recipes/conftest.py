"""Recipes and node scripts as users write them."""

from __future__ import annotations

import logging
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gangline.recipes import BaseRecipe, RemoteCommandRecipeMixIn

Script = Callable[..., str]


class Recipe(BaseRecipe, RemoteCommandRecipeMixIn):  # type: ignore[misc]
    """A recipe that only schedules jobs."""


@pytest.fixture
def recipe() -> Recipe:
    return Recipe()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Write a node script whose `run` has this body; gives the command that runs it."""

    def write(body: str, name: str = "node", before: str = "") -> str:
        file = tmp_path / f"{name}.py"
        file.write_text(
            "import os, signal, sys, time\n"
            "from gangline.recipes import LOFARnode\n"
            f"{textwrap.dedent(before)}\n"
            f"class {name}(LOFARnode):\n"
            "    def run(self, *args):\n"
            f"{textwrap.indent(textwrap.dedent(body), ' ' * 8)}\n\n"
            'if __name__ == "__main__":\n'
            f"    sys.exit({name}(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))\n"
        )
        return f"python {file}"

    return write


@pytest.fixture
def python() -> str:
    return sys.executable


class Kept(logging.Handler):
    """Keeps all records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def of(self, prefix: str) -> list[logging.LogRecord]:
        return [record for record in self.records if record.name.startswith(prefix)]


@pytest.fixture
def kept() -> Iterator[Kept]:
    """Everything that is logged, from DEBUG on."""
    root, handler = logging.getLogger(), Kept()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(before)
    root.removeHandler(handler)
