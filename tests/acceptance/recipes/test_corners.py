"""Interrupts, retries, failures and refusals at the worst moment."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import UsageError
from gangline.recipes import ComputeJob
from gangline.recipes.site import Site, _sites
from tests.acceptance.recipes.conftest import Recipe, Script


def test_what_the_first_failure_calls_off_does_not_go_to_another_host(recipe: Recipe, tmp_path: Path) -> None:
    nowhere = "no-such-host.invalid"
    ran = tmp_path / "ran"
    jobs = [ComputeJob(nowhere, "true"), ComputeJob([nowhere, "localhost"], ["touch", str(ran)])]
    recipe._schedule_jobs(jobs, fail_fast=True)
    assert [job.outcome.kind for job in jobs if job.outcome] == ["unreachable", "cancelled"]
    assert not ran.exists()


def test_if_one_command_is_refused_none_is_started(recipe: Recipe, tmp_path: Path) -> None:
    recipe._schedule_jobs([ComputeJob("localhost", "true")])
    ran = tmp_path / "ran"
    jobs = [ComputeJob("localhost", ["touch", str(ran)]), ComputeJob("localhost", "true", env={"A=B": ""})]
    with pytest.raises(UsageError):
        recipe._schedule_jobs(jobs)
    recipe._schedule_jobs([ComputeJob("localhost", "true")])
    assert not ran.exists()


def test_what_an_earlier_attempt_has_said_does_not_count(recipe: Recipe, tmp_path: Path, script: Script) -> None:
    flag = tmp_path / "flag"
    before = f"""
        if os.path.exists({str(flag)!r}):
            sys.exit(3)
        open({str(flag)!r}, "w").close()
        print("of the first", file=sys.stderr)
    """
    job = ComputeJob("localhost", script("self.outputs['x'] = 1\nraise ValueError('of the first')", before=before))
    recipe._schedule_jobs([job], retries=1)
    assert job.outcome is not None
    assert (job.outcome.kind, job.outcome.exit_code, job.outcome.attempts) == ("exit", 3, 2)
    assert job.outcome.outputs == {}
    assert "of the first" not in job.outcome.message


def test_an_interrupt_while_a_job_is_handed_over_ends_it(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe._schedule_jobs([ComputeJob("localhost", "true")])
    site: Site = list(_sites.values())[-1]
    send = site._backend.send

    def interrupted(engine: Any, tasks: Sequence[Any]) -> None:
        signal.raise_signal(signal.SIGINT)
        send(engine, tasks)

    monkeypatch.setattr(site._backend, "send", interrupted)
    job = ComputeJob("localhost", "sleep 1000")
    with pytest.raises(KeyboardInterrupt):
        recipe._schedule_jobs([job])
    assert job.outcome is not None
    assert job.outcome.kind == "cancelled"
