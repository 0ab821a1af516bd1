"""Results on their way out, while the watchdog sends at any moment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gangline._engine.capture import Capture
from gangline._engine.cell import CELL_BYTES, TASK, Cell
from gangline._engine.execute import OK
from gangline._engine.results import Results
from gangline._engine.segments import SegmentPool, anonymous_file
from gangline._engine.wire import Receiver, make_pair
from gangline.messages import TaskId


class End:
    """Both ends of an engine's outbox."""

    def __init__(self) -> None:
        self.outbox, self.inbox = make_pair()
        self.cell = Cell(anonymous_file(CELL_BYTES))
        self.results = Results(self.outbox, SegmentPool(), self.cell)
        self._receiver = Receiver(self.inbox, private=False, on_release=lambda key: None)

    def add(self, task: int, value: Any) -> None:
        self.results.add(TaskId(task), OK, value, 0.0, 0.0, Capture())

    def packets(self) -> list[tuple[Any, ...]]:
        packets = []
        while True:
            try:
                packet = self._receiver.receive(socket.MSG_DONTWAIT)
            except BlockingIOError:
                return packets
            assert packet is not None
            packets.append(packet)


@pytest.fixture
def end() -> Iterator[End]:
    made = End()
    yield made
    made.outbox.close()
    made.inbox.close()


def test_a_row_is_noted_until_it_is_sent_whenever_others_are(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    end.add(1, "first")
    note, flusher = end.cell.note, threading.Thread(target=end.results.flush)

    def note_while_it_is_sent(row: bytes) -> bool:
        noted = note(row)
        flusher.start()
        flusher.join(0.2)
        return noted

    monkeypatch.setattr(end.cell, "note", note_while_it_is_sent)
    end.add(2, "second")
    flusher.join(60)
    sent = [row[0] for packet in end.packets() for row in packet[2]]
    assert {*sent, *(row[0] for row in end.cell.notes())} == {1, 2}


def test_what_the_next_task_writes_is_not_shown_as_that_of_the_one_before(end: End) -> None:
    capture = Capture()
    capture.add("stdout", "of the second")
    end.cell.words[TASK] = 2
    end.results.show(TaskId(1), capture)
    assert end.packets() == []
    end.results.show(TaskId(2), capture)
    (packet,) = end.packets()
    assert packet[1:3] == (2, "stdout")
