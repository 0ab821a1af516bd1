"""Finding the files of a library."""

from __future__ import annotations

import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from gangline.demo.sources import SINGLE_MODULES, find_library


def test_what_counts_and_what_is_left_out(tmp_path: Path) -> None:
    for name in (
        "single.py",
        "package/__init__.py",
        "package/part.py",
        "package/sub/deep.py",
        "package/data.txt",
        "package/__pycache__/part.py",
        "site-packages/other/__init__.py",
        "config-x/script.py",
        f"fast{EXTENSION_SUFFIXES[0]}",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    library = find_library(str(tmp_path))
    assert {package: [source.module for source in sources] for package, sources in library.packages.items()} == {
        SINGLE_MODULES: ["single"],
        "package": ["package", "package.part", "package.sub.deep"],
    }
    assert (library.extensions, library.scripts, library.installed) == (1, 1, 1)
    assert library.sources[0].path == str(tmp_path / "package" / "__init__.py")


def test_the_running_interpreters_library_is_the_default() -> None:
    library = find_library()
    assert library.root == sysconfig.get_path("stdlib")
    assert {"os", "asyncio", "json.decoder"} <= {source.module for source in library.sources}


def test_a_folder_without_sources_is_empty(tmp_path: Path) -> None:
    assert find_library(str(tmp_path)).sources == ()
