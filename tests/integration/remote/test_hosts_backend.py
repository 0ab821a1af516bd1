"""Slots on hosts as engines of a session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.backends.gate import Gate
from gangline.backends.hosts import HostDown, HostEvent, HostLost, HostsBackend, HostUp, resource_of, run_command
from gangline.errors import (
    BackendError,
    CommandFailed,
    CommandNotStarted,
    EngineError,
    TaskCancelled,
    TaskTimedOut,
    UsageError,
)
from gangline.messages import Terms
from gangline.remote import Command, ConnectionOptions
from tests.hosts import Hosts, wait_until
from tests.integration.remote.support import WAIT_S, Heard


class Stage:
    """A session whose engines are slots on hosts, and what was told of the hosts."""

    def __init__(self, options: ConnectionOptions | None = None) -> None:
        self.backend = HostsBackend(options)
        self.events: list[HostEvent] = []
        self._changed = threading.Condition()
        self.backend.add_host_listener(self._on_host)
        self.session = Session(self.backend, engines=0)

    def _on_host(self, event: HostEvent) -> None:
        assert not self.session.lock._is_owned()  # type: ignore[attr-defined]
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_for(self, kind: type[HostEvent], count: int = 1) -> Any:
        def found() -> list[HostEvent]:
            return [event for event in self.events if isinstance(event, kind)]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, WAIT_S), self.events
        return found()[-1]

    def submit(
        self, host: str, *argv: str, gate: Gate | None = None, listener: Heard | None = None, **terms: Any
    ) -> Handle:
        terms = {"patient": True, "resources": ((resource_of(host), 1.0),)} | terms
        return self.session.submit(run_command, (Command(argv), listener, gate), {}, Terms(**terms))

    def ended(self, *handles: Handle) -> list[BaseException | None]:
        assert self.session.wait(handles, WAIT_S), [handle.state for handle in handles]
        return [None if handle.failure is None else handle.failure.error for handle in handles]


@pytest.fixture
def here() -> Iterator[Stage]:
    stage = Stage()
    stage.backend.connect("localhost", 2)
    yield stage
    stage.session.close()


@pytest.fixture
def there(hosts: Hosts) -> Iterator[Stage]:
    stage = Stage(ConnectionOptions(hosts.ssh(), keepalive_s=60.0))
    yield stage
    stage.session.close()


@pytest.fixture
def watchful(hosts: Hosts) -> Iterator[Stage]:
    """One that soon notices that a connection is dead, but does not take a pause of seconds for that."""
    stage = Stage(ConnectionOptions(hosts.ssh(), keepalive_s=6.0))
    yield stage
    stage.session.close()


def test_results_and_failures_come_as_what_they_are(here: Stage) -> None:
    good = here.submit("localhost", "sh", "-c", "exit 0")
    bad = here.submit("localhost", "sh", "-c", "echo why >&2; exit 3")
    missing = here.submit("localhost", "no-such-program")
    ok, failed, not_started = here.ended(good, bad, missing)
    assert ok is None
    assert (good.value.exit_code, good.value.host) == (0, "localhost")
    assert isinstance(failed, CommandFailed)
    assert (failed.exit_code, failed.stderr_tail) == (3, ("why",))
    assert failed.duration_s is not None
    assert isinstance(not_started, CommandNotStarted)
    assert not_started.kind == "not found"


def test_commands_wait_for_their_host_and_run_on_it_alone(there: Stage, hosts: Hosts) -> None:
    waiting = [there.submit(name, "hostname") for name in hosts.names for _ in range(5)]
    for name in hosts.names:
        there.backend.connect(name, 2)
    assert there.ended(*waiting) == [None] * 15
    assert [handle.value.host for handle in waiting] == [name for name in hosts.names for _ in range(5)]
    assert {event.host for event in there.events} == set(hosts.names)
    assert all(isinstance(event, HostUp) for event in there.events)
    assert len(there.session.engines) == 6


def test_more_slots_can_be_had_later(here: Stage) -> None:
    gate = Gate(5)
    handles = [here.submit("localhost", "true", gate=gate) for _ in range(5)]
    here.wait_for(HostUp)
    here.backend.connect("localhost", 5)
    here.backend.connect("localhost", 3)  # no less than there are
    assert here.ended(*handles) == [None] * 5
    assert len(here.session.engines) == 5


def test_a_limit_holds_beside_the_slots_and_order_is_kept(here: Stage, tmp_path: Path) -> None:
    here.session.set_limit("one", 1)
    script = f"cd {tmp_path}; mkdir alone || exit 9; echo $0 >> order; sleep 0.02; rmdir alone"
    handles = [here.submit("localhost", "sh", "-c", script, str(number), limits=("one",)) for number in range(6)]
    assert here.ended(*handles) == [None] * 6
    assert (tmp_path / "order").read_text().split() == list("012345")


def test_cancelling_ends_the_process_group(here: Stage) -> None:
    heard = Heard()
    handle = here.submit("localhost", "sh", "-c", "sleep 1000 & echo $!; wait", listener=heard)
    pid = heard.wait_for_lines()[0]
    assert not here.session.cancel(handle)  # it runs, and runs on
    assert here.session.cancel(handle, interrupt=True)
    (error,) = here.ended(handle)
    assert isinstance(error, TaskCancelled)
    probe = here.submit("localhost", "kill", "-0", pid)
    assert isinstance(here.ended(probe)[0], CommandFailed)


def test_a_time_limit_ends_also_who_does_not_listen(here: Stage) -> None:
    handle = here.submit("localhost", "sh", "-c", "trap '' TERM; while :; do sleep 1; done", time_limit_s=0.3)
    (error,) = here.ended(handle)
    assert isinstance(error, TaskTimedOut)


def test_killing_an_engine_ends_its_command_and_keeps_its_slot(here: Stage) -> None:
    heard = Heard()
    handle = here.submit("localhost", "sh", "-c", "echo begun; exec sleep 1000", listener=heard)
    heard.wait_for_lines()
    assert handle.engine is not None
    here.session.kill_engine(handle.engine)
    (error,) = here.ended(handle)
    assert isinstance(error, CommandFailed)
    assert error.signal == "SIGTERM"
    assert here.ended(here.submit("localhost", "true")) == [None]
    assert len(here.session.engines) == 2


def test_a_signal_reaches_the_command(here: Stage) -> None:
    heard = Heard()
    script = "trap 'echo got it; exit 9' USR1; echo begun; while :; do sleep 0.05; done"
    handle = here.submit("localhost", "sh", "-c", script, listener=heard)
    heard.wait_for_lines()
    assert handle.engine is not None
    here.session.signal_engine(handle.engine, 10)
    (error,) = here.ended(handle)
    assert isinstance(error, CommandFailed)
    assert error.exit_code == 9


def test_a_stopped_engine_is_gone(here: Stage) -> None:
    assert here.ended(here.submit("localhost", "true")) == [None]
    engine = next(iter(here.session.engines))
    here.session.stop_engine(engine, at_once=True)
    wait_until(lambda: engine not in here.session.engines, WAIT_S)
    assert here.ended(here.submit("localhost", "true")) == [None]


def test_hosts_that_cannot_be_reached_are_told_with_the_reason(there: Stage, hosts: Hosts) -> None:
    hosts.kill_sshd(hosts.names[0])
    waiting = there.submit(hosts.names[0], "true")
    there.backend.connect(hosts.names[0], 1)
    down = there.wait_for(HostDown)
    assert (down.host, down.error.retryable) == (hosts.names[0], True)
    assert waiting.status is None
    hosts.start_sshd(hosts.names[0])
    there.backend.connect(hosts.names[0], 1)  # again
    assert there.ended(waiting) == [None]
    there.backend.connect("-oProxyCommand=true", 1)
    assert there.wait_for(HostDown, 2).error.retryable is False


def test_what_ran_on_a_lost_host_is_lost_and_what_waits_goes_on_when_it_is_back(watchful: Stage, hosts: Hosts) -> None:
    there, name = watchful, hosts.names[0]
    there.backend.connect(name, 1)
    heard = Heard()
    running = there.submit(name, "sh", "-c", "echo begun; sleep 1000", listener=heard)
    waiting = there.submit(name, "true")
    heard.wait_for_lines()
    hosts.cut(name)
    lost = there.wait_for(HostLost)
    assert lost.host == name
    (error,) = there.ended(running)
    assert isinstance(error, EngineError)
    assert "nothing has been heard" in error.reason
    assert waiting.status is None
    assert there.session.engines == {}
    hosts.mend(name)
    there.backend.connect(name, 1)
    assert there.ended(waiting) == [None]


def test_a_retry_runs_when_the_host_is_back(there: Stage, hosts: Hosts, tmp_path: Path) -> None:
    name = hosts.names[0]
    there.backend.connect(name, 1)
    heard, mark = Heard(), tmp_path / "mark"
    script = f"test -e {mark} && exit 0; touch {mark}; echo begun; sleep 1000"
    handle = there.submit(name, "sh", "-c", script, listener=heard, retries=1)
    heard.wait_for_lines()
    hosts.kill_sshd(name)
    there.wait_for(HostLost)
    hosts.start_sshd(name)
    there.backend.connect(name, 1)
    assert there.ended(handle) == [None]
    assert len(handle.earlier) == 1


def test_a_host_that_is_left_takes_its_slots_along(here: Stage) -> None:
    heard = Heard()
    handle = here.submit("localhost", "sh", "-c", "echo begun; sleep 1000", listener=heard)
    heard.wait_for_lines()
    here.backend.disconnect("localhost")
    here.backend.disconnect("localhost")
    (error,) = here.ended(handle)
    assert isinstance(error, EngineError)
    assert "was disconnected" in str(error)
    assert not any(isinstance(event, HostLost) for event in here.events)


# Gates --------------------------------------------------------------------------------------------------------------


def test_gated_commands_start_together_or_not_at_all(here: Stage) -> None:
    gate = Gate(2)
    first = here.submit("localhost", "sh", "-c", "date +%s.%N", gate=gate)
    here.wait_for(HostUp)
    assert not here.session.wait([first], 0.3)
    second = here.submit("localhost", "true", gate=gate)
    assert here.ended(first, second) == [None, None]
    gate = Gate(2)
    alone = here.submit("localhost", "true", gate=gate)
    assert not here.session.wait([alone], 0.1)
    gate.break_("its other half is missing")
    (error,) = here.ended(alone)
    assert isinstance(error, TaskCancelled)
    assert "its other half is missing" in str(error)


def test_who_waits_at_a_gate_can_be_cancelled(here: Stage) -> None:
    here.wait_for(HostUp)
    gate = Gate(2)
    handle = here.submit("localhost", "true", gate=gate)
    wait_until(lambda: len(gate._waiting) == 1, WAIT_S)
    assert handle.status is None
    here.session.cancel(handle, interrupt=True)
    (error,) = here.ended(handle)
    assert isinstance(error, TaskCancelled)
    assert here.ended(*[here.submit("localhost", "true") for _ in range(4)]) == [None] * 4


def test_who_waits_at_a_gate_on_a_lost_host_has_not_begun(there: Stage, hosts: Hosts) -> None:
    name = hosts.names[0]
    there.backend.connect(name, 1)
    there.wait_for(HostUp)
    gate = Gate(2)
    handle = there.submit(name, "true", gate=gate)
    wait_until(lambda: len(gate._waiting) == 1, WAIT_S)
    assert handle.status is None
    hosts.kill_sshd(name)
    there.wait_for(HostLost)
    assert handle.status is None
    hosts.start_sshd(name)
    there.backend.connect(name, 2)
    assert there.ended(handle, there.submit(name, "true", gate=gate)) == [None, None]


# Ending ------------------------------------------------------------------------------------------------------------


def test_closing_ends_everything_on_every_host(there: Stage, hosts: Hosts) -> None:
    heard = []
    for name in hosts.names:
        there.backend.connect(name, 10)
        for _ in range(10):
            heard.append(Heard())
            there.submit(name, "sh", "-c", "trap '' TERM; echo begun; while :; do sleep 1; done", listener=heard[-1])
    for each in heard:
        each.wait_for_lines()
    there.session.close()
    for name in hosts.names:
        hosts.wait_until_empty(name)


def test_closing_while_hosts_are_being_connected_does_not_wait_for_them(hosts: Hosts) -> None:
    others = _connecting()  # of tests before, on the site that a process keeps
    there = Stage(ConnectionOptions(hosts.ssh(connect_timeout_s=1000.0)))
    hosts.cut(hosts.names[0])
    there.backend.connect(hosts.names[0], 1)
    there.backend.connect(hosts.names[1], 1)
    there.session.close()
    there.backend.connect(hosts.names[2], 1)  # too late: nothing happens
    wait_until(lambda: _connecting() <= others, WAIT_S)
    for name in hosts.names:
        hosts.wait_until_empty(name)


def _connecting() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name.startswith(("gangline-connect", "gangline-host"))}


def test_what_makes_no_sense_is_refused(here: Stage) -> None:
    with pytest.raises(UsageError, match="only commands can be run"):
        here.session.submit(print, ("x",))
    with pytest.raises(UsageError, match="takes a Command"):
        here.session.submit(run_command, ("ls",))
    with pytest.raises(UsageError, match="run_command is for sessions"):
        run_command(Command(("true",)))
    with pytest.raises(BackendError, match="slots on hosts"):
        here.session.add_engines(1)
    with pytest.raises(UsageError, match="1 slot or more"):
        here.backend.connect("localhost", 0)
