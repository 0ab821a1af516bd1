"""Scripts that stand before programs on the PATH: they count calls, and may do something else than the program."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


class Before:
    """A script before a program.

    Args:
        program: Which.
        folder: For its files.
        monkeypatch: How long it stands there.
        script: What is done; REAL calls the program with the arguments. Without, just that.
    """

    def __init__(self, program: str, folder: Path, monkeypatch: pytest.MonkeyPatch, script: str = "exec REAL") -> None:
        self._calls = folder / f"{program}.calls"
        self._calls.touch()
        path = folder / "before" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho >>{self._calls}\n{script}\n".replace("REAL", f'{shutil.which(program)} "$@"'))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")

    @property
    def calls(self) -> int:
        """How often the program was called."""
        return len(self._calls.read_text().splitlines())
