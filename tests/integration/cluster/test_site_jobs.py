"""Clusters whose engines are jobs of a real Slurm: they wait, are refused, are lost, and leave nothing behind."""

from __future__ import annotations

import os
import re
import signal
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gangline import Client
from gangline.cluster import standing
from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.connection import Place
from gangline.cluster.hosts import EngineReport
from gangline.cluster.keeper import Keeper
from gangline.cluster.launchers import JobShape
from gangline.cluster.running import cluster
from gangline.errors import BackendError
from gangline.remote.resources import Resources
from gangline.views.error import EngineError
from tests.hosts import wait_until
from tests.integration.cluster.patient import PatientKeeper
from tests.slurm import Slurm

PATIENCE_S = 60.0
MEMORY_BYTES = 500 * 2**20


@pytest.fixture
def site(slurm: Slurm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """A Slurm that has no jobs, before and after."""
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    assert not slurm.jobs()
    yield slurm
    try:
        slurm.until(lambda: not (slurm.jobs() or list(folder.glob("*.jobs"))), "no job is left")
    finally:
        slurm.cancel_all()


def jobs(count: int, *, engines: int = 1, **more: Any) -> ClusterConfiguration:
    """A cluster of so many jobs on this host."""
    asked = {"cores": 1, "memory_bytes": MEMORY_BYTES, "wall_time_s": 600.0, **more}
    shape = JobShape("slurm", count, engines, Resources(**asked))
    return ClusterConfiguration(hosts=(), jobs=shape, address="127.0.0.1", start_timeout_s=PATIENCE_S)


CROWD = jobs(2, cores=4, options=(("nodelist", "n1"),))
"""Two jobs, of which one has to wait."""


def with_shape(configuration: ClusterConfiguration, **changes: Any) -> ClusterConfiguration:
    assert configuration.jobs is not None
    return replace(configuration, jobs=replace(configuration.jobs, **changes))


def wait_until_submitted() -> None:
    """All jobs of the cluster; it may be up before."""
    wait_until(lambda: all(engine.job for engine in engines_of()), PATIENCE_S)


def engines_of(name: str = "default") -> tuple[EngineReport, ...]:
    found = standing.status(name)
    assert found is not None
    return found.engines


def test_engines_are_jobs_until_it_is_stopped(site: Slurm, folder: Path) -> None:
    found, is_new = standing.start(jobs(2, engines=2))
    assert is_new
    assert {engine.job for engine in found.engines} == set(site.jobs())
    assert [(engine.name, engine.state) for engine in found.engines] == [
        ("default-0-0", "up"), ("default-0-1", "up"), ("default-1-0", "up"), ("default-1-1", "up")
    ]  # fmt: skip
    # The cluster's scheduler knows an engine by its address, until Slurm has said where its job runs.
    wait_until(lambda: {engine.host for engine in engines_of()} <= set(site.nodes), PATIENCE_S)
    (files,) = (path for path in folder.iterdir() if path.is_dir())
    assert stat.S_IMODE(files.stat().st_mode) == 0o700
    assert stat.S_IMODE((files / "keys.json").stat().st_mode) == 0o600
    with Client(profile="default") as rc:
        assert sorted(rc[:].apply_sync(os.getenv, "SLURM_JOB_ID")) == sorted(engine.job for engine in found.engines)
        assert rc.load_balanced_view().map_sync(abs, range(-20, 0)) == list(range(20, 0, -1))
    assert standing.stop()
    assert sorted(path.name for path in folder.iterdir()) == ["default.lock", "default.log"]


def test_what_the_site_refuses_is_told_in_its_words(site: Slurm) -> None:
    words = r"sbatch: error: invalid partition specified: nowhere\n    sbatch: error: Batch job submission failed"
    with pytest.raises(BackendError, match=words):
        standing.start(jobs(1, queue="nowhere"))
    with pytest.raises(BackendError, match="unrecognized option '--colour=red'"):
        standing.start(jobs(1, options=(("colour", "red"),)))
    assert not Place("default").is_kept()


def test_a_host_without_the_commands_of_the_site(site: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        with pytest.raises(BackendError, match="there is no sbatch here"):
            standing.start(jobs(1))


def test_jobs_that_wait_are_named_with_why(site: Slurm) -> None:
    """They may come later, if the others are enough; and are the first to go."""

    def one_waits(keeper: Keeper) -> bool:
        waiting, up = sorted(keeper.engines(), key=lambda each: each.state)
        return up.state == "up" and "it waits" in waiting.reason

    with pytest.raises(
        BackendError, match=r"1 of 2 .*\n  default-\d-0: .* after 0.5 s; job \d+: it waits .*\("
    ) as raised:
        PatientKeeper(replace(CROWD, start_timeout_s=0.5), one_waits).start()
    assert raised.value.args[0].count("\n") == 1
    site.until(lambda: not site.jobs(), "no job is left")
    found, _ = standing.start(replace(CROWD, min_engines=1))
    assert sorted(engine.state for engine in found.engines) == ["starting", "up"]
    wait_until_submitted()
    (waiting,) = [engine for engine in engines_of() if engine.state == "starting"]
    standing.scale(1)
    assert [engine.state for engine in engines_of()] == ["up"]
    site.until(lambda: waiting.job not in site.jobs(), "the one that waits is cancelled")
    assert len(site.jobs()) == 1
    standing.stop()


def test_a_job_that_cannot_start_is_named_with_its_last_words(site: Slurm, tmp_path: Path) -> None:
    python = tmp_path / "lacking_python"
    python.write_text("#!/bin/sh\necho No module named gangline >&2\nexit 3\n")
    python.chmod(0o755)
    words = r"default-0-0 to default-0-1: job \d+: it has ended with exit code 3.*\n    No module named gangline"
    with pytest.raises(BackendError, match=words):
        standing.start(replace(jobs(1, engines=2), python=str(python)))


def test_the_lines_of_setup_come_first(site: Slurm) -> None:
    with cluster(config=with_shape(jobs(1), setup=("export MOOD='not bad'",))), Client() as rc:
        assert rc[0].apply_sync(os.getenv, "MOOD") == "not bad"


def test_a_lost_job_comes_back_and_a_lost_engine_too(site: Slurm) -> None:
    found, _ = standing.start(jobs(1, engines=2))
    (first,) = {engine.job for engine in found.engines}
    with Client() as rc:
        with pytest.raises(EngineError):
            rc[0].apply_sync(lambda: os.kill(os.getppid(), signal.SIGKILL) or time.sleep(PATIENCE_S))
        rc.wait_for_engines(2, timeout=PATIENCE_S)
        wait_until(lambda: [each.state for each in engines_of() if each.reason] == ["up"], PATIENCE_S)
        (new,) = [engine for engine in engines_of() if engine.reason]
        assert (new.name, new.job) == ("default-0-2", first)
        held = rc.load_balanced_view().apply_async(time.sleep, PATIENCE_S)
        retried = rc.load_balanced_view(retries=1).apply_async(os.getenv, "SLURM_JOB_ID")
        wait_until(lambda: retried.ready(), PATIENCE_S)
        site.run("scancel", first)
        with pytest.raises(EngineError):
            held.get(timeout=PATIENCE_S)
        rc.wait_for_engines(2, timeout=PATIENCE_S)
        second = set(rc[:].apply_sync(os.getenv, "SLURM_JOB_ID"))
    assert first not in second
    wait_until(lambda: all(each.state == "up" and each.job not in ("", first) for each in engines_of()), PATIENCE_S)
    assert all(
        re.match(rf"in the place of default-0: job {first}: .*cancelled", each.reason) for each in engines_of()
    ), engines_of()
    standing.stop()


def test_a_job_at_the_end_of_its_time_says_so(site: Slurm, tmp_path: Path) -> None:
    """The clock that rings in its program then is made to ring when both tasks have begun."""
    begun = str(tmp_path / "begun")
    with cluster(config=jobs(1, engines=2)), Client() as rc:
        (job,) = set(rc[:].apply_sync(os.getenv, "SLURM_JOB_ID"))
        once = rc.load_balanced_view().apply_async(_ring_when, begun)
        again = rc.load_balanced_view(retries=1).apply_async(_wait_in, job, begun)
        with pytest.raises(EngineError, match=rf"was ended, since job {job} on \S+ has reached its wall_time of 600 s"):
            once.get(timeout=PATIENCE_S)
        assert again.get(timeout=PATIENCE_S) != job


def _ring_when(begun: str) -> None:
    """Has the time of its job be over, and goes on."""
    while not os.path.exists(begun):
        time.sleep(0.01)
    program = int(Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(program, signal.SIGALRM)
    time.sleep(PATIENCE_S)


def _wait_in(job: str, begun: str) -> str | None:
    """Waits there, and not elsewhere."""
    here = os.getenv("SLURM_JOB_ID")
    if here == job:
        Path(begun).touch()
        time.sleep(PATIENCE_S)
    return here


def test_a_killed_keeper_leaves_no_job(site: Slurm) -> None:
    """Neither those that run nor those that wait."""
    found, _ = standing.start(replace(CROWD, min_engines=1))
    wait_until_submitted()
    assert len(site.jobs()) == 2
    os.kill(found.pid, signal.SIGKILL)
    site.until(lambda: not site.jobs(), "no job is left")
    wait_until(lambda: not list(Place("default").folder.glob("*.jobs")), PATIENCE_S)


def test_what_is_left_when_all_were_killed_goes_with_the_next_stop_or_start(site: Slurm) -> None:
    found, _ = standing.start(replace(CROWD, min_engines=1))
    wait_until_submitted()
    (helper,) = _children(found.pid, "gangline.cluster.submitting")
    os.kill(helper, signal.SIGSTOP)
    os.kill(found.pid, signal.SIGKILL)
    os.kill(helper, signal.SIGKILL)
    wait_until(lambda: not Place("default").is_kept(), PATIENCE_S)
    assert site.jobs()
    assert not standing.stop()
    site.until(lambda: not site.jobs(), "no job is left")


def test_a_scheduler_that_cannot_be_asked(site: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of PBS pass jobs on to Slurm here; that the engines of one are gone tells that it has ended."""
    submit = "grep -v '^#PBS' \"$1\" | sbatch --parsable --mem=500M --output=/dev/null $HELD"
    for name, line in (("qsub", submit), ("qdel", 'exec scancel "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    configuration = with_shape(jobs(1), launcher="pbs")
    with monkeypatch.context() as patch:
        patch.setenv("HELD", "--hold")
        with pytest.raises(BackendError, match=r"after 0.5 s; job (\d+): it was submitted; `qstat -f \1` tells more"):
            PatientKeeper(
                replace(configuration, start_timeout_s=0.5), lambda keeper: bool(keeper.engines()[0].job)
            ).start()
    site.until(lambda: not site.jobs(), "no job is left")
    found, _ = standing.start(configuration)
    (first,) = (engine.job for engine in found.engines)
    assert site.jobs() == [first]
    site.run("scancel", first)
    wait_until(lambda: [each.state for each in engines_of()] == ["up"] and engines_of()[0].job != first, PATIENCE_S)
    assert f"in the place of default-0: job {first}: its engines are gone" in engines_of()[0].reason
    standing.stop()
    site.until(lambda: not site.jobs(), "no job is left")


def _children(pid: int, program: str) -> list[int]:
    pids = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for each in pids if program in Path(f"/proc/{each}/cmdline").read_text()]
