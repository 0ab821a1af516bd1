"""Engines that are slots on hosts: each runs one command at a time, here or over ssh.

Rules:
- `_lock` guards hosts and slots. It is never held while anything is called that may take the session's lock.
- A slot's task is reported once: by its end, or with the loss of the slot.
"""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gangline.backends.commands import CommandCall, attempt_of, build_call, not_begun, run_command
from gangline.backends.gate import Gate
from gangline.errors import (
    BackendError,
    GanglineError,
    HostLost,
    HostUnreachable,
    RemoteError,
    UsageError,
)
from gangline.messages import (
    BackendEvent,
    EngineId,
    EngineInfo,
    EngineJoined,
    EngineLost,
    Finished,
    Payload,
    TaskId,
)
from gangline.ports import Inbox
from gangline.remote.command import CommandResult
from gangline.remote.connection import ConnectionOptions, HostConnection, HostInfo
from gangline.remote.job import RemoteJob

__all__ = [
    "Gate",
    "HostDown",
    "HostEvent",
    "HostListener",
    "HostLost",
    "HostUp",
    "HostsBackend",
    "resource_of",
    "run_command",
]

_STOP_S = 4.0
_PLENTY = 1e9
"""A host's place is no bound of its own: there are as many slots as there are."""


class HostUp(NamedTuple):
    """A host is ready for commands."""

    host: str
    info: HostInfo


class HostDown(NamedTuple):
    """A host cannot be reached."""

    host: str
    error: HostUnreachable


HostEvent = HostUp | HostDown | HostLost
HostListener = Callable[[HostEvent], None]


def resource_of(host: str) -> str:
    """What a task has to need, so that it runs on that host."""
    return f"host:{host}"


@dataclass(eq=False, slots=True)
class _Slot:
    """One engine.

    Attributes:
        task: What it has begun, if only to wait at a gate.
        job: The command, once it has been handed to the host.
    """

    engine: EngineId
    host: _Host
    queue: deque[tuple[TaskId, CommandCall]] = field(default_factory=deque)
    task: TaskId | None = None
    job: RemoteJob | None = None
    gate: Gate | None = None
    ending: bool = False
    sent_at: float = 0.0


@dataclass(eq=False, slots=True)
class _Host:
    """A host that is wanted."""

    name: str
    connection: HostConnection
    wanted: int
    info: HostInfo | None = None
    slots: list[_Slot] = field(default_factory=list)


class HostsBackend:
    """Slots on hosts. None is there until `connect` asks for it.

    Args:
        options: How hosts are reached and watched.
    """

    name = "hosts"

    def __init__(self, options: ConnectionOptions | None = None) -> None:
        self._options = options or ConnectionOptions()
        self._lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}
        self._slots: dict[EngineId, _Slot] = {}
        self._listeners: list[HostListener] = []
        self._left: list[HostConnection] = []
        self._stopped = False

    def start(self, inbox: Inbox, engines: int | None) -> None:
        """Nothing yet: engines come with hosts, however many are asked for."""
        self._inbox = inbox

    def add_engines(self, count: int) -> None:
        """Refuse: it must be said where.

        Raises:
            BackendError: Always.
        """
        raise BackendError("engines of this kind are slots on hosts; ask for them with connect(host, slots)")

    # Hosts -----------------------------------------------------------------------------------------------------

    def add_host_listener(self, listener: HostListener) -> None:
        """Call back, from a thread of this backend, when a host is up, cannot be reached, or is lost."""
        with self._lock:
            self._listeners.append(listener)

    def connect(self, host: str, slots: int) -> None:
        """Begin to connect to a host; when it is up, that many of its slots join. More can be asked for at any time.

        A host that could not be reached or was lost is tried again.

        Raises:
            UsageError: There is to be no slot.
        """
        if slots < 1:
            raise UsageError(f"a host needs 1 slot or more, not {slots}")
        with self._lock:
            if self._stopped:
                return
            known = self._hosts.get(host)
            if known is not None:
                known.wanted = max(known.wanted, slots)
            else:
                connection = HostConnection(host, self._options, lambda lost: self._on_lost(wanted, lost))
                wanted = self._hosts[host] = _Host(host, connection, slots)
        if known is None:
            name = f"gangline-connect-{host}"
            threading.Thread(target=self._bring_up, args=(wanted,), name=name, daemon=True).start()
        elif known.info is not None:
            self._join(known)

    def disconnect(self, host: str) -> None:
        """End everything on a host; its slots are lost. Unknown hosts are ignored."""
        with self._lock:
            known = self._hosts.get(host)
            if known is None:
                return
            self._left.append(known.connection)
            self._drop(known, "was disconnected")
        name = f"gangline-leave-{host}"
        threading.Thread(target=self._leave, args=(known.connection,), name=name, daemon=True).start()

    def _leave(self, connection: HostConnection) -> None:
        connection.close()
        with self._lock, suppress(ValueError):
            self._left.remove(connection)

    def _bring_up(self, host: _Host) -> None:
        try:
            info = host.connection.connect()
        except (HostUnreachable, UsageError) as exc:
            with self._lock:
                wanted = self._hosts.get(host.name) is host
                if wanted:
                    del self._hosts[host.name]
            if wanted:
                error = (
                    exc if isinstance(exc, HostUnreachable) else HostUnreachable(host.name, str(exc), retryable=False)
                )
                self._tell(HostDown(host.name, error))
            return
        with self._lock:
            if self._hosts.get(host.name) is not host:  # it was lost or given up meanwhile
                return
            host.info = info
        self._join(host)
        self._tell(HostUp(host.name, info))

    def _join(self, host: _Host) -> None:
        """Have as many slots as are wanted."""
        while True:
            engine = self._inbox.new_engine_id()
            with self._lock:
                if self._hosts.get(host.name) is not host or host.info is None or len(host.slots) >= host.wanted:
                    return
                slot = self._slots[engine] = _Slot(engine, host)
                host.slots.append(slot)
                offers = {resource_of(host.name): _PLENTY, "cores": float(host.info.cores)}
                info = EngineInfo(uuid.uuid4().hex, host.name, host.info.pid, host.name, offers)
                self._inbox.put(EngineJoined(engine, info))

    def _on_lost(self, host: _Host, lost: HostLost) -> None:
        with self._lock:
            known = self._hosts.get(host.name) is host
            if known:
                self._drop(host, f"was lost: {lost.reason}")
        if known:
            self._tell(lost)

    def _drop(self, host: _Host, reason: str) -> None:
        """The host and its slots are no more; with the lock held."""
        del self._hosts[host.name]
        for slot in list(host.slots):
            self._drop_slot(slot, reason)

    def _drop_slot(self, slot: _Slot, reason: str) -> None:
        slot.host.slots.remove(slot)
        del self._slots[slot.engine]
        if slot.gate is not None:
            slot.gate.depart(slot)  # who is gone must not be counted with those who have arrived
        running = frozenset[TaskId]() if slot.task is None or slot.job is None else frozenset({slot.task})
        self._inbox.put(EngineLost(slot.engine, reason, running))

    def _tell(self, event: HostEvent) -> None:
        with self._lock:
            listeners = [] if self._stopped else list(self._listeners)
        for listener in listeners:
            listener(event)

    # Tasks -----------------------------------------------------------------------------------------------------

    def prepare(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Payload:
        """Make a command ready.

        Raises:
            UsageError: It is not `run_command` with a command.
        """
        if function is not run_command:
            raise UsageError("on hosts only commands can be run: submit gangline.backends.hosts.run_command")
        return build_call(*args, **kwargs)

    def send(self, engine: EngineId, tasks: Sequence[tuple[TaskId, Payload]]) -> None:
        """Have a slot run commands, in this order."""
        with self._lock:
            slot = self._slots.get(engine)
            if slot is None:
                return
            slot.queue.extend((task, payload) for task, payload in tasks if isinstance(payload, CommandCall))
        self._next(slot)

    def recall(self, engine: EngineId) -> Sequence[TaskId]:
        """Take back what the slot has not begun."""
        with self._lock:
            slot = self._slots.get(engine)
            if slot is None:
                return ()
            tasks = [task for task, _ in slot.queue]
            slot.queue.clear()
        return tasks

    def interrupt(self, engine: EngineId, task: TaskId) -> None:
        """End the process group of the command."""
        self._end(engine, task)

    def kill(self, engine: EngineId, reason: str) -> None:
        """End the process group of what runs in the slot; by force if it is ending already. The slot stays."""
        self._end(engine)

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Send a signal to the process group of the command that runs in the slot.

        Raises:
            UsageError: There is no such signal.
        """
        number = signal.Signals(signum)
        slot = self._slots.get(engine)
        if slot is not None and (job := slot.job) is not None:
            slot.host.connection.send_signal(job, number)

    def running(self, engine: EngineId) -> TaskId | None:
        """The task whose command was handed to the host."""
        slot = self._slots.get(engine)
        return None if slot is None or slot.job is None else slot.task

    def busy_with(self, engine: EngineId) -> TaskId | None:
        """The task that the slot has begun, even if it waits at a gate."""
        slot = self._slots.get(engine)
        return None if slot is None else slot.task

    def turn(self) -> Sequence[BackendEvent]:
        """Nothing: the connections have threads of their own."""
        return ()

    def _next(self, slot: _Slot) -> None:
        """Begin what is next in a slot that has nothing."""
        with self._lock:
            if slot.task is not None or not slot.queue or slot.engine not in self._slots:
                return
            task, payload = slot.queue.popleft()
            slot.task, slot.gate, slot.ending = task, payload.gate, False
        if payload.gate is None:
            self._launch(slot, task, payload)
        else:
            payload.gate.arrive(
                slot,
                lambda: self._launch(slot, task, payload),
                lambda reason: self._finish(slot, task, not_begun(reason)),
            )

    def _launch(self, slot: _Slot, task: TaskId, payload: CommandCall) -> None:
        """Hand a command to its host."""

        def on_end(how: CommandResult | RemoteError) -> None:
            if not isinstance(how, HostLost):  # that is told for all slots of the host
                self._finish(slot, task, how)

        with self._lock:
            if slot.task != task or slot.engine not in self._slots:
                return
            slot.gate = None
            called_off = slot.ending
            if not called_off:
                slot.sent_at = time.time()
                slot.job = slot.host.connection.run(payload.command, payload.listener, on_end)
        if called_off:
            self._finish(slot, task, not_begun("it was called off"))

    def _finish(self, slot: _Slot, task: TaskId, how: CommandResult | GanglineError) -> None:
        """A slot's task has ended."""
        attempt = attempt_of(task, how, slot.sent_at)
        with self._lock:
            if slot.task != task or slot.engine not in self._slots:
                return
            slot.task = slot.job = slot.gate = None
            self._inbox.put(Finished(slot.engine, [attempt]))
        self._next(slot)

    def _end(self, engine: EngineId, only: TaskId | None = None) -> None:
        """End what a slot has begun, if it is still that task."""
        with self._lock:
            slot = self._slots.get(engine)
            if slot is None or slot.task is None or only not in (None, slot.task):
                return
            task, job, gate, again = slot.task, slot.job, slot.gate, slot.ending
            slot.ending = True
        if gate is not None and gate.depart(slot):
            self._finish(slot, task, not_begun("it was called off"))
        elif job is not None and again:
            slot.host.connection.kill(job)
        elif job is not None:
            slot.host.connection.end(job)

    # Ending ----------------------------------------------------------------------------------------------------

    def stop_engine(self, engine: EngineId) -> None:
        """End one slot, with what runs there."""
        self._end(engine)
        with self._lock:
            if slot := self._slots.get(engine):
                slot.host.wanted -= 1
                self._drop_slot(slot, "was stopped")

    def stop(self, timeout_s: float) -> None:
        """End everything on every host, and all connections: SIGTERM at once, and SIGKILL two seconds later."""
        with self._lock:
            self._stopped = True
            connections = [host.connection for host in self._hosts.values()] + self._left
            self._hosts.clear()
            self._slots.clear()
            self._left.clear()
        for connection in connections:
            connection.leave()
        deadline = time.monotonic() + _STOP_S
        for connection in connections:
            connection.close(max(0.0, deadline - time.monotonic()))
