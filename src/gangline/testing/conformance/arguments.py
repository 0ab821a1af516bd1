"""What travels to an engine: arguments of any size, from any thread, as they were when the call was prepared."""

from __future__ import annotations

import array
import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gangline._engine.context import current
from gangline.errors import Unpicklable
from gangline.messages import Payload, Status
from gangline.testing.conformance.base import Part
from gangline.testing.conformance.driver import Call, Driver, value_of

__all__ = ["Arguments"]

LARGE_BYTES = 24_000_000


class NotOnEngines:
    """Can be pickled and unpickled, but not by a task."""

    def __reduce__(self) -> Any:
        return _unpickle_elsewhere, ()


def _unpickle_elsewhere() -> str:
    context = current()
    if context is not None:
        raise OSError("not there")
    return "unpickled"


class Traceable(list[int]):
    """A list that can be weakly referred to."""


def _keep_weakly(made: Traceable) -> Traceable:
    context = current()
    assert context is not None
    context.namespace["kept"] = weakref.ref(made)
    return Traceable([len(made)])


def _is_kept() -> bool:
    context = current()
    assert context is not None
    gc.collect()
    return context.namespace["kept"]() is not None


def _double_in_place(numbers: Any) -> Any:
    for i in range(0, len(numbers), max(1, len(numbers) // 10)):
        numbers[i] *= 2
    return numbers


def _take_two(one: Any, two: Any = None) -> str:
    return type(two).__name__


class Arguments(Part):
    """What travels to an engine: arguments of any size, from any thread, as they were when the call was prepared."""

    def test_argument_that_cannot_be_pickled(self, driver: Driver) -> None:
        """It is refused by name, and nothing was sent; where nothing is copied it arrives itself."""
        lock = threading.Lock()
        if not self.traits.copies:
            assert driver.value(_same, lock) is lock
            return
        with pytest.raises(Unpicklable, match=r"argument 2 \(two\) of _take_two: .*lock"):
            driver.prepare(_take_two, 1, lock)
        with pytest.raises(Unpicklable, match=r"argument two of _take_two: .*lock"):
            driver.prepare(_take_two, 1, two=[lock])
        with pytest.raises(Unpicklable, match=r"function .*<lambda> cannot be pickled: .*lock"):
            driver.prepare(lambda: lock)
        assert driver.value(_take_two, 1, "fine") == "str"

    def test_argument_that_cannot_be_unpickled(self, driver: Driver) -> None:
        """The task fails, and it alone; where nothing is copied it runs."""
        calls: list[Call] = [(abs, (-1,), {}), (_take_two, (1, NotOnEngines()), {}), (abs, (-2,), {})]
        first, unreadable, last = driver.results(driver.send_all(calls))
        assert [value_of(first), value_of(last)] == [1, 2]
        if self.traits.copies:
            assert (unreadable.status, unreadable.value.ename) == (Status.ERROR, "OSError")
        else:
            assert value_of(unreadable) == "NotOnEngines"

    @pytest.mark.parametrize("size", [3, 1_000, 2_000_000])
    @pytest.mark.parametrize("kind", [list, bytearray, lambda data: array.array("B", data)])
    def test_changes_after_preparing(self, driver: Driver, kind: Callable[[bytes], Any], size: int) -> None:
        """The task does not see them, whatever the size; where nothing is copied it does."""
        items = kind(b"\1" * size)
        payload = driver.prepare(_first, items)
        items[0] = 5
        assert value_of(driver.results(driver.send_payloads([payload]))[0]) == (1 if self.traits.copies else 5)

    def test_changes_that_a_task_makes(self, driver: Driver) -> None:
        """The client does not see them in its own object, but in the result; where nothing is copied they are one."""
        for numbers in (array.array("d", [1.0]) * 10, array.array("d", [1.0]) * 100_000):
            back = driver.value(_double_in_place, numbers)
            assert (type(back), back[0]) == (array.array, 2.0)
            assert numbers[0] == (1.0 if self.traits.copies else 2.0)
            assert (back is numbers) != self.traits.copies

    @pytest.mark.parametrize("kind", [bytes, bytearray, lambda data: array.array("B", data)])
    def test_large_values(self, driver: Driver, kind: Callable[[bytes], Any]) -> None:
        """There and back."""
        value = kind(bytes(range(250)) * (LARGE_BYTES // 250))
        back = driver.value(_same, value)
        assert (type(back), len(back)) == (type(value), LARGE_BYTES)
        assert back == value

    def test_many_values_of_middle_size_in_one_batch(self, driver: Driver) -> None:
        """More of them than fit into any buffer between client and engine; then once more, since room is reused."""
        for _ in range(2):
            calls: list[Call] = [(_same, (bytes([i]) * 700_000,), {}) for i in range(60)]
            attempts = driver.results(driver.send_all(calls))
            assert all(value_of(attempt) == call[1][0] for attempt, call in zip(attempts, calls, strict=True))

    def test_many_small_values_before_anyone_reads_results(self, driver: Driver) -> None:
        """Nobody waits for the other with both directions full."""
        tasks = [driver.send(_same, "x" * 500 + str(i)) for i in range(2_000)]
        ends = [value_of(attempt)[500:] for attempt in driver.results(tasks)]
        assert ends == [str(i) for i in range(2_000)]

    def test_calls_prepared_by_many_threads(self, driver: Driver) -> None:
        """Each is what its thread has made of it."""

        def prepare(thread: int) -> list[tuple[tuple[int, int], Payload]]:
            shared = driver.prepare
            return [
                ((thread, i), shared(lambda x, key=thread: (key, x), i) if i % 2 else shared(_pair, thread, i))
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
        task = driver.send(_keep_weakly, argument)
        del argument
        result = weakref.ref(value_of(driver.results([task])[0]))
        assert driver.value(abs, -1) == 1
        driver.done.clear()
        assert driver.value(_is_kept) is False
        driver.done.clear()
        driver.until(lambda: gc.collect() >= 0 and weakly() is None and result() is None)


def _same(value: Any) -> Any:
    return value


def _first(items: Any) -> Any:
    return items[0]


def _pair(one: int, two: int) -> tuple[int, int]:
    return one, two
