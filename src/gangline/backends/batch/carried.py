"""The modules that `onnode` needs on a host for node scripts, as one file that Python can import from."""

from __future__ import annotations

import os
import zipfile
from importlib import resources
from pathlib import Path

__all__ = ["MODULES", "NAME", "write_carried"]

NAME = "carried.zip"
MODULES = (
    "gangline.remote.agent.wire",
    "gangline.remote.agent.loop",
    "gangline.remote.agent.outgoing",
    "gangline.remote.agent.logport",
    "gangline.backends.batch.messages",
)


def write_carried(folder: Path) -> None:
    """Put them into a folder.

    Raises:
        OSError: It cannot be written.
    """
    new = folder / f"{NAME}.new"
    packages = set()
    with zipfile.ZipFile(new, "w") as archive:
        for module in MODULES:
            package, _, name = module.rpartition(".")
            path = module.replace(".", "/")
            archive.writestr(f"{path}.py", (resources.files(package) / f"{name}.py").read_text("utf-8"))
            while package:
                packages.add(package.replace(".", "/"))
                package = package.rpartition(".")[0]
        for path in sorted(packages):
            archive.writestr(f"{path}/__init__.py", "")
    os.rename(new, folder / NAME)
