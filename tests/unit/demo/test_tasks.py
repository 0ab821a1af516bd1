"""What the tasks hand on to each other, and the picture they end in."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gangline.demo.sources import Source
from gangline.demo.tasks import draw_library, measure_module, read_measurements, summarize_package

MODULES = ("package", "package.busy", "package.broken", "package.gone")


@pytest.fixture
def measured(tmp_path: Path) -> str:
    """A folder with the measurements of a small package."""
    texts = {
        "package": "import os, json\n",
        "package.busy": "import package.broken, os\nclass C:\n    def f(self):\n        return 1 if self else 2\n",
        "package.broken": "def f(:\n",
    }
    folder = tmp_path / "measured"
    folder.mkdir()
    for module in MODULES:
        path = tmp_path / f"{module}.py"
        if module in texts:
            path.write_text(texts[module])
        measure_module(Source(module, "package", str(path)), str(folder))
    return str(folder)


def test_a_package_is_the_sum_of_its_modules(measured: str) -> None:
    summary = summarize_package("package", MODULES, measured)
    assert (summary.modules, summary.lines, summary.functions, summary.classes, summary.complexity) == (4, 6, 1, 1, 2)
    assert (summary.worst, summary.worst_complexity) == ("package.busy.C.f", 2)
    assert summary.imports == ("json", "os")
    (broken, reason), (gone, missing) = summary.unreadable
    assert (broken, gone) == ("package.broken", "package.gone")
    assert "SyntaxError" in reason
    assert "FileNotFoundError" in missing


def test_measuring_again_changes_nothing(measured: str, tmp_path: Path) -> None:
    before = read_measurements(MODULES, measured)
    source = Source("package.busy", "package", str(tmp_path / "package.busy.py"))
    assert measure_module(source, measured) == 4
    assert read_measurements(MODULES, measured) == before
    assert sorted(path.name for path in Path(measured).iterdir()) == sorted(f"{module}.json" for module in MODULES)


def test_the_picture_names_every_module_and_is_always_the_same(measured: str, tmp_path: Path) -> None:
    first, second = (draw_library(MODULES, measured, str(tmp_path / name)) for name in ("a.svg", "b.svg"))
    assert Path(first).read_bytes() == Path(second).read_bytes()
    hints = [title.text or "" for title in ElementTree.parse(first).iter("{http://www.w3.org/2000/svg}title")]
    assert sorted(hint.split(":")[0] for hint in hints) == sorted(MODULES)
    assert any("most branched: C.f, 2 ways" in hint for hint in hints)
    assert any("SyntaxError" in hint for hint in hints)


def test_a_library_without_any_line_can_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "empty.py").touch()
    measure_module(Source("empty", "empty", str(tmp_path / "empty.py")), str(tmp_path))
    assert Path(draw_library(["empty"], str(tmp_path), str(tmp_path / "empty.png"))).stat().st_size > 0
