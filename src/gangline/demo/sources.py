"""Which source files the standard library is made of, and which are left out."""

from __future__ import annotations

import os
import sysconfig
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

SINGLE_MODULES = "(single modules)"
"""The package under which modules that belong to none are summed up."""

_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, slots=True)
class Source:
    """One source file.

    Attributes:
        module: Its dotted name, e.g. ``asyncio.base_events``.
        package: The top-level package that it counts for.
        path: Where it stands.
    """

    module: str
    package: str
    path: str


@dataclass(frozen=True, slots=True)
class Library:
    """The standard library as it is found on disk.

    Attributes:
        root: Its folder.
        sources: Every source file in it, by module name.
        extensions: How many modules were left out because they are compiled and have no Python source.
        scripts: How many source files were left out because their name is not one that can be imported.
        installed: How many folders of installed packages were left out.
    """

    root: str
    sources: tuple[Source, ...]
    extensions: int
    scripts: int
    installed: int

    @property
    def packages(self) -> dict[str, list[Source]]:
        """The sources of each top-level package, packages in alphabetical order."""
        packages: dict[str, list[Source]] = {}
        for source in self.sources:
            packages.setdefault(source.package, []).append(source)
        return dict(sorted(packages.items()))


def find_library(root: str | None = None) -> Library:
    """Find every module of a standard library.

    Args:
        root: Its folder; None is that of the running interpreter.

    Returns:
        What is there. Empty if the folder holds no Python source, as with a zipped library.
    """
    top = Path(root or sysconfig.get_path("stdlib"))
    sources: list[Source] = []
    extensions = scripts = installed = 0
    for folder, subfolders, files in os.walk(top):
        installed += len(_INSTALLED.intersection(subfolders))
        subfolders[:] = sorted(set(subfolders) - _INSTALLED - {"__pycache__"})
        extensions += sum(name.endswith(tuple(EXTENSION_SUFFIXES)) for name in files)
        parts = Path(folder).relative_to(top).parts
        for name in files:
            if name.endswith(".py"):
                module = _module_name(parts, name.removesuffix(".py"))
                if all(part.isidentifier() for part in module):
                    package = parts[0] if parts else SINGLE_MODULES
                    sources.append(Source(".".join(module), package, str(Path(folder, name))))
                else:
                    scripts += 1
    return Library(str(top), tuple(sorted(sources, key=lambda s: s.module)), extensions, scripts, installed)


def _module_name(folders: tuple[str, ...], stem: str) -> tuple[str, ...]:
    return folders if stem == "__init__" and folders else (*folders, stem)
