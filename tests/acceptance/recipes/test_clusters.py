"""Clusters as users have them: R26, R27, R28 of the table, and the programs of the seed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.cluster import standing
from tests.acceptance.recipes.programs import Site
from tests.hosts import Hosts, wait_until

PATIENCE_S = 60.0
ENTRIES = {"start_cluster.py": "start_cluster", "stop_cluster.py": "stop_cluster"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("GANGLINE_CLUSTERS", str(tmp_path / "clusters"))
    yield Site(tmp_path)
    for lock in (tmp_path / "clusters").glob("*.lock"):
        standing.stop(lock.stem)


def script(site: Site, name: str, *words: str) -> tuple[int, str, str]:
    """What a command of the seed answers."""
    program = f"from gangline.cli.cluster.scripts import {ENTRIES[name]} as main; main()"
    done = site.run("-c", program, *words)
    return done.returncode, done.stdout, done.stderr


def left(pids: str) -> list[str]:
    return [pid for pid in pids.split() if Path(f"/proc/{pid}").exists()]


# R26 ----------------------------------------------------------------------------------------------------------------


def test_starting_twice_and_stopping_without_a_cluster_are_no_errors(site: Site) -> None:
    first = site.run("-m", "gangline", "cluster", "start", "--num-engines", "2")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("cluster default: running, 2 of 2 engines up, kept by process ")
    again = site.run("-m", "gangline", "cluster", "start", "--num-engines", "4")
    assert (again.returncode, again.stderr) == (0, "the cluster default is running already\n")
    assert again.stdout == first.stdout
    site.write("use.py", "from gangline import Client\nwith Client() as rc:\n    print(rc[:].apply_sync(abs, -1))\n")
    assert site.run("use.py").stdout == "[1, 1]\n"
    scaled = site.gangline("cluster", "scale", "1")
    assert [engine["name"] for engine in scaled["engines"]] == ["localhost-0"]
    assert site.gangline("cluster", "status") == scaled
    for answer in ("the cluster default is stopped\n", "the cluster default is not running\n"):
        done = site.run("-m", "gangline", "cluster", "stop")
        assert (done.returncode, done.stdout, done.stderr) == (0, answer, "")
    assert site.gangline("cluster", "status") == {"name": "default", "state": "not running"}


def test_the_scripts_of_the_seed(site: Site, hosts: Hosts) -> None:
    names = hosts.names[:2]
    site.write("hosts.clusterdesc", f"ClusterName = site\nCompute.Nodes = [{', '.join(names)}]\n")
    site.write("pipeline.cfg", f"[cluster]\nclusterdesc = hosts.clusterdesc\n[remote]\nssh_config = {hosts.config}\n")
    options = ("--config", "pipeline.cfg")
    assert script(site, "start_cluster.py", *options, "--num-engines", "2") == (0, "4 engines are up\n", "")
    assert script(site, "start_cluster.py", *options)[:2] == (0, "the cluster is running already, with 4 engines\n")
    assert script(site, "stop_cluster.py", *options) == (0, "the cluster is stopped\n", "")
    assert script(site, "stop_cluster.py", *options) == (0, "the cluster is not running\n", "")
    for name in names:
        hosts.wait_until_empty(name)
    assert {*ENTRIES} == {entry.name for entry in Path(sys.executable).parent.glob("*_cluster.py")}


# R27 ----------------------------------------------------------------------------------------------------------------


def test_an_engine_that_fails_to_come_up_is_named(site: Site, hosts: Hosts) -> None:
    first, second, _ = hosts.names
    hosts.kill_sshd(second)
    site.write(
        "two.toml", f'name = "two"\nhosts = ["{first}", "{second}"]\nengines = 1\nssh_config = "{hosts.config}"\n'
    )
    start = ("-m", "gangline", "cluster", "start", "--config", "two.toml")
    failed = site.run(*start)
    assert failed.returncode == 3
    assert "1 of 2 engines of the cluster have come up, 2 are needed:" in failed.stderr
    assert f"  {second}-0: " in failed.stderr
    assert "connection refused" in failed.stderr
    hosts.wait_until_empty(first)
    enough = site.run(*start, "--min-engines", "1")
    assert enough.returncode == 0
    assert "cluster two: running, 1 of 2 engines up" in enough.stdout
    assert "connection refused" in enough.stdout
    site.write("use.py", "from gangline import Client\nwith Client(profile='two') as rc:\n    print(len(rc.ids))\n")
    assert site.run("use.py").stdout == "1\n"
    assert site.gangline("cluster", "stop", "--profile", "two") == {"name": "two", "was_running": True}
    hosts.wait_until_empty(first)


# R28 ----------------------------------------------------------------------------------------------------------------

IN_A_BLOCK = """
import os, sys, time
from gangline import Client
from gangline.cluster import cluster

def main():
    with cluster(2) as running, Client() as rc:
        print(*(engine.pid for engine in running.engines), *rc[:].apply_sync(os.getpid), flush=True)
        {what}

main()
"""


@pytest.mark.parametrize(
    ("what", "number", "code", "said"),
    [
        ("raise LookupError('in the block')", 0, 1, "LookupError: in the block"),
        ("time.sleep(600)", signal.SIGINT, -signal.SIGINT, "KeyboardInterrupt"),
        ("time.sleep(600)", signal.SIGTERM, None, ""),
        ("time.sleep(600)", signal.SIGKILL, -signal.SIGKILL, ""),
    ],
)
def test_nothing_is_left_however_the_block_ends(
    site: Site, what: str, number: int, code: int | None, said: str
) -> None:
    site.write("block.py", IN_A_BLOCK.format(what=what))
    program = site.start("block.py")
    assert program.stdout is not None
    pids = program.stdout.readline()
    assert len(pids.split()) == 4
    if number:
        os.kill(program.pid, number)
    _, err = program.communicate(timeout=PATIENCE_S)
    assert said in err
    assert program.returncode != 0 if code is None else program.returncode == code
    wait_until(lambda: not left(pids), PATIENCE_S, lambda: f"left: {left(pids)}")


def test_engines_of_a_block_import_what_lies_beside_the_program(site: Site) -> None:
    site.write("programs/beside.py", "def double(number):\n    return 2 * number\n")
    site.write(
        "programs/main.py",
        "from beside import double\nfrom gangline import Client\nfrom gangline.cluster import cluster\n"
        "with cluster(1), Client() as rc:\n    print(rc[:].apply_sync(double, 4))\n",
    )
    done = site.run("programs/main.py")
    assert (done.stdout, done.stderr) == ("[8]\n", "")


def test_a_pipeline_has_the_cluster_of_its_configuration(site: Site, hosts: Hosts) -> None:
    site.write("hosts.txt", f"{hosts.names[0]}\n{hosts.names[1]}\n")
    site.write("site.cfg", f"[cluster]\nclusterdesc = hosts.txt\n[remote]\nssh_config = {hosts.config}\n")
    site.pipeline(
        """
        import os
        from gangline import Client
        from gangline.recipes.clusterhandler import ipython_cluster
        with ipython_cluster(nproc=1), Client() as rc:
            print(sorted(rc[:].apply_sync(os.getenv, "GANGLINE_HOST")))
        """
    )
    done = site.run("night.py", "--config", "site.cfg")
    assert (done.returncode, done.stdout) == (0, f"{sorted(hosts.names[:2])}\n"), done.stderr
    for name in hosts.names[:2]:
        hosts.wait_until_empty(name)


# Bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["start", "--config", "absent.toml"], "absent.toml cannot be read: No such file or directory"),
        (["start", "--config", "bad.toml"], "bad.toml: there is no key 'host'; did you mean 'hosts'?"),
        (["start", "--profile", "a/b"], "a cluster cannot be called 'a/b'"),
        (["start", "--num-engines", "0"], "Invalid value for '--num-engines'"),
        (["stat"], "No such command 'stat'"),
    ],
)
def test_what_makes_no_sense_is_told_with_exit_code_2(site: Site, words: list[str], said: str) -> None:
    site.write("bad.toml", 'host = ["a"]\n')
    done = site.run("-m", "gangline", "cluster", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_profile_that_does_not_run(site: Site) -> None:
    site.write("use.py", "from gangline import Client\nClient(profile='night')\n")
    done = site.run("use.py")
    assert (
        "no cluster of the profile 'night' is running; `gangline cluster start --profile night` starts" in done.stderr
    )
