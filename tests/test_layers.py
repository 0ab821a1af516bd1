"""The contracts in pyproject.toml are kept by `make lint`; here is what they cannot say, and that they do bite."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]


def _ranks() -> dict[str, int]:
    """Each package's place in the layers, counted from the top."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    return {name.strip(" ()"): rank for rank, layer in enumerate(layers) for name in layer.split("|")}


def test_even_imports_for_types_point_downward() -> None:
    graph = grimp.build_graph("gangline", cache_dir=None)
    ranks = _ranks()
    upward = []
    for importer in sorted(graph.modules):
        for imported in graph.find_modules_directly_imported_by(importer):
            places = [ranks.get(module.split(".")[1]) for module in (importer, imported) if "." in module]
            if len(places) == 2 and None not in places and places[0] > places[1]:
                upward.append(f"{importer} -> {imported}")
    assert upward == []


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package that may be spoilt."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "src" / "gangline", folder / "gangline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize(
    ("place", "line", "contract"),
    [
        ("_core/spoilt.py", "import time", "The core, the observers and the messages are pure"),
        ("_core/spoilt.py", "from gangline.backends import inline", "Imports point downward only"),
        ("backends/spoilt.py", "from gangline._runtime import session", "Imports point downward only"),
        ("newcomer.py", "", "Imports point downward only"),
        ("views/spoilt.py", "from gangline import Client", "Nothing inside imports the face"),
        ("_runtime/spoilt.py", "import numpy", "Optional dependencies are imported in their own place only"),
    ],
)
def test_a_violation_breaks_its_contract(copy: Path, place: str, line: str, contract: str) -> None:
    spoilt = copy / "gangline" / place
    spoilt.write_text(line + "\n")
    try:
        command = [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as lint; lint()",
            "--no-cache",
        ]
        lint = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, env={"PYTHONPATH": str(copy)}, check=False
        )
    finally:
        spoilt.unlink()
    assert lint.returncode == 1, lint.stdout + lint.stderr
    broken = lint.stdout.partition("Broken contracts")[2]
    assert contract in broken.replace("\n", " "), lint.stdout
