"""Engines that are child processes: clean interpreters that run one task at a time, with a persistent namespace."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from gangline._engine.segments import SegmentPool
from gangline._engine.wire import HELLO, OUTPUT, RELEASED, RESULTS, RETURNED
from gangline.backends.calls import Call, Calls
from gangline.backends.engine_process import EngineProcess
from gangline.backends.incoming import read_output, read_rows
from gangline.backends.place import core_count, local_engine
from gangline.errors import BackendError
from gangline.messages import (
    BackendEvent,
    EngineId,
    EngineJoined,
    EngineLost,
    Finished,
    Output,
    Payload,
    Returned,
    TaskId,
)
from gangline.ports import Inbox

__all__ = ["ProcessesBackend"]

_MAX_FAILED_STARTS = 3


class ProcessesBackend:
    """Child processes on this host. One that dies is replaced, until three in a row have failed to start.

    Args:
        memory_limit_bytes: How much memory one engine may use; a task that wants more gets `MemoryError`. None: no
            limit.
        python: Another interpreter than this one, with modules of its own; functions that are called on it must be
            importable there.
    """

    name = "processes"
    _read_rows = staticmethod(read_rows)
    _read_output = staticmethod(read_output)

    def __init__(self, *, memory_limit_bytes: int | None = None, python: str | None = None) -> None:
        self._python = python
        self._options: dict[str, Any] = {"memory_limit_bytes": memory_limit_bytes}
        self._pool = SegmentPool()
        self._calls = Calls(self._pool)
        self._engines: dict[EngineId, EngineProcess] = {}
        self._failed_starts = 0
        self._stopped = False
        self._lock = threading.Lock()  # between the end of everything and a replacement that the loop starts
        self.prepare: Callable[..., Payload] = self._calls.prepare

    def start(self, inbox: Inbox, engines: int | None) -> None:
        """Begin to bring up that many engines (None: one for each core)."""
        self._inbox = inbox
        self.add_engines(core_count() if engines is None else engines)

    def add_engines(self, count: int) -> None:
        """Begin to bring up more.

        Raises:
            BackendError: the system starts no more processes, or has no file descriptors left.
        """
        self._failed_starts = 0
        for _ in range(count):
            self._start_engine()

    def _start_engine(self) -> None:
        engine = self._inbox.new_engine_id()
        options = {"log_level": logging.getLogger().getEffectiveLevel()} | self._options
        try:
            process = EngineProcess(engine, os.urandom(16).hex(), self._pool, options, self._python, self._read_rows)
        except OSError as exc:
            raise BackendError(f"an engine process cannot be started: {exc}") from exc
        self._engines[engine] = process
        self._inbox.watch(process.outbox, partial(self._on_packet, process))
        self._inbox.watch(process.stderr, partial(self._on_stderr, process))
        self._inbox.watch(process.death, partial(self._on_death, process))

    def stop_engine(self, engine: EngineId) -> None:
        """End one engine, gently if it is idle; it is not replaced."""
        if process := self._engines.get(engine):
            process.replace = False
            if process.joined and process.running() is None:
                process.shut_down()
            else:
                process.kill_reason = "stopped"
                process.kill()

    def stop(self, timeout_s: float) -> None:
        """End all engines: those that are at work after their task, but after that time by force."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            self._stopped = True
            processes = list(self._engines.values())
            self._engines.clear()
        for process in processes:
            for descriptor in (process.outbox, process.stderr, process.death):
                self._inbox.unwatch(descriptor)
            process.outgoing.recall()
            process.shut_down()
        waiting = {process.death: process for process in processes}
        while waiting and (left_s := deadline - time.monotonic()) > 0:
            self._drain_until_death(waiting, left_s)
        for process in waiting.values():
            process.kill()
        for process in processes:
            process.reap()
            process.close()
        self._pool.close()

    @staticmethod
    def _drain_until_death(waiting: dict[int, EngineProcess], timeout_s: float) -> None:
        """Wait for any of them to end, and throw away what they still report, since they may wait for room."""
        poll = select.poll()
        speakers = {process.outbox: process for process in waiting.values()}
        writers = {process.stderr: process for process in waiting.values()}
        for descriptor in (*waiting, *speakers, *writers):
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(timeout_s * 1000):
            if descriptor in waiting:
                del waiting[descriptor]
            elif descriptor in speakers:
                speakers[descriptor].skip_packet()
            else:
                writers[descriptor].read_stderr()

    # Tasks -----------------------------------------------------------------------------------------------------

    def send(self, engine: EngineId, tasks: Sequence[tuple[TaskId, Payload]]) -> None:
        """Carry tasks to an engine, which runs them in this order."""
        forgotten = self._calls.forgotten
        if forgotten:
            numbers = forgotten.take()
            for process in self._engines.values():
                process.outgoing.forget(numbers)
        if tasks and (target := self._engines.get(engine)) is not None:  # else its end is about to be reported
            target.outgoing.send(cast(Sequence[tuple[TaskId, Call]], tasks))

    def recall(self, engine: EngineId) -> Sequence[TaskId]:
        """Take back at once what the engine has not begun to read."""
        process = self._engines.get(engine)
        return [] if process is None else process.outgoing.recall()

    def interrupt(self, engine: EngineId, task: TaskId) -> None:
        """Raise KeyboardInterrupt in the task if it is the one running there."""
        if process := self._engines.get(engine):
            process.interrupt(task)

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Send a signal to the engine's process."""
        if process := self._engines.get(engine):
            process.signal(signum)

    def kill(self, engine: EngineId, reason: str) -> None:
        """End the engine by force with its whole process group; another one is started in its place."""
        if process := self._engines.get(engine):
            process.kill_reason = reason
            process.kill()

    def running(self, engine: EngineId) -> TaskId | None:
        """The task that the engine runs at this moment."""
        process = self._engines.get(engine)
        return None if process is None else process.running()

    def turn(self) -> Sequence[BackendEvent]:
        """Nothing: these engines need no thread of ours."""
        return ()

    # What comes back, on the loop --------------------------------------------------------------------------------

    def _on_packet(self, process: EngineProcess) -> Sequence[BackendEvent]:
        """Take in one packet; the loop calls again while there are more."""
        try:
            packet = process.incoming.receive(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return ()
        except OSError:  # its death is seen elsewhere
            packet = None
        if packet is None:
            self._inbox.unwatch(process.outbox)
            return ()
        return self._events(process, packet)

    def _events(self, process: EngineProcess, packet: tuple[Any, ...]) -> Sequence[BackendEvent]:
        process.outgoing.push()
        verb = packet[0]
        if verb == RESULTS:
            _, finished, rows = packet
            attempts = self._read_rows(rows, process.incoming, process.shown_logs)
            process.outgoing.on_results(finished, attempts)
            if not attempts:
                return ()
            # before the task is over, for then nothing is added to it
            written = process.unclaimed + (process.read_stderr() or "")
            process.unclaimed = ""
            if written:
                return (_output(process, attempts[-1].task, written), Finished(process.engine, attempts))
            return (Finished(process.engine, attempts),)
        if verb == RETURNED:
            process.outgoing.on_returned(packet[1])
            return (Returned(process.engine, packet[1]),)
        if verb == OUTPUT:
            _, task, stream, packed = packet
            content = self._read_output(task, stream, packed, process.shown_logs)
            return () if content is None else (Output(process.engine, task, stream, content),)
        if verb == RELEASED:
            process.outgoing.returned(packet[1])
        elif verb == HELLO:
            process.joined = True
            self._failed_starts = 0
            return (EngineJoined(process.engine, local_engine(process.uuid, process.pid)),)
        return ()

    def _on_stderr(self, process: EngineProcess) -> Sequence[BackendEvent]:
        written = process.read_stderr()
        if written is None:
            self._inbox.unwatch(process.stderr)
        if not written:
            return ()
        if (task := process.running()) is None:
            process.unclaimed += written if process.outgoing.awaits_results else ""
            return ()
        return (_output(process, task, written),)

    def _on_death(self, process: EngineProcess) -> Sequence[BackendEvent]:
        """Take in what it reported before it ended, say how it ended, and start another one."""
        if self._engines.pop(process.engine, None) is None:
            return ()
        events: list[BackendEvent] = []
        while (packet := process.next_packet()) is not None:
            events.extend(self._events(process, packet))
        events.extend(self._on_stderr(process))
        for descriptor in (process.outbox, process.stderr, process.death):
            self._inbox.unwatch(descriptor)
        reason = process.reap()
        attempts, lost = process.remains()
        if attempts:
            events.append(Finished(process.engine, attempts))
        process.close()
        if not process.joined:
            self._failed_starts += 1
            reason = f"it could not start: {reason}"
        if process.replace:
            reason += self._replace()
        events.append(EngineLost(process.engine, reason, lost))
        return events

    def _replace(self) -> str:
        """Start an engine in a dead one's place; gives what there is to say if that cannot be."""
        if self._failed_starts >= _MAX_FAILED_STARTS:
            return f"\n(no other one is started, since the last {self._failed_starts} could not start)"
        with self._lock:
            try:
                if not self._stopped:
                    self._start_engine()
            except BackendError as exc:
                return f"\n(no other one is started: {exc})"
        return ""


def _output(process: EngineProcess, task: TaskId, text: str) -> Output:
    """What a task's child processes have written, and what it has written past Python."""
    return Output(process.engine, task, "output", text)
