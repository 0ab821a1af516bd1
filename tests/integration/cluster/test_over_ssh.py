"""Clusters of hosts that are reached with a real sshd: TLS, lost engines and hosts, hosts that do not come up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import distributed
import pytest

from gangline import Client
from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.keeper import EngineReport, Keeper
from gangline.cluster.keys import make_keys
from gangline.cluster.running import cluster
from gangline.errors import BackendError
from tests.hosts import Hosts, wait_until

PATIENCE_S = 60.0


def configuration_of(hosts: Hosts, *names: str | tuple[str, int]) -> ClusterConfiguration:
    engines = tuple((name, 1) if isinstance(name, str) else name for name in names)
    return ClusterConfiguration(hosts=engines, ssh_config=str(hosts.config), start_timeout_s=PATIENCE_S)


def of(reports: list[EngineReport], host: str) -> list[EngineReport]:
    return [report for report in reports if report.host == host]


@contextmanager
def kept(configuration: ClusterConfiguration) -> Iterator[Keeper]:
    with closing(Keeper(configuration)) as keeper:
        keeper.start()
        yield keeper


def test_engines_on_two_hosts_let_in_only_who_has_the_key(hosts: Hosts) -> None:
    first, second, _ = hosts.names
    with cluster(config=configuration_of(hosts, first, second)) as running:
        with Client() as rc:
            where = rc[:].apply_sync(os.getenv, "GANGLINE_HOST")
            assert sorted(where) == [first, second]
            results = rc.load_balanced_view().map_sync(abs, range(-20, 0))
            assert list(results) == list(range(20, 0, -1))
        with Client(running, engines=3) as rc:
            assert len(rc.ids) == 3, "spread over the two"
        strange = make_keys()
        wrong = distributed.Security(
            tls_ca_file=running.connection.ca, tls_client_cert=strange["certificate"], tls_client_key=strange["key"],
            require_encryption=True,
        )  # fmt: skip
        with pytest.raises(BackendError, match="cannot be reached"):
            Client(running.scheduler_address, security=wrong, connect_timeout_s=2.0)
        with pytest.raises(BackendError, match="cannot be reached"):
            Client(running.scheduler_address.replace("tls://", "tcp://"), connect_timeout_s=2.0)
    for name in (first, second):
        hosts.wait_until_empty(name)


def test_a_killed_engine_is_replaced_and_a_cut_host_noticed_while_the_others_go_on(hosts: Hosts) -> None:
    first, second, _ = hosts.names
    with kept(configuration_of(hosts, (first, 2), second)) as keeper:
        hosts.cut(second)
        _kill(hosts, first)
        wait_until(lambda: sum(1 for each in of(keeper.engines(), first) if each.pid and each.reason) == 1, PATIENCE_S)
        (new,) = [each for each in of(keeper.engines(), first) if each.reason]
        assert new.name == f"{first}-2"
        assert re.fullmatch(rf"in the place of {first}-[01]: it was ended by SIGKILL", new.reason)
        wait_until(lambda: of(keeper.engines(), second)[0].state == "ended", PATIENCE_S)
        assert "nothing has been heard" in of(keeper.engines(), second)[0].reason
        hosts.mend(second)
        hosts.wait_until_empty(second)
        assert keeper.trouble == ""
        with Client(keeper.connection) as rc:
            assert rc.load_balanced_view().apply_sync(os.getenv, "GANGLINE_HOST") == first
        assert [each.state for each in keeper.scale(2) if each.host == first] == ["up", "up"]
    hosts.wait_until_empty(first)


def _kill(hosts: Hosts, host: str) -> None:
    """Kill an engine, of which there are several: forked ones have their parent's command line."""
    nursery, *engines = hosts.run_in(host, ["pgrep", "-f", "gangline.cluster.nursery"]).split()
    assert len(engines) == 2, (nursery, engines)
    hosts.run_in(host, ["kill", "-KILL", engines[0]])


def test_engines_that_do_not_come_up_are_named_and_a_minimum_can_be_demanded(hosts: Hosts) -> None:
    first, second, third = hosts.names
    hosts.kill_sshd(second)
    hosts.change_key(third)
    configuration = configuration_of(hosts, first, second, third)
    with pytest.raises(BackendError, match="1 of 3 engines of the cluster have come up, 3 are needed") as raised:
        Keeper(configuration).start()
    assert f"{second}-0: " in str(raised.value)
    assert "connection refused" in str(raised.value)
    assert "host key has changed" in str(raised.value)
    hosts.wait_until_empty(first)
    with cluster(config=configuration, min_engines=1) as running, Client() as rc:
        assert [engine.state for engine in running.engines] == ["up", "failed", "failed"]
        assert rc.load_balanced_view().apply_sync(abs, -1) == 1
    hosts.wait_until_empty(first)


def test_what_a_host_lacks_is_told_with_the_last_words_of_its_python(hosts: Hosts) -> None:
    name = hosts.names[0]
    lacking = hosts.folder / "lacking_python"
    lacking.write_text("#!/bin/sh\necho first words\necho 'No module named gangline' >&2\nexit 1\n")
    lacking.chmod(0o755)
    with (
        pytest.raises(BackendError) as raised,
        cluster(config=ClusterConfiguration(hosts=((name, 1),), ssh_config=str(hosts.config), python=str(lacking))),
    ):
        pass
    how, *words = str(raised.value).splitlines()[-3:]
    assert how.endswith("exit code 1"), raised.value
    assert sorted(words) == ["    No module named gangline", "    first words"], "they come by two ways"
    hosts.wait_until_empty(name)
