"""Runs the programs of batch_program.py where a Grid Engine is."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.grid_engine import GridEngine

_PROGRAM = Path(__file__).with_name("batch_program.py")


class Runner:
    """Runs them.

    Args:
        system: Which batch system they use, by name.
        grid_engine: Where.
        tmp_path_factory: For their folders.
    """

    def __init__(self, system: str, grid_engine: GridEngine, tmp_path_factory: pytest.TempPathFactory) -> None:
        self._system = system
        self._grid_engine = grid_engine
        self._factory = tmp_path_factory
        self._folders: dict[str, Path] = {}

    def folder(self, name: str) -> Path:
        """Where a program has run."""
        return self._folders[name]

    def run_all(self, *names: str) -> dict[str, dict[str, Any]]:
        """What programs tell that run side by side."""
        with ThreadPoolExecutor(len(names)) as threads:
            return dict(zip(names, threads.map(self.run, names), strict=True))

    def run(self, name: str) -> dict[str, Any]:
        """What a program tells; in between it may ask to have the master stopped and started."""
        folder = self._folders[name] = self._factory.mktemp(f"{self._system}-{name}")
        steps = {"stop\n": self._grid_engine.stop_master, "start\n": self._grid_engine.start_master}
        with self._grid_engine.program(_PROGRAM, self._system, name, folder=folder) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            assert program.stderr is not None
            line = ""
            for line in program.stdout:
                if line not in steps:
                    break
                steps[line]()
                program.stdin.write("\n")
                program.stdin.flush()
            program.stdin.close()
            complaint = program.stderr.read()
        assert program.returncode == 0, complaint
        told: dict[str, Any] = json.loads(line)
        return told
