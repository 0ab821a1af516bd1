from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import gangline.remote.agent
from gangline.remote import carrying

FOLDER = Path(next(iter(gangline.remote.agent.__path__)))
SOURCES = sorted(FOLDER.glob("*.py"))


def test_every_module_of_the_agent_is_carried() -> None:
    carried = {name for name, _ in carrying._sources()}
    assert carried == {f"gangline.remote.agent.{path.stem}" for path in SOURCES} - {"gangline.remote.agent.__init__"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_agent_is_written_for_python_3_7_and_its_library(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 7))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    foreign = {name for name in imported if not name.startswith("gangline.remote.agent")}
    assert {name.partition(".")[0] for name in foreign} <= sys.stdlib_module_names
    newer = {"removeprefix", "removesuffix", "waitstatus_to_exitcode", "pidfd_open", "is_relative_to"}
    assert not newer & {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_modules_come_in_the_order_in_which_they_import_each_other() -> None:
    known: set[str] = set()
    for name, source in carrying._sources():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gangline"):
                needed = [node.module] if node.module != "gangline.remote.agent" else [
                    f"{node.module}.{alias.name}" for alias in node.names
                ]  # fmt: skip
                assert set(needed) <= known, name
        known.add(name)


def test_what_is_carried_is_small() -> None:
    assert len(carrying.blob({})) < 60_000  # fits into the pipe to ssh at once
