"""Finished tasks on their way from an engine to its client."""

from __future__ import annotations

import marshal
import socket
import threading
import time
from collections import deque
from typing import Any

from gangline._engine import serialize
from gangline._engine.capture import Capture
from gangline._engine.cell import TASK, Cell
from gangline._engine.chunks import ChunkResult
from gangline._engine.execute import FIXED, OK, UNMET
from gangline._engine.failures import describe, pack_failure
from gangline._engine.parcel import pack
from gangline._engine.segments import Lease, SegmentPool
from gangline._engine.wire import OUTPUT, RELEASED, RETURNED, Packet, encode, results_packet, send_packet
from gangline.errors import ResultUnreadable
from gangline.messages import Failure, TaskId

__all__ = ["FAILED", "LEASED", "PICKLED", "RAW", "REFUSED", "Results"]

RAW, PICKLED, LEASED, FAILED, REFUSED = range(5)
"""What the value in a result row is."""

_SMALL = 4096
_FEW = 256


class Results:
    """Collects rows of results and sends them. The main thread adds; it and the watchdog flush.

    Attributes:
        finished: The last packet of tasks all of whose rows are here or sent.
        flushed_at: When rows were sent last, in seconds since the epoch.
        rows: What is to be sent, each marshalled by itself.
        urgent: Whether there is a row that is safe only when it is sent.
    """

    def __init__(self, sock: socket.socket, pool: SegmentPool, cell: Cell) -> None:
        self.rows: list[bytes] = []
        self.urgent = False
        self.finished = -1
        self.flushed_at = 0.0
        self.released: deque[int] = deque()
        self._sock = sock
        self._pool = pool
        self._cell = cell
        self._leases: list[Lease] = []
        self._lock = threading.Lock()

    def add(
        self, task: TaskId, status: int, value: Any, started_at: float, completed_at: float, capture: Capture
    ) -> None:
        """Keep the outcome of a task; whatever cannot travel becomes that task's failure."""
        kind, lease = type(value), None
        if status != OK:
            code, value = (REFUSED if status == UNMET else FAILED), pack_failure(value)
        elif kind in FIXED or _is_small(kind, value):
            code = RAW
        else:
            code, value, lease = self._pack(value)
        extras = _pack_extras(capture) if capture.dirty else None
        row = marshal.dumps((task, code, value, started_at, completed_at, extras), 2)
        with self._lock:  # else a flush between two of these steps would forget the note of a row that it has not sent
            if lease is not None:
                self._leases.append(lease)
            if lease is not None or not self._cell.note(row):
                self.urgent = True
            self.rows.append(row)

    def _pack(self, value: Any) -> tuple[int, Any, Lease | None]:
        try:
            try:
                packed = pack(value, self._pool)
            except Exception:
                if not isinstance(value, ChunkResult):
                    raise
                packed = pack(value.without_unreadable(), self._pool)
        except BaseException as why:  # the value's own code, or no memory
            ename, evalue, text = describe(why)
            error = ResultUnreadable(f"the result, a {type(value).__name__}, cannot be pickled: {ename}: {evalue}")
            return FAILED, pack_failure(Failure(error, "ResultUnreadable", str(error), text)), None
        if isinstance(packed, bytes):
            return PICKLED, packed, None
        return LEASED, (packed.segment.key, packed.spans), packed

    def flush(self) -> bool:
        """Send what there is; False when it must wait until the client has given back segments."""
        with self._lock:
            if self.released:
                self._send_released()
            rows = self.rows[:]
            if not rows and self.finished < 0:
                return True
            leases = self._leases[:]
            packet = Packet(results_packet(self.finished, rows), leases)
            if not send_packet(self._sock, packet, self._pool):
                return False
            self._cell.forget_notes()
            del self.rows[: len(rows)], self._leases[: len(leases)]
            self.urgent = False
            self.flushed_at = time.time()
            return True

    def _send_released(self) -> None:
        keys = [self.released.popleft() for _ in range(len(self.released))]
        send_packet(self._sock, encode((RELEASED, keys)), self._pool)

    def hand_back(self, tasks: list[TaskId]) -> None:
        """Tell the client that these were not started."""
        with self._lock:
            send_packet(self._sock, encode((RETURNED, tasks)), self._pool)

    def show(self, task: TaskId, capture: Capture) -> None:
        """Send what this task has written since the last time, if it still runs."""
        words = self._cell.words
        with self._lock:
            for stream, content in capture.news(lambda: bool(words[TASK] == task)):
                try:
                    data = serialize.dumps(content)
                except Exception:  # published data that cannot be pickled is reported with the result
                    continue
                if not send_packet(self._sock, encode((OUTPUT, task, stream, data)), self._pool):
                    return


def _is_small(kind: type, value: Any) -> bool:
    if kind is str or kind is bytes:
        return len(value) <= _SMALL
    return (kind is list or kind is tuple) and len(value) <= _FEW and FIXED.issuperset(map(type, value))


def _pack_extras(capture: Capture) -> bytes:
    extras = capture.take()
    try:
        return serialize.dumps(extras)
    except Exception as why:  # data or rich output that cannot be pickled
        ename, evalue, _ = describe(why)
        kept = {name: extras[name] for name in ("stdout", "stderr", "logs") if name in extras}
        kept["stderr"] = (
            kept.get("stderr", "") + f"gangline: published data left out, it cannot be pickled: {ename}: {evalue}\n"
        )
        return serialize.dumps(kept)
