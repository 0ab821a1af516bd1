"""What a client sends to one engine process: tasks, functions, shared memory; and what of it it can take back."""

from __future__ import annotations

import marshal
import os
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from gangline._engine import serialize
from gangline._engine.functions import IN_BODY, SYS_PATH
from gangline._engine.segments import Lease, SegmentPool
from gangline._engine.wire import RELEASE, TASKS, Packet, Receiver, encode, send_packet
from gangline.backends.calls import Call
from gangline.backends.function_numbers import NumberList, NumberSet
from gangline.messages import Attempt, TaskId

__all__ = ["Outgoing"]

_PACKET_BYTES = 48 * 1024
_LEASES_PER_PACKET = 60


class Outgoing:
    """The sending end of an engine's inbox. Nothing here waits for the engine.

    The client keeps the receiving end too. What it takes from there, the engine will never see: that is how `recall`
    takes back tasks from an engine that is busy, and why no packet can be both recalled and run.

    Args:
        sender: The sending end.
        receiver: The receiving end, shared with the engine.
        pool: Where large values are.
        path: The `sys.path` that the engine was started with; None if it has its own, whatever this process does.
    """

    def __init__(
        self, sender: socket.socket, receiver: socket.socket, pool: SegmentPool, path: list[str] | None
    ) -> None:
        self._sender = sender
        self._receiver = receiver
        self._pool = pool
        self._path = path
        self._owner = os.getpid()
        self._pulled = Receiver(receiver, private=True, on_release=self._take_back_segment)
        # What comes back is taken in on the loop, all else is done by whoever has the session's lock.
        self._lock = threading.RLock()
        self._backlog: deque[Packet] = deque()
        self._known = NumberSet()
        self._forget = NumberList()
        self._number = 0
        self._packets: dict[int, list[TaskId]] = {}
        self._reported: list[list[Attempt]] = []
        self._returned: set[TaskId] = set()
        self._lent: dict[int, int] = {}
        self._unused: deque[int] = deque()

    @property
    def awaits_results(self) -> bool:
        """Whether the engine has been sent tasks of which not all are known to have ended."""
        return bool(self._packets)

    def send(self, tasks: Sequence[tuple[TaskId, Call]]) -> None:
        """Carry tasks there in as few packets as fit."""
        rows: list[tuple[Any, ...]] = []
        leases: list[Lease] = []
        definitions: list[tuple[int, bytes]] = []
        size = 0
        number, last = IN_BODY, None
        for task, call in tasks:
            size += call.size_bytes
            if rows and (size > _PACKET_BYTES or len(leases) >= _LEASES_PER_PACKET):
                self._send_rows(definitions, rows, leases)
                rows, leases, definitions, size = [], [], [], call.size_bytes
            definition = call.definition
            if definition is None:
                number, last = IN_BODY, None
            elif definition is not last:
                number, last = definition.number, definition
                if number not in self._known:
                    self._known.add(number)
                    definitions.append((number, definition.data))
            lease = call.lease
            if lease is None:
                rows.append((task, number, call.data, call.keywords))
            else:
                rows.append((task, number, lease.segment.key, lease.spans))
                leases.append(lease)
                size -= call.size_bytes
        self._send_rows(definitions, rows, leases)

    def _send_rows(
        self, definitions: list[tuple[int, bytes]], rows: list[tuple[Any, ...]], leases: list[Lease]
    ) -> None:
        if definitions and self._path is not None and self._path != sys.path:
            self._path = list(sys.path)
            definitions = [(SYS_PATH, serialize.dumps(self._path)), *definitions]
        self._number = number = self._number + 1
        packet = encode((TASKS, number, definitions, self._forget.take(), rows), leases)
        self._packets[number] = [row[0] for row in rows]
        with self._lock:
            if self._backlog or not self._try_send(packet):
                self._backlog.append(packet)

    def control(self, *content: Any) -> None:
        """Send a verb and its arguments."""
        packet = encode(content)
        with self._lock:
            if self._backlog or not self._try_send(packet):
                self._backlog.append(packet)

    def _try_send(self, packet: Packet) -> bool:
        try:
            return send_packet(self._sender, packet, self._pool, socket.MSG_DONTWAIT, self._lend)
        except OSError:  # no room now; or too many descriptors under way, which ends when the engine takes them
            return False

    def push(self) -> None:
        """Send what had to wait, as far as there is room. Called whenever results arrive: then there is some."""
        if self._unused:
            self._send_unused()
        if self._backlog:
            with self._lock:
                while self._backlog and self._try_send(self._backlog[0]):
                    self._backlog.popleft()

    def recall(self) -> list[TaskId]:
        """Take back all packets that the engine has not begun to read."""
        tasks: list[TaskId] = []
        controls: list[Packet] = []
        with self._lock:
            while True:
                try:
                    content = self._pulled.receive(socket.MSG_DONTWAIT)
                except (BlockingIOError, ConnectionError):
                    break
                if content is None:
                    break
                self._pulled.discard()
                if content[0] == TASKS:
                    tasks.extend(self._take_back(content))
                else:
                    controls.append(encode(content))
            while self._backlog:
                packet = self._backlog.popleft()
                content = marshal.loads(packet.body)
                if content[0] == TASKS:
                    tasks.extend(self._take_back(content))
                else:
                    controls.append(packet)
            for packet in controls:
                if not self._try_send(packet):
                    self._backlog.append(packet)
        return tasks

    def _take_back(self, content: tuple[Any, ...]) -> list[TaskId]:
        _, number, definitions, forget, rows = content
        for known, _ in definitions:
            self._known.discard(known)
        if definitions and definitions[0][0] == SYS_PATH:
            self._path = []
        for number in forget:
            self._forget.append(number)
        self._packets.pop(number, None)
        return [row[0] for row in rows]

    def forget(self, numbers: Iterable[int]) -> None:
        """Have it drop functions, with the next packet."""
        for number in numbers:
            if number in self._known:
                self._known.discard(number)
                self._forget.append(number)

    # Shared memory ---------------------------------------------------------------------------------------------

    def _lend(self, key: int) -> None:
        self._lent[key] = self._lent.get(key, 0) + 1

    def returned(self, keys: Iterable[int]) -> None:
        """The engine has no use any more for these segments of ours."""
        with self._lock:  # so that what is being sent is counted before it can come back
            for key in keys:
                count = self._lent.pop(key, 0)
                if count > 1:
                    self._lent[key] = count - 1
                if count:
                    self._pool.release(key)

    def _take_back_segment(self, key: int) -> None:
        self.returned([key])

    def release(self, key: int) -> None:
        """Tell the engine that a segment of its own is not used here any more. Finalizers call it on any thread."""
        if os.getpid() == self._owner:
            self._unused.append(key)
            self._send_unused()

    def _send_unused(self) -> None:
        keys = [self._unused.popleft() for _ in range(len(self._unused))]
        if keys:
            try:
                self._sender.send(encode((RELEASE, keys)).body, socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._unused.extend(keys)
            except OSError:  # closed: the engine is gone and its segments with it
                self._unused.clear()

    # What is known of the engine's progress ----------------------------------------------------------------------

    def on_results(self, finished: int, attempts: list[Attempt]) -> None:
        """The results in `attempts` are here, and all those of the packets up to `finished`."""
        packets = self._packets
        reported = self._reported
        for number in list(packets):
            if number > finished:
                break
            packets.pop(number, None)
            reported.clear()
            self._returned.clear()
        if packets:
            reported.append(attempts)

    def on_returned(self, tasks: Iterable[TaskId]) -> None:
        """The engine will not run these."""
        self._returned.update(tasks)

    def lost(self, number: int, task: int) -> frozenset[TaskId]:
        """The tasks that a dead engine had started without reporting on them, by what its cell says it was doing.

        The engine sets the task before the packet's number, and -1 at the packet's end, so that a task that is not in
        the packet
        means: the packet is through.
        """
        started: set[TaskId] = set()
        for packet, tasks in self._packets.items():
            if packet < number or (packet == number and task not in tasks):
                started.update(tasks)
            elif packet == number:
                started.update(tasks[: tasks.index(TaskId(task)) + 1])
        reported = {attempt.task for attempts in self._reported for attempt in attempts}
        return frozenset(started - reported - self._returned)

    def close(self) -> None:
        """Give up both ends and take back what the engine had borrowed."""
        for key, count in list(self._lent.items()):
            self.returned([key] * count)
        self._backlog.clear()
        self._sender.close()
        self._receiver.close()
