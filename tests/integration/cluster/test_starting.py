"""What may come in between while a cluster starts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.hosts import EngineReport
from gangline.cluster.keeper import Keeper
from gangline.cluster.running import cluster
from gangline.errors import BackendError, UsageError
from tests.hosts import Hosts, wait_until
from tests.integration.cluster.patient import PatientKeeper

PATIENCE_S = 60.0
ALONE = ClusterConfiguration(hosts=(("localhost", 2),))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def slow(hosts: Hosts) -> ClusterConfiguration:
    """A cluster of one host, whose Python takes its time."""
    python = hosts.folder / "slow_python"
    python.write_text("#!/bin/sh\necho I take my time\nexec sleep 600\n")
    python.chmod(0o755)
    return ClusterConfiguration(hosts=((hosts.names[0], 1),), ssh_config=str(hosts.config), python=str(python))


def has_spoken(keeper: Keeper) -> bool:
    """Whether it has been heard here that the Python runs there."""
    return "I take my time" in keeper._hosts[0].nursery.last


def begin(keeper: Keeper, hosts: Hosts, pool: ThreadPoolExecutor) -> Future[list[EngineReport]]:
    """Begin to start; returns when that is under way there."""
    result = pool.submit(keeper.start)
    wait_until(lambda: has_spoken(keeper), PATIENCE_S)
    wait_until(lambda: any("sleep 600" in line for line in hosts.processes(hosts.names[0])), PATIENCE_S)
    return result


def test_a_host_that_is_lost_meanwhile(hosts: Hosts, pool: ThreadPoolExecutor) -> None:
    started = begin(Keeper(slow(hosts)), hosts, pool)
    hosts.cut(hosts.names[0])
    with pytest.raises(BackendError, match=r"nothing has been heard from it for \d+(\.\d)? s\n    I take my time"):
        started.result(PATIENCE_S)
    hosts.mend(hosts.names[0])
    hosts.wait_until_empty(hosts.names[0])


def test_engines_that_take_too_long_are_named(hosts: Hosts) -> None:
    keeper = PatientKeeper(replace(slow(hosts), start_timeout_s=0.5), has_spoken)
    with pytest.raises(BackendError, match=r"h1-0: it was not up after 0.5 s\n    I take my time"):
        keeper.start()
    hosts.wait_until_empty(hosts.names[0])


def test_it_is_closed_meanwhile_by_several(hosts: Hosts, pool: ThreadPoolExecutor) -> None:
    keeper = Keeper(slow(hosts))
    started = begin(keeper, hosts, pool)
    closers = [pool.submit(keeper.close) for _ in range(3)]
    for closer in closers:
        closer.result(PATIENCE_S)
    with pytest.raises(BackendError, match="stopped while it was starting"):
        started.result(PATIENCE_S)
    hosts.wait_until_empty(hosts.names[0])
    keeper.close()


def test_two_scale_at_once(pool: ThreadPoolExecutor) -> None:
    keeper = Keeper(ALONE)
    try:
        keeper.start()
        for result in [pool.submit(keeper.scale, count) for count in (4, 1, 3)]:
            assert {report.state for report in result.result(PATIENCE_S)} == {"up"}
        with pytest.raises(UsageError, match="1 engine or more, not 0"):
            keeper.scale(0)
    finally:
        keeper.close()


def test_clusters_in_each_other_and_off_the_main_thread() -> None:
    names: list[str] = []

    def work() -> None:
        with cluster(1) as outer, cluster(config=replace(ALONE, name="inner")) as inner:
            assert outer.scheduler_address != inner.scheduler_address
            names.extend(engine.name for engine in (*outer.engines, *inner.engines))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(PATIENCE_S)
    assert names == ["localhost-0", "localhost-0", "localhost-1"]


@pytest.mark.parametrize("nproc", [0, -1, True, 1.5, "2"])
def test_numbers_of_engines_that_make_no_sense(nproc: object) -> None:
    with pytest.raises(UsageError, match="nproc must be a whole number, 1 or more"), cluster(nproc):  # type: ignore[arg-type]
        pass


def test_a_folder_is_left_to_no_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with cluster(1):
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
