"""Clusters that have as many engines as there is work for: of this host, of jobs of a real Slurm, and users' own."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

import gangline.cluster
from gangline import Client
from gangline.cluster import standing
from gangline.cluster.adapting import Bounds
from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.launchers import JobShape
from gangline.cluster.running import cluster
from gangline.errors import UsageError
from gangline.remote.resources import Resources
from tests.hosts import wait_until
from tests.slurm import Slurm

PATIENCE_S = 60.0


def hold(folder: str, number: int) -> int:
    """A task that says that it has begun, and goes on until it may end."""
    Path(folder, f"begun-{number}").touch()
    end = time.monotonic() + PATIENCE_S
    while not Path(folder, f"end-{number}").exists() and time.monotonic() < end:
        time.sleep(0.01)
    return os.getpid()


def begun(folder: Path, count: int) -> Callable[[], bool]:
    return lambda: len(list(folder.glob("begun-*"))) >= count


def let_end(folder: Path, *numbers: int) -> None:
    for number in numbers:
        (folder / f"end-{number}").touch()


def check_comes_and_goes(rc: Client, folder: Path, most: int = 2) -> None:
    """From nothing to all, and when all but one of them are idle, to the one that is not; then it begins anew."""
    assert not rc.session.engines
    results = rc.load_balanced_view().map_async(hold, [str(folder)] * most, range(most))
    wait_until(begun(folder, most), PATIENCE_S)
    assert len(rc.session.engines) == most
    let_end(folder, *range(1, most))
    wait_until(lambda: len(rc.session.engines) == 1, PATIENCE_S)
    let_end(folder, 0)
    assert len(set(results.get(timeout=PATIENCE_S))) == most, "none was ended that had something to do"
    wait_until(lambda: not rc.session.engines, PATIENCE_S)
    assert rc.load_balanced_view().map_async(abs, [-1, -2]).get(timeout=PATIENCE_S) == [1, 2]


def test_engines_of_this_host(tmp_path: Path) -> None:
    with cluster(config=ClusterConfiguration(bounds=Bounds(0, 3, idle_s=0.5))) as running, Client() as rc:
        assert running.engines == ()
        check_comes_and_goes(rc, tmp_path, 3)


def make(folder: str) -> bytes:
    """A large result, made while another task keeps another engine busy."""
    hold(folder, 0)
    return b"x" * 5_000_000


def test_an_engine_that_keeps_a_result_stays(tmp_path: Path) -> None:
    with cluster(config=ClusterConfiguration(bounds=Bounds(0, 2, idle_s=0.5))), Client() as rc:
        view = rc.load_balanced_view()
        kept = view.apply_async(make, str(tmp_path)).keep()
        other = view.apply_async(hold, str(tmp_path), 1)
        wait_until(begun(tmp_path, 2), PATIENCE_S)
        let_end(tmp_path, 0)
        kept.wait(PATIENCE_S)
        let_end(tmp_path, 1)
        other.get(timeout=PATIENCE_S)
        wait_until(lambda: len(rc.session.engines) == 1, PATIENCE_S)
        assert len(kept.get(timeout=PATIENCE_S)) == 5_000_000
        del kept, other
        rc.purge_everything()
        wait_until(lambda: gc.collect() >= 0 and not rc.session.engines, PATIENCE_S)


def test_a_standing_cluster_for_several_clients(tmp_path: Path) -> None:
    found, _ = standing.start(ClusterConfiguration(bounds=Bounds(1, 3, idle_s=0.5)))
    assert len(found.engines) == 1
    with pytest.raises(UsageError, match="the cluster default scales by itself, between 1 to 3 engines"):
        standing.scale(2)
    with Client() as rc:
        held = rc.load_balanced_view().map_async(hold, [str(tmp_path)] * 2, range(2))
        wait_until(begun(tmp_path, 2), PATIENCE_S)
        with Client() as other:
            assert other.load_balanced_view().apply_async(abs, -1).get(timeout=PATIENCE_S) == 1
        let_end(tmp_path, 0, 1)
        held.get(timeout=PATIENCE_S)
    wait_until(lambda: len(getattr(standing.status(), "engines", ())) == 1, PATIENCE_S)


@pytest.fixture
def site(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    yield slurm
    try:
        slurm.until(lambda: not slurm.jobs(), "no job is left")
    finally:
        slurm.cancel_all()


def test_jobs_come_and_go_as_well(site: Slurm, tmp_path: Path) -> None:
    shape = JobShape("slurm", resources=Resources(cores=1, memory_bytes=500 * 2**20, wall_time_s=600.0))
    configuration = ClusterConfiguration(
        hosts=(), jobs=shape, bounds=Bounds(0, 2, idle_s=0.5), address="127.0.0.1", start_timeout_s=PATIENCE_S
    )
    with cluster(config=configuration), Client() as rc:
        assert not site.jobs()
        check_comes_and_goes(rc, tmp_path)
        site.until(lambda: not site.jobs(), "the jobs end with their engines")


def test_a_cluster_of_the_users_own(tmp_path: Path) -> None:
    options: dict[str, Any] = {"interval": "100 ms", "wait_count": 1, "idle_s": 0.5}
    with LocalCluster(
        n_workers=0,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path),
        silence_logs=50,
    ) as own:
        own.adapt(minimum=0, maximum=2, Adaptive=gangline.cluster.Adaptive, **options)
        with Client(own) as rc:
            check_comes_and_goes(rc, tmp_path)


@pytest.mark.parametrize("bounds", [{"minimum": 1}, {"minimum": 3, "maximum": 2}, {"maximum": 0}])
def test_bounds_that_make_no_sense(bounds: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="maximum"), cluster(**bounds):  # type: ignore[arg-type]
        pass
