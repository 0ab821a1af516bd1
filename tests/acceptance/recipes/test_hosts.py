"""Jobs on other hosts, and what may befall those: R5 to R10, R15, R16, R18, R29."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.recipes import ComputeJob
from gangline.recipes.hostssite import HostsSite
from gangline.recipes.sites import _sites
from tests.acceptance.recipes.conftest import Kept, Recipe, Script
from tests.acceptance.recipes.test_interrupts import start, wait_until
from tests.acceptance.recipes.test_jobs import AWKWARD
from tests.hosts import Hosts


@pytest.fixture
def reached(hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """Hosts that recipes reach as a user would have it: by a configuration file."""
    write_config(tmp_path, hosts, keepalive_s=60)
    monkeypatch.setenv("GANGLINE_SSH_CONFIG", str(hosts.config))
    yield hosts
    for site in _sites.values():  # a process keeps its connections; the next test is to begin without any
        for name in hosts.names:
            if isinstance(site, HostsSite):
                site._backend.disconnect(name)


def write_config(folder: Path, hosts: Hosts, keepalive_s: int) -> Path:
    config = folder / "pipeline.cfg"
    config.write_text(f"[remote]\nssh_config = {hosts.config}\nkeepalive = {keepalive_s}\n")
    return config


@pytest.fixture
def remote(reached: Hosts, tmp_path: Path) -> Recipe:
    return Recipe(config=str(tmp_path / "pipeline.cfg"))


def test_node_scripts_on_three_hosts(remote: Recipe, reached: Hosts, script: Script, kept: Kept) -> None:
    command = script("self.logger.info('Received %s', args[0])\nself.outputs['host'] = os.uname().nodename")
    jobs = [ComputeJob(name, command, arguments=[name]) for name in reached.names]
    assert remote._schedule_jobs(jobs).ok
    assert [job.results["host"] for job in jobs] == reached.names
    for name in reached.names:
        assert [record.getMessage() for record in kept.of(f"node.{name}.node")] == [f"Received {name}"]


def test_r5_r6_r7_everything_said_arrives_before_the_jobs_are_over(
    remote: Recipe, reached: Hosts, script: Script, kept: Kept
) -> None:
    command = script(
        """
        import logging, warnings
        logging.getLogger("some.library").warning("by another logger")
        print("printed"); print(); print("no newline", end="")
        print("complaint", file=sys.stderr)
        raise ValueError("schön")
        """
    )
    host = reached.names[0]
    remote._schedule_jobs([ComputeJob(host, command)])
    records = kept.of(f"node.{host}")
    by_name = {record.name: record for record in records}
    assert by_name[f"node.{host}.some.library"].getMessage() == "by another logger"
    raised = next(record for record in records if record.levelno == logging.ERROR)
    assert raised.name == f"node.{host}.node"
    assert "ValueError: schön" in (raised.exc_text or "")
    said = [(record.getMessage(), record.levelname) for record in records if record.stream in ("stdout", "stderr")]
    assert sorted(said) == [("complaint", "WARNING"), ("no newline", "INFO"), ("printed", "INFO")]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING])
def test_r8_the_level_here_decides_for_the_hosts(
    remote: Recipe, reached: Hosts, script: Script, kept: Kept, level: int
) -> None:
    command = script("for n in (10, 20, 30): self.logger.log(n, 'level %d', n)")
    logging.getLogger().setLevel(level)
    remote._schedule_jobs([ComputeJob(reached.names[0], command)])
    assert [record.levelno for record in kept.of("node.")] == [n for n in (10, 20, 30) if n >= level]


def test_r10_an_unreachable_host_is_told_apart(remote: Recipe, reached: Hosts) -> None:
    jobs = [ComputeJob("no-such-host.invalid", "true"), ComputeJob(reached.names[0], ["sh", "-c", "exit 255"])]
    result = remote._schedule_jobs(jobs)
    assert [job.outcome.kind for job in jobs] == ["unreachable", "exit"]
    assert type(jobs[0].outcome.error).__name__ == "HostUnreachable"
    assert "no-such-host.invalid" in jobs[0].outcome.message
    assert not result.ok


def test_r10_another_host_is_taken_where_the_job_names_one(remote: Recipe, reached: Hosts) -> None:
    job = ComputeJob(["no-such-host.invalid", reached.names[1]], ["hostname"])
    assert remote._schedule_jobs([job]).ok
    assert job.outcome.host == reached.names[1]


def test_r10_a_host_is_tried_again(remote: Recipe, reached: Hosts, kept: Kept) -> None:
    name = reached.names[2]
    reached.kill_sshd(name)
    job = ComputeJob(name, ["true"])

    def come_back() -> None:
        wait_until(lambda: any("trying again in" in record.getMessage() for record in list(kept.records)))
        reached.start_sshd(name)

    back = threading.Thread(target=come_back)
    back.start()
    try:
        assert remote._schedule_jobs([job], reconnect=7, reconnect_delay_s=0.5).ok
    finally:
        back.join()


@pytest.mark.parametrize("befall", ["refuse_key", "change_key", "kill_sshd"])
def test_a_host_that_cannot_be_used_is_named_with_the_reason(
    remote: Recipe, reached: Hosts, befall: str, kept: Kept
) -> None:
    name = reached.names[1]
    if befall == "refuse_key":
        reached.refuse_keys()
    else:
        getattr(reached, befall)(name)
    job = ComputeJob(name, "true")
    remote._schedule_jobs([job])
    assert job.outcome.kind == "unreachable"
    words = {"refuse_key": "permission denied", "change_key": "host key has changed", "kill_sshd": "refused"}
    assert words[befall] in job.outcome.message.lower()


def test_r16_a_cut_link_is_noticed_and_the_remote_process_ends_by_itself(reached: Hosts, tmp_path: Path) -> None:
    # Not so short that a process which stands still for a moment is taken for a link that is cut.
    remote = Recipe(config=str(write_config(tmp_path, reached, keepalive_s=6)))
    name, mark = reached.names[0], tmp_path / "pid"
    jobs = [
        ComputeJob(name, ["sh", "-c", f"touch {mark}; sleep 987"]),
        ComputeJob(reached.names[1], ["true"]),
    ]
    thread = threading.Thread(target=lambda: (wait_until(mark.exists), reached.cut(name)))
    thread.start()
    remote._schedule_jobs(jobs)
    thread.join()
    assert [job.outcome.kind for job in jobs] == ["lost", "succeeded"]
    assert name in jobs[0].outcome.message
    wait_until(lambda: "sleep 987" not in reached.processes(name))


def test_r16_a_lost_job_is_tried_again_when_the_host_is_back(remote: Recipe, reached: Hosts, tmp_path: Path) -> None:
    name, mark = reached.names[0], tmp_path / "mark"
    text = f"test -e {mark} && exit 0; touch {mark}; sleep 1000"

    def strike() -> None:
        wait_until(mark.exists)
        reached.kill_sshd(name)
        reached.start_sshd(name)

    thread = threading.Thread(target=strike)
    thread.start()
    result = remote._schedule_jobs([ComputeJob(name, ["sh", "-c", text])], retries=1, reconnect=5)
    thread.join()
    assert result.ok
    assert result[0].outcome.attempts == 2


def test_r18_arguments_are_exact_there_too(remote: Recipe, reached: Hosts, script: Script, tmp_path: Path) -> None:
    target = tmp_path / "said"
    body = f"open({str(target)!r}, 'w', encoding='utf-8').write(repr(args))"
    assert remote._schedule_jobs([ComputeJob(reached.names[0], script(body), arguments=AWKWARD)]).ok
    assert target.read_text(encoding="utf-8") == repr(tuple(AWKWARD))


def test_r29_many_jobs_at_once(remote: Recipe, reached: Hosts) -> None:
    jobs = [ComputeJob(reached.names[n % 3], ["sh", "-c", "sleep 0.5"]) for n in range(150)]
    assert remote._schedule_jobs(jobs).ok


@pytest.mark.parametrize("strike", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_r15_an_interrupted_master_ends_the_groups_on_every_host(
    reached: Hosts, tmp_path: Path, strike: signal.Signals
) -> None:
    process = start(tmp_path, *reached.names, env={**os.environ, "GANGLINE_SSH_CONFIG": str(reached.config)})
    process.send_signal(strike)
    process.communicate(timeout=60)
    codes = {signal.SIGINT: -signal.SIGINT, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}
    assert process.returncode == codes[strike]
    wait_until(lambda: not any("sleep 300" in reached.processes(name) for name in reached.names))
