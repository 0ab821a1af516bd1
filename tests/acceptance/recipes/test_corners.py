"""Interrupts, retries, failures and refusals at the worst moment."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

from gangline.backends.hosts import HostDown
from gangline.errors import HostUnreachable, TaskTimedOut, UsageError
from gangline.recipes import ComputeJob
from gangline.recipes.entry import Entry
from gangline.recipes.hostssite import HostsSite
from gangline.recipes.schedule import Schedule
from gangline.recipes.sites import _sites
from tests.acceptance.recipes.conftest import Kept, Recipe, Script
from tests.one_host import wait_until


def test_what_the_first_failure_calls_off_does_not_go_to_another_host(recipe: Recipe, tmp_path: Path) -> None:
    nowhere = "no-such-host.invalid"
    ran = tmp_path / "ran"
    jobs = [ComputeJob(nowhere, "true"), ComputeJob([nowhere, "localhost"], ["touch", str(ran)])]
    recipe._schedule_jobs(jobs, fail_fast=True)
    assert [job.outcome.kind for job in jobs if job.outcome] == ["unreachable", "cancelled"]
    assert not ran.exists()


@pytest.mark.parametrize("bad", [{"env": {"A=B": ""}}, {"time_limit_s": -1}])
def test_if_one_command_is_refused_none_is_started(recipe: Recipe, tmp_path: Path, bad: dict[str, Any]) -> None:
    recipe._schedule_jobs([ComputeJob("localhost", "true")])
    ran = tmp_path / "ran"
    jobs = [ComputeJob("localhost", ["touch", str(ran)]), ComputeJob("localhost", "true", **bad)]
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
    site: HostsSite = list(_sites.values())[-1]
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


def test_an_interrupt_while_an_end_is_taken_in_leaves_no_job_undecided(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at_an_end(monkeypatch)
    jobs = [ComputeJob("localhost", "true"), ComputeJob("localhost", "sleep 1000")]
    with pytest.raises(KeyboardInterrupt):
        recipe._schedule_jobs(jobs)
    assert [job.outcome.kind for job in jobs if job.outcome] == ["succeeded", "cancelled"]


def test_an_interrupt_leaves_no_job_undecided_whose_end_is_late(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupt_at_an_end(monkeypatch)
    monkeypatch.setattr("gangline.recipes.schedule._END_S", 0.0)
    begun = tmp_path / "begun"
    jobs = [
        ComputeJob("localhost", ["sh", "-c", f"until test -e {begun}; do sleep 0.02; done"]),
        ComputeJob("localhost", ["sh", "-c", f"trap '' TERM; touch {begun}; while :; do sleep 1; done"]),
    ]
    with pytest.raises(KeyboardInterrupt):
        recipe._schedule_jobs(jobs)
    assert [job.outcome.kind for job in jobs if job.outcome] == ["succeeded", "cancelled"]
    assert jobs[1].outcome is not None
    assert jobs[1].outcome.message == "was called off, and has not been seen to end: the recipe was interrupted"


def interrupt_at_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C come when the first end of a job is taken in."""
    take_in = Schedule._on_end

    def interrupted(schedule: Schedule, entry: Entry) -> None:
        monkeypatch.setattr(Schedule, "_on_end", take_in)
        raise KeyboardInterrupt

    monkeypatch.setattr(Schedule, "_on_end", interrupted)


class Clock:
    """The module `time` with a clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def test_the_time_limits_of_a_gang_do_not_count_how_long_it_gathers(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, begun, go_on = (tmp_path / name for name in ("late", "begun", "go_on"))
    late.write_text(f"#!/bin/sh\ntouch {begun}\nuntil test -e {go_on}; do sleep 0.02; done\nexit 255\n")
    late.chmod(0o755)
    clock = Clock()
    for module in ("schedule", "receiving"):
        monkeypatch.setattr(f"gangline.recipes.{module}.time", clock)

    def let_hours_pass() -> None:
        wait_until(begun.exists, 60)
        clock.ahead_s += 7200
        go_on.touch()

    config = ConfigParser()
    config.read_dict({"remote": {"ssh": str(late)}})
    recipe.config = config
    jobs = [
        ComputeJob("localhost", "true", time_limit_s=3600),
        ComputeJob(["no-such-host.invalid", "localhost"], "true", time_limit_s=3600),
    ]
    other = threading.Thread(target=let_hours_pass)
    other.start()
    recipe._schedule_jobs(jobs, gang=True)
    other.join()
    assert [job.outcome.kind for job in jobs if job.outcome] == ["succeeded", "succeeded"]


def test_the_time_limits_of_a_gang_hold(recipe: Recipe) -> None:
    jobs = [ComputeJob("localhost", "sleep 1000", time_limit_s=each) for each in (0.5, None)]
    recipe._schedule_jobs(jobs, gang=True)
    first, second = (job.outcome for job in jobs)
    assert first is not None
    assert second is not None
    assert (first.kind, first.message) == ("timed_out", "was ended: it took longer than 0.5 s")
    assert isinstance(first.error, TaskTimedOut)
    assert second.kind == "cancelled"


def test_one_of_a_gang_does_not_go_where_there_is_no_room_for_it(recipe: Recipe) -> None:
    jobs = [ComputeJob("localhost", "true"), ComputeJob(["no-such-host.invalid", "localhost"], "true")]
    recipe._schedule_jobs(jobs, gang=True, max_per_node=1)
    assert [job.outcome.kind for job in jobs if job.outcome] == ["cancelled", "unreachable"]


def test_a_gang_that_no_host_has_slots_for_is_refused(recipe: Recipe) -> None:
    jobs = [ComputeJob("localhost", "true") for _ in range(513)]
    with pytest.raises(UsageError, match="513 jobs on host localhost, but there can be only 512"):
        recipe._schedule_jobs(jobs, gang=True)


def test_a_gang_and_the_limit_of_another_schedule_do_not_wait_for_each_other(recipe: Recipe, tmp_path: Path) -> None:
    up = tmp_path / "up"
    limited = ComputeJob("localhost", ["sh", "-c", f"touch {up}; sleep 1; exit 1"])
    other = threading.Thread(target=lambda: recipe._schedule_jobs([limited], retries=1, max_per_node=1))
    other.start()
    wait_until(up.exists, 60)
    jobs = [ComputeJob("localhost", "true") for _ in range(2)]
    recipe._schedule_jobs(jobs, gang=True)
    other.join()
    assert [job.outcome.kind for job in (*jobs, limited) if job.outcome] == ["succeeded", "succeeded", "exit"]


def test_what_another_schedule_tries_in_vain_does_not_use_up_ones_own_tries(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: Kept
) -> None:
    ssh, is_up = tmp_path / "ssh", tmp_path / "up"
    ssh.write_text(f'#!/bin/sh\ntest -e {is_up} || exit 255\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    recipe.config = ConfigParser()
    recipe.config.read_dict({"remote": {"ssh": str(ssh)}})
    clock = Clock()
    monkeypatch.setattr("gangline.recipes.schedule.time", clock)
    patient, hasty = (ComputeJob("comes-later.invalid", "true") for _ in range(2))
    options: dict[str, Any] = {"reconnect": 1, "reconnect_delay_s": 3600.0}
    other = threading.Thread(target=lambda: recipe._schedule_jobs([patient], **options))
    other.start()
    wait_until(lambda: any("trying again in 3600 s" in each.getMessage() for each in list(kept.records)), 60)
    recipe._schedule_jobs([hasty], reconnect=2, reconnect_delay_s=0.1)
    is_up.touch()
    clock.ahead_s += 3600
    site = next(site for site in _sites.values() if isinstance(site, HostsSite) and site._listeners)
    site._on_host(HostDown("another.invalid", HostUnreachable("another.invalid", "to have the clock looked at")))
    other.join()
    assert [job.outcome.kind for job in (hasty, patient) if job.outcome] == ["unreachable", "succeeded"]
