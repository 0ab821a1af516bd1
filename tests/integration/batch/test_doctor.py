"""What `gangline doctor` says of a site's scheduler: a real Slurm that answers, that is away, that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gangline.cli.findings import Finding, State, examine_scheduler
from tests import slurm as support

PATIENCE_S = 60.0


def look() -> Finding:
    (finding,) = examine_scheduler(PATIENCE_S)
    return finding


@pytest.fixture(autouse=True)
def _no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere")


def test_a_scheduler_that_answers_and_one_that_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with support.started(tmp_path / "s", nodes=1) as site:
        for name, value in site.environment.items():
            monkeypatch.setenv(name, value)
        finding = look()
        assert (finding.subject, finding.state) == ("batch system", State.OK)
        assert finding.detail.startswith("slurm; it answered in ")
        site.stop_controller()
        monkeypatch.setenv("SLURM_CONF", site.impatient()["SLURM_CONF"])
        finding = look()
        assert finding.state is State.BROKEN
        assert finding.detail.startswith("slurm, by the configuration: Slurm does not answer squeue: ")


def test_a_configuration_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slurm: object) -> None:
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    finding = look()
    assert finding.state is State.BROKEN
    assert f"there is no {tmp_path / 'slurm.conf'}, the configuration of Slurm that SLURM_CONF names" in finding.detail


def test_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = look()
    assert finding.state is State.ABSENT
    assert finding.detail.startswith("no batch system was found here.")
    assert finding.advice
