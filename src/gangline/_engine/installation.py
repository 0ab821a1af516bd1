"""What every interpreter of this kind can import from, and what only this program can."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from functools import lru_cache

__all__ = ["installed_folders", "own_folders"]


@lru_cache(maxsize=1)
def installed_folders() -> tuple[str, ...]:
    """Where the standard library and installed packages are."""
    paths = sysconfig.get_paths()
    homes = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    homes.update(site.getsitepackages())
    homes.add(site.getusersitepackages())
    return tuple(os.path.abspath(home) for home in homes)


def own_folders() -> tuple[str, ...]:
    """The folders of `sys.path` beside those: of the program, of PYTHONPATH, and what has been added."""
    homes = installed_folders()
    folders = [entry for entry in sys.path if isinstance(entry, str) and os.path.isabs(entry) and os.path.isdir(entry)]
    own = [each for each in folders if not any(each == home or each.startswith(home + os.sep) for home in homes)]
    return tuple(dict.fromkeys(own))
