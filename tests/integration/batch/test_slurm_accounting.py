"""What a Slurm that keeps accounts says of jobs that its controller has forgotten, and its limits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gangline.backends.batch.slurm import Slurm
from gangline.backends.batch.system import Cause, Phase, Request, Sight
from gangline.errors import BackendError, JobRejected
from gangline.remote.resources import Resources
from tests.programs_before import Before
from tests.slurm import Slurm as Site


@pytest.fixture(scope="module")
def site(slurm_with_accounts: Site) -> Iterator[Site]:
    site = slurm_with_accounts
    user = site.run("id", "-un").strip()
    site.run("sacctmgr", "--immediate", "add", "account", "physics")
    site.run("sacctmgr", "--immediate", "add", "user", user, "account=physics", "MaxSubmitJobs=9")
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in site.environment.items():
            monkeypatch.setenv(name, value)
        yield site


def submit(system: Slurm, folder: Path, script: str, count: int = 1, log: str = "log", **asked: object) -> list[str]:
    path = folder / f"job{len(os.listdir(folder))}.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    resources = Resources.read({"account": "physics"} | asked)
    return list(system.submit(Request("a test", str(path), str(folder), str(folder / log), resources, count)))


def test_jobs_that_the_controller_has_forgotten(site: Site, tmp_path: Path) -> None:
    now = 0.0
    system = Slurm(clock=lambda: now)
    done, killed, unrun, *array = (
        *submit(system, tmp_path, "exit 0"),
        *submit(system, tmp_path, "kill -KILL $$"),
        *submit(system, tmp_path, "exit 0", log="none/log"),
        *submit(system, tmp_path, "exit $SLURM_ARRAY_TASK_ID", count=3),
    )
    (removed,) = submit(system, tmp_path, "sleep 60")
    site.until(lambda: site.state(removed) == "RUNNING", "the last one begins")
    site.run("scancel", removed)
    jobs = [done, killed, unrun, *array, removed]
    site.until(lambda: not any(map(site.state, jobs)), "all are forgotten")
    sights: Mapping[str, Sight] = {}
    while not sights or any(sights[job].phase is not Phase.ENDED for job in jobs):  # the accounting hears of it late
        now += 10.0
        sights = system.look([*jobs, "4000000"])
    assert sights[done] == Sight(Phase.ENDED, Cause.EXIT, exit_code=0, host="n1")
    assert sights[killed] == Sight(Phase.ENDED, Cause.SIGNAL, signal="SIGKILL", host="n1")
    assert sights[unrun] == Sight(Phase.ENDED, Cause.HOST, host="n1", reason="FAILED")
    assert [sights[job].exit_code for job in array] == [1, 2, 3]
    assert sights[removed].cause is Cause.CANCELLED
    assert sights["4000000"].phase is Phase.UNKNOWN


def test_the_accounting_is_asked_seldom(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sacct = Before("sacct", tmp_path, monkeypatch)
    now = 0.0
    system = Slurm(clock=lambda: now)
    for jobs, calls in ((["4000000"], 1), (["4000000"], 1), (["4000000", "4000001"], 2), (["4000000", "4000001"], 2)):
        system.look(jobs)
        assert sacct.calls == calls
    now = 10.0
    system.look(["4000000", "4000001"])
    assert sacct.calls == 3


def test_an_account_that_there_is_not(site: Site, tmp_path: Path) -> None:
    with pytest.raises(JobRejected, match="sbatch: error: Batch job submission failed: Invalid account or"):
        submit(Slurm(), tmp_path, "exit 0", account="alchemy")


def test_more_jobs_than_the_site_allows_can_be_submitted_later(site: Site, tmp_path: Path) -> None:
    system = Slurm()
    jobs = submit(system, tmp_path, "exit 0", count=9, options={"hold": True})
    with pytest.raises(
        BackendError, match="takes no more jobs at the moment: sbatch: error: AssocMaxSubmitJobLimit"
    ) as no:
        submit(system, tmp_path, "exit 0")
    assert no.value.retryable
    system.cancel(jobs)
    site.until(lambda: not site.jobs(), "there is room")
    assert submit(system, tmp_path, "exit 0")


def test_an_accounting_that_is_down(site: Site, tmp_path: Path) -> None:
    system = Slurm()
    jobs = submit(system, tmp_path, "exit 0", options={"hold": True})
    site.stop_accounting()
    assert system.look(jobs)[jobs[0]].phase is Phase.WAITING
    with pytest.raises(BackendError, match=r"does not answer sacct: .*Connection refused"):
        system.look([*jobs, "4000000"])
