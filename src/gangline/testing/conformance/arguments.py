"""What travels to an engine: arguments of any size, from any thread, as they were when the call was prepared."""

from __future__ import annotations

import array
import gc
import itertools
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gangline.errors import Unpicklable
from gangline.messages import Payload, Status
from gangline.testing.conformance.base import Part
from gangline.testing.conformance.driver import Call, Driver, value_of
from gangline.testing.probes.arguments import (
    NotOnEngines,
    Traceable,
    double_in_place,
    first_of,
    is_kept,
    keep_weakly,
    pair,
    same,
    take_two,
)

__all__ = ["Arguments"]

LARGE_BYTES = 24_000_000
BYTES: Sequence[Callable[[bytes], Any]] = (bytes, bytearray, lambda data: array.array("B", data))
"""Bytes, first of all as what cannot be changed."""


class Arguments(Part):
    """What travels to an engine: arguments of any size, from any thread, as they were when the call was prepared."""

    def test_argument_that_cannot_be_pickled(self, driver: Driver) -> None:
        """It is refused by name, and nothing was sent; where nothing is copied it arrives itself."""
        lock = threading.Lock()
        if not self.traits.copies:
            assert driver.value(same, lock) is lock
            return
        with pytest.raises(Unpicklable, match=r"argument 2 \(two\) of take_two: .*lock"):
            driver.prepare(take_two, 1, lock)
        with pytest.raises(Unpicklable, match=r"argument two of take_two: .*lock"):
            driver.prepare(take_two, 1, two=[lock])
        with pytest.raises(Unpicklable, match=r"function .*<lambda> cannot be pickled: .*lock"):
            driver.prepare(lambda: lock)
        assert driver.value(take_two, 1, "fine") == "str"

    def test_argument_that_cannot_be_unpickled(self, driver: Driver) -> None:
        """The task fails, and it alone; where nothing is copied it runs."""
        calls: list[Call] = [(abs, (-1,), {}), (take_two, (1, NotOnEngines()), {}), (abs, (-2,), {})]
        first, unreadable, last = driver.results(driver.send_all(calls))
        assert [value_of(first), value_of(last)] == [1, 2]
        if self.traits.copies:
            assert (unreadable.status, unreadable.value.ename) == (Status.ERROR, "OSError")
        else:
            assert value_of(unreadable) == "NotOnEngines"

    def test_changes_after_preparing(self, driver: Driver) -> None:
        """The task does not see them, whatever the kind and the size; where nothing is copied it does."""
        for kind, size in itertools.product((list, *BYTES[1:]), (3, 1_000, 2_000_000)):
            items = kind(b"\1" * size)
            payload = driver.prepare(first_of, items)
            items[0] = 5
            found = value_of(driver.results(driver.send_payloads([payload]))[0])
            assert (type(items), size, found) == (type(items), size, 1 if self.traits.copies else 5)

    def test_changes_that_a_task_makes(self, driver: Driver) -> None:
        """The client does not see them in its own object, but in the result; where nothing is copied they are one."""
        for numbers in (array.array("d", [1.0]) * 10, array.array("d", [1.0]) * 100_000):
            back = driver.value(double_in_place, numbers)
            assert (type(back), back[0]) == (array.array, 2.0)
            assert numbers[0] == (1.0 if self.traits.copies else 2.0)
            assert (back is numbers) != self.traits.copies

    def test_large_values(self, driver: Driver) -> None:
        """There and back."""
        for kind in BYTES:
            value = kind(bytes(range(250)) * (LARGE_BYTES // 250))
            back = driver.value(same, value)
            assert (type(back), len(back)) == (type(value), LARGE_BYTES)
            assert back == value

    def test_many_values_of_middle_size_in_one_batch(self, driver: Driver) -> None:
        """More of them than fit into any buffer between client and engine; then once more, since room is reused."""
        for _ in range(2):
            calls: list[Call] = [(same, (bytes([i]) * 700_000,), {}) for i in range(60)]
            attempts = driver.results(driver.send_all(calls))
            assert all(value_of(attempt) == call[1][0] for attempt, call in zip(attempts, calls, strict=True))

    def test_many_small_values_before_anyone_reads_results(self, driver: Driver) -> None:
        """Nobody waits for the other with both directions full."""
        tasks = [driver.send(same, "x" * 500 + str(i)) for i in range(2_000)]
        ends = [value_of(attempt)[500:] for attempt in driver.results(tasks)]
        assert ends == [str(i) for i in range(2_000)]

    def test_calls_prepared_by_many_threads(self, driver: Driver) -> None:
        """Each is what its thread has made of it."""

        def prepare(thread: int) -> list[tuple[tuple[int, int], Payload]]:
            shared = driver.prepare
            return [
                ((thread, i), shared(lambda x, key=thread: (key, x), i) if i % 2 else shared(pair, thread, i))
                for i in range(60)
            ]

        with ThreadPoolExecutor(8) as threads:
            prepared = [pair for pairs in threads.map(prepare, range(8)) for pair in pairs]
        tasks = driver.send_payloads([payload for _, payload in prepared])
        assert [value_of(attempt) for attempt in driver.results(tasks)] == [expected for expected, _ in prepared]

    def test_nobody_holds_on_to_what_has_travelled(self, driver: Driver) -> None:
        """When the task is done, its argument and its result are the caller's alone, here and on the engine."""
        argument = Traceable([1, 2])
        weakly = weakref.ref(argument)
        task = driver.send(keep_weakly, argument)
        del argument
        result = weakref.ref(value_of(driver.results([task])[0]))
        assert driver.value(abs, -1) == 1
        driver.done.clear()
        assert driver.value(is_kept) is False
        driver.done.clear()
        driver.until(lambda: gc.collect() >= 0 and weakly() is None and result() is None)
