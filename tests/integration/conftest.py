"""Real servers for tests. What is missing is installed in CI; elsewhere its tests are skipped, naming it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests import slurm as slurm_support
from tests import slurm_accounting
from tests.integration import grid_engine as support

IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def grid_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[support.GridEngine]:
    """A Grid Engine with twenty slots."""
    with _grid_engine(tmp_path_factory.mktemp("sge")) as engine:
        yield engine


@pytest.fixture
def own_grid_engine(tmp_path: Path) -> Iterator[support.GridEngine]:
    """Another one, for a test that does not treat it well."""
    with _grid_engine(tmp_path) as engine:
        yield engine


@contextlib.contextmanager
def _grid_engine(folder: Path) -> Iterator[support.GridEngine]:
    if support.missing() and IN_CI and os.geteuid() == 0:
        support.install()
    if why := support.missing():
        pytest.skip(why)
    namespace = _namespace()
    try:
        yield support.GridEngine(folder, 20, namespace.enter if namespace else [])
    finally:
        if namespace:
            namespace.close()  # and all that runs in it
        else:
            support.end_daemons(folder)


def _namespace() -> support.Namespace | None:
    try:
        return support.Namespace()
    except (OSError, PermissionError) as exc:
        if not IN_CI:
            pytest.skip(f"no Grid Engine: its daemons listen on all addresses, and they cannot be shut in: {exc}")
        return None


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm_support.Slurm]:
    """A Slurm with three nodes of four CPUs; it keeps no accounts."""
    _have(slurm_support)
    with slurm_support.started(tmp_path_factory.mktemp("slurm") / "s") as slurm:
        yield slurm


@pytest.fixture(scope="session")
def slurm_with_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm_support.Slurm]:
    """One with a node that keeps accounts, enforces their limits, and forgets jobs a few seconds after their end."""
    _have(slurm_support)
    _have(slurm_accounting)
    settings = {"MinJobAge": "2", "AccountingStorageEnforce": "associations,limits"}
    with slurm_support.started(tmp_path_factory.mktemp("slurm") / "s", 1, settings=settings, accounting=True) as slurm:
        yield slurm


def _have(support: ModuleType) -> None:
    if support.missing() and IN_CI and os.geteuid() == 0:
        support.install()
    if why := support.missing():
        pytest.skip(why)
