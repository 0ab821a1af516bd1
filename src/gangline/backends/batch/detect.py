"""Which scheduler a site has, and through what it is talked to."""

from __future__ import annotations

import ctypes.util
import difflib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from gangline.backends.batch.system import BatchSystem
from gangline.errors import BackendError, GanglineError, UsageError

__all__ = ["NAMES", "find_system"]

NAMES = ("slurm", "sge", "drmaa")

_SLURM_FILES = ("/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf")
_SGE_ROOT = "/var/lib/gridengine"
"""Where the commands of Debian look, if nobody says where."""


def find_system(name: str | None = None) -> BatchSystem:
    """The scheduler of this site.

    Args:
        name: "slurm" or "sge" for their own commands, "drmaa" for what its library stands for. None: DRMAA where its
            library loads and stands for a scheduler that is here, else the commands of that which is here.

    Raises:
        UsageError: There is none of this name.
        MissingExtra: DRMAA is named, and the package `drmaa` is not there.
        BackendError: There is none here; the message says where it was looked for.
    """
    if name is None:
        return _find_any()
    if name == "slurm":
        return _slurm()
    if name == "sge":
        return _grid_engine()
    if name == "drmaa":
        return _drmaa()
    near = difflib.get_close_matches(str(name).lower(), (*NAMES, *_OTHER_NAMES), 1)
    right = _OTHER_NAMES.get(near[0], near[0]) if near else ""
    hint = f"did you mean {right!r}?" if right else f"there are {', '.join(NAMES)}."
    raise UsageError(f"there is no batch system {name!r}: {hint}")


_OTHER_NAMES = {
    "grid engine": "sge",
    "gridengine": "sge",
    "grid_engine": "sge",
    "uge": "sge",
    "qsub": "sge",
    "sbatch": "slurm",
}


def _find_any() -> BatchSystem:
    present = find_present(os.environ)
    if has_drmaa_library(os.environ):
        try:
            # Its library does without the commands.
            return _drmaa([*present, "sge"] if _has_cell(os.environ) else present)
        except GanglineError as exc:
            why_not = f"the library of DRMAA is of no use here: {exc}"
    else:
        why_not = "no library of DRMAA (in DRMAA_LIBRARY_PATH, or where the system has its libraries)"
    if "slurm" in present[:1]:
        return _slurm()
    if "sge" in present[:1]:
        return _grid_engine()
    raise BackendError(
        f"no batch system was found here. There is no sbatch of Slurm on PATH; no qsub of Grid Engine with a cell in "
        f"SGE_ROOT ({_cell(os.environ)}); {why_not}"
    )


def find_present(environment: Mapping[str, str]) -> list[str]:
    """The names of the schedulers that have a configuration or at least commands here; the likeliest is first.

    Args:
        environment: Variables that say where they are.
    """
    # Slurm can do without a file here, but Grid Engine cannot.
    found = [*find_configured(environment), *(["slurm"] if _has("sbatch", environment) else [])]
    return list(dict.fromkeys(found))


def find_configured(environment: Mapping[str, str]) -> list[str]:
    """The names of the schedulers that have commands and a configuration here, and so should answer.

    Args:
        environment: Variables that say where they are.
    """
    has_file = "SLURM_CONF" in environment or any(map(os.path.exists, _SLURM_FILES))
    slurm = has_file and _has("sbatch", environment)
    grid_engine = _has_cell(environment) and _has("qsub", environment)
    return [name for name, here in (("slurm", slurm), ("sge", grid_engine)) if here]


def _has(program: str, environment: Mapping[str, str]) -> bool:
    return shutil.which(program, path=environment.get("PATH")) is not None


def _cell(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("SGE_ROOT") or _SGE_ROOT, environment.get("SGE_CELL") or "default", "common")


def _has_cell(environment: Mapping[str, str]) -> bool:
    return (_cell(environment) / "act_qmaster").exists()


def has_drmaa_library(environment: Mapping[str, str]) -> bool:
    """Whether there is a library of DRMAA that could be loaded."""
    if "DRMAA_LIBRARY_PATH" in environment:
        return os.path.exists(environment["DRMAA_LIBRARY_PATH"])
    return ctypes.util.find_library("drmaa") is not None


def _slurm() -> BatchSystem:
    from gangline.backends.batch.slurm import Slurm

    return Slurm()


def _grid_engine() -> BatchSystem:
    from gangline.backends.batch.grid_engine import GridEngine

    return GridEngine()


def _drmaa(present: list[str] | None = None) -> BatchSystem:
    from gangline.backends.batch.drmaa_session import DrmaaSession

    return DrmaaSession(present)
