"""The loop of an engine process: packets of tasks in, packets of results out."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import time
from collections import deque
from typing import Any

from gangline._engine.cell import NO_TASK, PACKET, TASK, Cell
from gangline._engine.context import EngineContext
from gangline._engine.execute import run_task
from gangline._engine.functions import IN_BODY, FunctionTable
from gangline._engine.parcel import unpack
from gangline._engine.results import Results
from gangline._engine.segments import SegmentPool
from gangline._engine.wire import RELEASE, SHUTDOWN, TASKS, Receiver

__all__ = ["Server"]

_FLUSH_AFTER_S = 0.001


class Server:
    """Runs tasks on the main thread, one after another.

    Attributes:
        pending: The tasks of the current packet that are not started. Taking one from either end decides who has it:
            the main thread takes from the left, the watchdog hands back from the right.
        busy: Whether a packet is being worked on.
    """

    def __init__(self, inbox: socket.socket, outbox: socket.socket, cell: Cell, context: EngineContext) -> None:
        self.pool = SegmentPool()
        self.results = Results(outbox, self.pool, cell)
        self.context = context
        self.words = cell.words
        self.pending: deque[tuple[Any, ...]] = deque()
        self.busy = False
        self.on_busy: Any = None
        self._inbox = inbox
        self._receiver = Receiver(inbox, private=True, on_release=self.results.released.append)
        self._functions = FunctionTable()
        self._ahead: deque[tuple[Any, ...]] = deque()
        self._unsent = False

    def serve(self) -> None:
        """Work until the client says that it is over, or is gone."""
        while (packet := self._next_packet()) is not None:
            verb = packet[0]
            if verb == TASKS:
                self._run_packet(packet)
            elif verb == RELEASE:
                for key in packet[1]:
                    self.pool.release(key)
            elif verb == SHUTDOWN:
                self._flush()
                return
            if self._unsent and (not self._has_more() or time.time() - self.results.flushed_at >= _FLUSH_AFTER_S):
                self._unsent = False
                self._flush()

    def _next_packet(self) -> tuple[Any, ...] | None:
        if self._ahead:
            return self._ahead.popleft()
        return self._receiver.receive()

    def _run_packet(self, packet: tuple[Any, ...]) -> None:
        _, number, definitions, forgotten, tasks = packet
        if definitions or forgotten:
            self._functions.update(definitions, forgotten)
        self.pending = pending = deque(tasks)
        words = self.words
        words[TASK] = tasks[0][0]  # before the packet's number: see ProcessesBackend on what a dead engine had started
        words[PACKET] = number
        self.busy = True
        if self.on_busy is not None:
            self.on_busy()
        self._run_pending(pending, words)
        self.results.finished = number
        words[TASK] = NO_TASK
        self.busy = False
        if not self._ahead:
            self._receiver.discard()
        self._unsent = True

    def _run_pending(self, pending: deque[tuple[Any, ...]], words: memoryview) -> None:
        results, context, clock = self.results, self.context, time.time
        ready, capture = self._functions.ready, self.context.capture
        started_at = clock()
        while True:
            try:
                task, number, data, keywords = pending.popleft()
            except IndexError:
                return
            words[TASK] = task
            function = ready.get(number)
            if function is not None and type(data) is tuple:
                status, value = run_task(context, task, function, data, keywords)
            elif number in self._functions:
                status, value = run_task(context, task, self._call, (number, data, keywords), None)
            else:
                results.hand_back([task])  # its definition was recalled by the client before this packet was read
                continue
            completed_at = clock()
            results.add(task, status, value, started_at, completed_at, capture)
            del value
            if results.urgent or (completed_at - results.flushed_at >= _FLUSH_AFTER_S and pending):
                self._flush()
            started_at = completed_at

    def _call(self, number: int, data: Any, keywords: Any) -> Any:
        """Make function and arguments from what came, and call."""
        if type(data) is tuple:
            args, kwargs, function = data, keywords or {}, self._functions.get(number)
        else:
            content = unpack(data if type(data) is bytes else self._receiver.open(data, keywords))
            if number == IN_BODY:
                function, args, kwargs = content
            else:
                args, kwargs = content
                function = self._functions.get(number)
            del content
        return function(*args, **kwargs)

    def _has_more(self) -> bool:
        if self._ahead:
            return True
        count: int = struct.unpack("i", fcntl.ioctl(self._inbox, termios.FIONREAD, b"\0\0\0\0"))[0]
        return count > 0

    def _flush(self) -> None:
        while not self.results.flush():
            packet = self._receiver.receive()  # the client must give back segments first
            if packet is None:
                return
            if packet[0] == RELEASE:
                for key in packet[1]:
                    self.pool.release(key)
            else:
                self._ahead.append(packet)
