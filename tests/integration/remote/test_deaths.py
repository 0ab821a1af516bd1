"""Whatever dies, it is noticed, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gangline.errors import HostLost, HostUnreachable, UsageError
from gangline.remote import Command, ConnectionOptions, HostConnection, SshOptions, run
from tests.hosts import Hosts, wait_until
from tests.integration.remote.support import WAIT_S, Heard, begin

MASTER = Path(__file__).with_name("master.py")


def connect_to(host: str, hosts: Hosts, keepalive_s: float = 60.0, **ssh: object) -> HostConnection:
    connection = HostConnection(host, ConnectionOptions(hosts.ssh(**ssh), keepalive_s))
    connection.connect()
    return connection


def unreachable(host: str, hosts: Hosts, **ssh: object) -> HostUnreachable:
    with pytest.raises(HostUnreachable) as raised:
        connect_to(host, hosts, **ssh)
    assert raised.value.host == host
    return raised.value


# Connections that cannot be made ----------------------------------------------------------------------------------


def test_why_a_host_cannot_be_reached_is_told_apart(hosts: Hosts) -> None:
    first, second, third = hosts.names
    hosts.change_key(first)
    assert "host key has changed" in unreachable(first, hosts).reason
    hosts.forget_key(second)
    assert "host key is not known" in unreachable(second, hosts).reason
    hosts.kill_sshd(third)
    refused = unreachable(third, hosts)
    assert "connection refused" in refused.reason
    assert refused.retryable
    unknown = unreachable("no-such-host.invalid", hosts)
    assert "name is not known" in unknown.reason
    assert not unknown.retryable


def test_a_refused_key_is_told(hosts: Hosts) -> None:
    hosts.refuse_keys()
    error = unreachable(hosts.names[0], hosts)
    assert "permission denied" in error.reason
    assert not error.retryable


def test_a_host_without_a_suitable_python_is_told(hosts: Hosts) -> None:
    name = hosts.names[0]
    assert "there is no python9 on it" in unreachable(name, hosts, python="python9").reason
    assert "cannot be executed" in unreachable(name, hosts, python="/etc/passwd").reason
    assert "agent there ended with exit code 0" in unreachable(name, hosts, python="true").reason
    old = hosts.folder / "old_python"
    old.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys; sys.version_info = (3, 5); exec(sys.argv[1])' \"$4\"\n"
    )
    old.chmod(0o755)
    assert "Python 3.5 is too old here" in unreachable(name, hosts, python=str(old)).reason


def test_a_host_behind_a_cut_link_is_given_up(hosts: Hosts) -> None:
    hosts.cut(hosts.names[0])
    error = unreachable(hosts.names[0], hosts, connect_timeout_s=1.0)
    assert "does not answer" in error.reason
    assert error.retryable


def test_a_shell_that_says_nothing_or_much_before_the_agent(hosts: Hosts) -> None:
    name = hosts.names[0]
    chatty, mute, endless = (hosts.folder / each for each in ("chatty", "mute", "endless"))
    chatty.write_text(f'#!/bin/sh\necho "Welcome! 5 > 3"\nhead -c 30000 /dev/zero\nexec {sys.executable} "$@"\n')
    mute.write_text("#!/bin/sh\nexec sleep 1000\n")
    endless.write_text("#!/bin/sh\nexec cat /dev/zero\n")
    for path in (chatty, mute, endless):
        path.chmod(0o755)
    connection = connect_to(name, hosts, python=str(chatty))
    assert begin(connection, "true").result.ok
    connection.close()
    assert "says too much" in unreachable(name, hosts, python=str(endless)).reason
    # To ssh the host may be slow: only that what starts there says nothing is to take too long.
    patient = hosts.folder / "patient_ssh"
    patient.write_text('#!/bin/sh\nexec ssh -o ConnectTimeout=60 "$@"\n')
    patient.chmod(0o755)
    error = unreachable(name, hosts, python=str(mute), connect_timeout_s=1.0, program=str(patient))
    assert "no agent has started there" in error.reason


def test_no_ssh_is_told(hosts: Hosts) -> None:
    assert "No such file" in unreachable(hosts.names[0], hosts, program="/no/such/ssh").reason
    with pytest.raises(UsageError, match="cannot be the name"):
        connect_to("-oProxyCommand=true", hosts)


def test_few_connections_are_made_at_once_and_who_is_turned_away_tries_again(tmp_path: Path) -> None:
    """As an sshd does it to which many come at once."""
    (tmp_path / "now").mkdir()
    crowded = tmp_path / "ssh"
    crowded.write_text(
        f"#!/bin/sh\ncd {tmp_path}\ntouch now/$$\nls now | wc -l >> counts\nsleep 0.1\nrm now/$$\n"
        "echo 'Connection closed by 10.0.0.1 port 22' >&2\nexit 255\n"
    )
    crowded.chmod(0o755)
    options = ConnectionOptions(SshOptions(program=str(crowded)))
    errors: list[HostUnreachable] = []

    def connect(number: int) -> None:
        try:
            HostConnection(f"node{number}", options).connect()
        except HostUnreachable as exc:
            errors.append(exc)

    threads = [threading.Thread(target=connect, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = [int(line) for line in (tmp_path / "counts").read_text().split()]
    assert len(counts) == 12 * 3
    assert max(counts) <= 8
    assert len(errors) == 12
    assert all(error.retryable and "before anybody could log in" in error.reason for error in errors)


def test_a_host_may_be_reached_through_another(hosts: Hosts) -> None:
    first, second = hosts.names[:2]
    if hosts.links:  # the hosts have no links among each other, but each has itself
        second, address = "inner", hosts.address(first)
        with hosts.config.open("r+") as file:
            known = file.read()
            file.seek(0)
            file.write(f"Host inner\n HostName {address}\n HostKeyAlias {first}\n ProxyJump {first}\n{known}")
        arguments: tuple[str, ...] = ()
    else:
        arguments = ("-J", first)
    result = run(second, ["sh", "-c", "exit 5"], ssh=hosts.ssh(arguments=arguments))
    assert result.exit_code == 5


# Connections that are lost ----------------------------------------------------------------------------------------


@contextmanager
def sleeping(hosts: Hosts, name: str, **options: float) -> Iterator[Heard]:
    """A command that runs on a host, with a child of its own."""
    connection = connect_to(name, hosts, **options)
    heard = begin(connection, "sh", "-c", "sleep 1000 & echo begun; wait")
    heard.wait_for_lines()
    try:
        yield heard
    finally:
        connection.close()


def test_a_cut_link_is_noticed_on_both_sides(hosts: Hosts) -> None:
    name = hosts.names[0]
    with sleeping(hosts, name, keepalive_s=6.0) as heard:
        assert any("sleep 1000" in line for line in hosts.processes(name))
        hosts.cut(name)
        outcome = heard.wait()
        assert isinstance(outcome, HostLost)
        assert "nothing has been heard from it for " in outcome.reason
        wait_until(lambda: not any("sleep 1000" in line for line in hosts.processes(name)), WAIT_S)


def test_a_link_that_is_mended_in_time_costs_nothing(hosts: Hosts, tmp_path: Path) -> None:
    name = hosts.names[0]
    connection = connect_to(name, hosts)
    go, said = tmp_path / "go", tmp_path / "said"
    heard = begin(
        connection, "sh", "-c", f"echo begun; until test -e {go}; do sleep 0.02; done; echo done; touch {said}"
    )
    heard.wait_for_lines()
    hosts.cut(name)
    go.touch()
    wait_until(said.exists, WAIT_S)
    assert heard.text == "begun"
    hosts.mend(name)
    assert heard.result.ok
    assert heard.text == "begun\ndone"
    connection.close()


def test_the_end_of_sshd_ends_what_it_served(hosts: Hosts) -> None:
    name = hosts.names[0]
    with sleeping(hosts, name) as heard:
        hosts.kill_sshd(name)
        assert isinstance(heard.wait(), HostLost)
        hosts.wait_until_empty(name)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_agent_ends_its_jobs(hosts: Hosts, number: signal.Signals) -> None:
    name = hosts.names[0]
    connection = connect_to(name, hosts)
    heard = begin(connection, "sh", "-c", "trap '' TERM; sleep 1000 & echo begun; wait; sleep 1000")
    heard.wait_for_lines()
    assert connection.info is not None
    if hosts.links:
        hosts.run_in(name, ["kill", f"-{number}", str(connection.info.pid)])
    else:
        os.kill(connection.info.pid, number)
    heard.wait()
    hosts.wait_until_empty(name)
    connection.close()


def test_the_end_of_ssh_itself_is_noticed(hosts: Hosts) -> None:
    before = children(os.getpid())
    with sleeping(hosts, hosts.names[0]) as heard:
        (ssh,) = [pid for pid in children(os.getpid()) if pid not in before and command_of(pid).startswith("ssh\0")]
        os.kill(ssh, signal.SIGKILL)
        assert isinstance(heard.wait(), HostLost)
    hosts.wait_until_empty(hosts.names[0])


def test_a_lost_host_is_told_of_once_and_takes_no_more(hosts: Hosts) -> None:
    told: list[HostLost] = []
    connection = HostConnection(hosts.names[0], ConnectionOptions(hosts.ssh(), keepalive_s=60.0), told.append)
    connection.connect()
    heard = begin(connection, "sleep", "1000")
    hosts.kill_sshd(hosts.names[0])
    assert isinstance(heard.wait(), HostLost)
    wait_until(lambda: bool(told), WAIT_S)
    assert isinstance(begin(connection, "true").wait(), HostLost)
    connection.close()
    assert len(told) == 1


def test_a_full_disk_on_the_host_is_the_command_s_own_trouble(hosts: Hosts) -> None:
    if not hosts.links:
        pytest.skip("no small disk can be mounted: that needs root and CAP_SYS_ADMIN")
    name = hosts.names[0]
    hosts.run_in(name, ["mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"])
    connection = connect_to(name, hosts)
    heard = begin(connection, "sh", "-c", "head -c 1000000 /dev/zero > /mnt/file", cwd="/mnt")
    assert heard.result.exit_code not in (0, None)
    assert "No space left" in heard.lines[-1][1]
    assert begin(connection, "sh", "-c", "echo still there", cwd="/mnt").result.ok
    connection.close()
    hosts.run_in(name, ["umount", "/mnt"])


# The end of the master --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_master_that_ends_leaves_nothing_on_any_host(hosts: Hosts, number: signal.Signals) -> None:
    names = hosts.names[:2]
    environment = os.environ | {"GANGLINE_SSH_CONFIG": str(hosts.config)}
    master = subprocess.Popen(
        [sys.executable, str(MASTER), "localhost", *names], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert master.stdout is not None
    for _ in range(6):
        assert master.stdout.readline() == "begun\n"
    wait_until(lambda: sum(map(is_sleeping, descendants(master.pid))) == 4, WAIT_S)
    local = descendants(master.pid)
    master.send_signal(number)
    master.wait(WAIT_S)
    wait_until(
        lambda: not any(map(alive, local)), WAIT_S, lambda: str([command_of(pid) for pid in local if alive(pid)])
    )
    for name in names:
        hosts.wait_until_empty(name)
    master.stdout.close()


def test_forked_children_of_the_master_do_not_keep_its_jobs_alive() -> None:
    """They hold the pipe to the agent open."""
    program = (
        "import os, time; from gangline.remote import *\n"
        "c = HostConnection('localhost'); c.connect(); c.run(Command(('sleep', '1000')), None, print)\n"
        "if os.fork() == 0: time.sleep(1000)\n"
        "print(c.info.pid, flush=True); time.sleep(1000)"
    )
    master = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert master.stdout is not None
    agent = int(master.stdout.readline())
    wait_until(lambda: any(map(is_sleeping, descendants(master.pid))), WAIT_S)
    below = descendants(master.pid)
    master.kill()
    master.wait()
    wait_until(lambda: not alive(agent), WAIT_S)
    for pid in below:
        if alive(pid) and "import os, time" in command_of(pid):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, below)), WAIT_S)
    master.stdout.close()


# What jobs leave behind -------------------------------------------------------------------------------------------


def test_calling_a_job_off_ends_all_its_processes(connection: HostConnection) -> None:
    heard = Heard()
    script = "echo $$; sh -c 'echo $$; exec sleep 1000' & setsid sh -c 'echo $$; exec sleep 1000' & wait"
    job = connection.run(Command(("sh", "-c", script)), heard, heard.on_end)
    heard.wait_for_lines(3)
    connection.end(job)
    assert heard.result.signal == "SIGTERM"
    probe = begin(connection, "sh", "-c", f"kill -0 {' '.join(heard.wait_for_lines(3))}")
    assert probe.result.exit_code != 0
    assert len([line for line in probe.lines if "No such process" in line[1]]) == 3, probe.lines


def test_calling_a_job_off_ends_also_what_leaves_its_group_only_then(connection: HostConnection) -> None:
    heard = Heard()
    script = "trap 'setsid sleep 1000 & echo $!; exit 3' TERM; echo begun; while :; do sleep 0.05; done"
    job = connection.run(Command(("sh", "-c", script)), heard, heard.on_end)
    heard.wait_for_lines()
    connection.end(job)
    assert heard.result.exit_code == 3
    _, stray = heard.text.split()
    probe = begin(connection, "kill", "-0", stray)
    assert not probe.result.ok


def test_who_does_not_listen_to_sigterm_is_killed(connection: HostConnection) -> None:
    heard = Heard()
    script = "trap '' TERM; echo begun; while :; do sleep 1; done"
    job = connection.run(Command(("sh", "-c", script)), heard, heard.on_end)
    heard.wait_for_lines()
    connection.end(job)
    assert heard.result.signal == "SIGKILL"


def test_who_is_stopped_is_ended_too(connection: HostConnection) -> None:
    heard = Heard()
    job = connection.run(Command(("sh", "-c", "echo begun; kill -STOP $$")), heard, heard.on_end)
    heard.wait_for_lines()
    connection.end(job)
    assert heard.result.signal == "SIGTERM"


def test_a_job_is_over_when_its_first_process_is_and_what_it_leaves_is_ended(connection: HostConnection) -> None:
    heard = begin(connection, "sh", "-c", "sleep 1000 & echo $!; exit 7")
    assert heard.result.exit_code == 7
    probe = begin(connection, "sh", "-c", f"kill -0 {heard.text}")
    assert probe.result.exit_code != 0


def test_a_daemon_that_holds_the_pipes_is_not_waited_for_and_lives_on(connection: HostConnection) -> None:
    program = (
        "import os, sys, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(1000)"
    )
    heard = begin(connection, sys.executable, "-c", f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {program!r}], stdout=subprocess.PIPE, text=True, pass_fds=(1,)); print(p.stdout.readline(), end='')")  # fmt: skip  # noqa: E501
    assert heard.result.ok
    assert begin(connection, "kill", "-KILL", heard.text).result.ok


def test_ending_what_has_ended_does_nothing(here: HostConnection) -> None:
    heard = Heard()
    job = here.run(Command(("true",)), heard, heard.on_end)
    assert heard.result.ok
    here.end(job)
    here.kill(job)
    here.send_signal(job, signal.SIGUSR1)
    assert begin(here, "true").result.ok


def test_closing_ends_what_runs(hosts: Hosts) -> None:
    connection = connect_to(hosts.names[0], hosts)
    heard = begin(connection, "sh", "-c", "trap '' TERM; echo begun; while :; do sleep 1; done")
    heard.wait_for_lines()
    connection.close()
    heard.wait()
    hosts.wait_until_empty(hosts.names[0])
    connection.close()


# Processes of this machine ----------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in task.joinpath("children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    found = children(pid)
    return found + [below for child in found for below in descendants(child)]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def is_sleeping(pid: int) -> bool:
    return command_of(pid) == "sleep\x001000\0"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
