"""Which scheduler a site has."""

from __future__ import annotations

from pathlib import Path

import pytest

from gangline.backends.batch import detect
from gangline.backends.batch.detect import find_present, find_system, has_drmaa_library
from gangline.errors import BackendError, UsageError


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A site without anything."""
    monkeypatch.setattr(detect, "_SLURM_FILES", ())
    monkeypatch.setattr(detect, "_SGE_ROOT", str(tmp_path / "none"))
    for name in ("SLURM_CONF", "SGE_ROOT", "SGE_CELL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere/libdrmaa.so")
    return tmp_path


def command(site: Path, name: str) -> None:
    path = site / "bin" / name
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)


def cell(site: Path, name: str = "default") -> str:
    common = site / "sge" / name / "common"
    common.mkdir(parents=True)
    (common / "act_qmaster").write_text("host\n")
    return str(site / "sge")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("slrum", "slurm"),
        ("Slurm", "slurm"),
        ("sgee", "sge"),
        ("grid_engine", "sge"),
        ("qsub", "sge"),
        ("drma", "drmaa"),
    ],
)
def test_a_name_that_is_not_known_gets_the_nearest_that_is(wrong, right):
    with pytest.raises(UsageError, match=f"there is no batch system '{wrong}': did you mean '{right}'"):
        find_system(wrong)


def test_a_name_that_is_nothing_alike_gets_all_that_are():
    with pytest.raises(UsageError, match="there are slurm, sge, drmaa"):
        find_system("kubernetes")


def test_where_nothing_is_it_is_said_what_was_looked_for(site):
    with pytest.raises(BackendError) as caught:
        find_system()
    for word in ("sbatch", "qsub", "SGE_ROOT", "DRMAA_LIBRARY_PATH"):
        assert word in str(caught.value)


def test_commands_alone_are_slurm_but_not_grid_engine(site):
    path = {"PATH": str(site / "bin")}
    assert find_present(path) == []
    command(site, "qsub")
    assert find_present(path) == []
    command(site, "sbatch")
    assert find_present(path) == ["slurm"]


def test_what_is_configured_comes_first(site):
    command(site, "qsub")
    command(site, "sbatch")
    path = {"PATH": str(site / "bin")}
    grid_engine = path | {"SGE_ROOT": cell(site)}
    assert find_present(grid_engine) == ["sge", "slurm"]
    assert find_present(grid_engine | {"SLURM_CONF": "/some/where"}) == ["slurm", "sge"]
    assert find_present(grid_engine | {"SGE_CELL": "other"}) == ["slurm"]
    cell(site, "other")
    assert find_present(grid_engine | {"SGE_CELL": "other"}) == ["sge", "slurm"]


def test_a_library_of_drmaa_is_looked_for_where_it_is_said_to_be(site):
    library = site / "libdrmaa.so"
    assert not has_drmaa_library({"DRMAA_LIBRARY_PATH": str(library)})
    library.write_bytes(b"")
    assert has_drmaa_library({"DRMAA_LIBRARY_PATH": str(library)})


def test_a_scheduler_that_is_here_is_found_although_a_library_of_drmaa_is_not(site, monkeypatch):
    command(site, "qsub")
    monkeypatch.setenv("SGE_ROOT", cell(site))
    assert find_system().name == "sge"
