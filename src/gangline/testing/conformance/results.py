"""What comes back of a task: its result or its failure, in order, each by itself."""

from __future__ import annotations

import datetime
import decimal
import fractions
import functools
import math
import threading
import time
from collections import Counter, OrderedDict
from typing import Any

from gangline.errors import ResultUnreadable, UnmetDependency
from gangline.messages import Status
from gangline.testing.conformance.base import Part
from gangline.testing.conformance.driver import Call, Driver, value_of
from gangline.testing.probes.results import (
    Colour,
    Detailed,
    Mute,
    OnlyOnEngines,
    Point,
    TwoArguments,
    append_more,
    chained,
    coroutine_of_generator,
    count_and_fail,
    count_later,
    count_up,
    fail_deep_down,
    later,
    log_in_namespace,
    raise_error,
    raise_two,
    recurse,
    same,
)

__all__ = ["Results"]


VALUES: list[Any] = [
    None,
    True,
    -(2**200),
    1e-320,
    math.inf,
    2 + 3j,
    "naïve \U0001f40d \ud800",
    "x" * 20_000,
    b"\0" * 5_000,
    bytearray(b"abc"),
    (),
    (1, ("two", [3.0, None])),
    {"a": {1: {2, 3}}, (1, 2): frozenset({4})},
    Point(1, 2),
    Colour.RED,
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    datetime.datetime(2020, 2, 29, tzinfo=datetime.UTC),
    range(3),
    slice(1, 2),
    Counter("abba"),
    OrderedDict(b=1, a=2),
    Ellipsis,
    int,
    math.sqrt,
    [True, False, 0, 1],
]


class Results(Part):
    """What comes back of a task: its result or its failure, in order, each by itself."""

    def test_tasks_run_in_the_order_sent(self, driver: Driver) -> None:
        """Whether they were sent in batches or one by one. Those that an engine gives back are sent anew."""
        tasks = []
        for start in range(0, 300, 30):
            tasks += driver.send_all([(log_in_namespace, (start + i,), {}) for i in range(29)])
            tasks.append(driver.send(log_in_namespace, start + 29))
        driver.results(tasks)
        assert [task for task in driver.finished if task not in driver.returned] == [
            task for task in tasks if task not in driver.returned
        ]
        ran = value_of(driver.done[driver.finished[-1]])
        assert [tasks[number] for number in ran] == driver.finished

    def test_nothing_to_send(self, driver: Driver) -> None:
        """A batch without tasks has no effect."""
        driver.send_all([])
        assert driver.value(abs, -1) == 1
        assert driver.lost == []

    def test_values_arrive_as_they_are(self, driver: Driver) -> None:
        """Of every type, and with their type; alone and among others."""
        for many in (1, 3):
            calls: list[Call] = [(same, (value,), {}) for _ in range(many) for value in VALUES]
            values = [value_of(attempt) for attempt in driver.results(driver.send_all(calls))]
            assert [(type(value), value) for value in values] == [(type(call[1][0]), call[1][0]) for call in calls]
        assert math.isnan(driver.value(same, math.nan))

    def test_all_that_can_be_called(self, driver: Driver) -> None:
        """Functions, methods, classes, partials; with positional and keyword arguments."""
        calls: list[Call] = [
            (sorted, ([3, 1, 2],), {"reverse": True}),
            ("a-b".split, ("-",), {}),
            (dict, (), {"a": 1}),
            (functools.partial(divmod, 7), (2,), {}),
            (functools.partial(int, base=2), ("101",), {}),
            (Point(1, 2).index, (2,), {}),
            (lambda first, *rest, key=0, **more: (first, rest, key, more), (1, 2, 3), {"key": 4, "other": 5}),
        ]
        assert [value_of(attempt) for attempt in driver.results(driver.send_all(calls))] == [
            [3, 2, 1],
            ["a", "b"],
            {"a": 1},
            (3, 1),
            5,
            1,
            (1, (2, 3), 4, {"other": 5}),
        ]

    def test_times(self, driver: Driver) -> None:
        """When it was started and when it had ended, in seconds since the epoch."""
        before = time.time()
        attempts = driver.results(driver.send_all([(abs, (1,), {})] * 3))
        times = [moment for attempt in attempts for moment in (attempt.started_at, attempt.completed_at)]
        assert times == sorted(times)
        assert before - 1 <= times[0]
        assert times[-1] <= time.time() + 1

    def test_error_with_its_traceback(self, driver: Driver) -> None:
        """The exception itself, its name and text, and where it was raised, without frames of Gangline."""
        failure = driver.run(fail_deep_down, 1).value
        assert type(failure.error) is ZeroDivisionError
        assert (failure.ename, failure.evalue) == ("ZeroDivisionError", "division by zero")
        assert failure.traceback.count("in fail_deep_down") == 2
        assert "1 / depth" in failure.traceback
        assert "_engine" not in failure.traceback
        assert "_attempt" not in failure.traceback

    def test_error_with_its_details_and_its_cause(self, driver: Driver) -> None:
        """Attributes travel with it; the traceback tells of its cause."""
        failure = driver.run(chained).value
        assert type(failure.error) is Detailed
        assert failure.error.detail == {"code": 5}
        assert "ZeroDivisionError: division by zero" in failure.traceback
        assert "direct cause" in failure.traceback

    def test_group_of_errors(self, driver: Driver) -> None:
        """It arrives with all its members."""
        group = ExceptionGroup("both", [ValueError(1), ExceptionGroup("inner", [KeyError("k")])])
        failure = driver.run(raise_error, group).value
        assert isinstance(failure.error, ExceptionGroup)
        assert [type(error) for error in failure.error.exceptions] == [ValueError, ExceptionGroup]

    def test_one_failure_fails_alone(self, driver: Driver) -> None:
        """The others of its batch do not notice."""
        calls: list[Call] = [(divmod, (6, i % 4), {}) for i in range(20)]
        attempts = driver.results(driver.send_all(calls))
        assert [attempt.status is Status.ERROR for attempt in attempts] == [i % 4 == 0 for i in range(20)]

    def test_no_exception_ends_an_engine(self, driver: Driver) -> None:
        """Not even those that end a program."""
        engine = driver.engine
        for error in (SystemExit(3), KeyboardInterrupt("by hand"), GeneratorExit(), StopIteration(4)):
            tasks = driver.send_all([(raise_error, (error,), {}), (abs, (-1,), {})])
            failed, following = driver.results(tasks)
            assert failed.status is Status.ERROR
            assert type(failed.value.error) is type(error)
            assert failed.value.error.args == error.args
            assert value_of(following) == 1
            assert list(driver.engines) == [engine]

    def test_refusal(self, driver: Driver) -> None:
        """`UnmetDependency` is no failure but the answer: not here."""
        attempt = driver.run(raise_error, UnmetDependency("no such disk"))
        assert attempt.status is Status.UNMET
        assert type(attempt.value.error) is UnmetDependency
        assert attempt.value.evalue == "no such disk"

    def test_exceptions_that_cannot_travel(self, driver: Driver) -> None:
        """A stand-in says what they were; where nothing is copied they arrive themselves."""
        tasks = driver.send_all([(raise_two, (1,), {}), (raise_error, (Mute(),), {}), (abs, (-1,), {})])
        picky, mute, following = driver.results(tasks)
        assert (picky.status, picky.value.ename, picky.value.evalue) == (Status.ERROR, "TwoArguments", "1 and 2")
        assert "raise TwoArguments" in picky.value.traceback
        if self.traits.copies:
            assert type(picky.value.error) is ResultUnreadable
            assert "TwoArguments: 1 and 2" in str(picky.value.error)
        else:
            assert type(picky.value.error) is TwoArguments
        assert (type(mute.value.error), mute.value.ename) == (Mute, "Mute")
        assert value_of(following) == 1

    def test_result_that_cannot_be_pickled(self, driver: Driver) -> None:
        """It fails alone and is named; where nothing is copied it arrives as it is."""
        calls: list[Call] = [(abs, (-1,), {}), (threading.Lock, (), {}), (abs, (-2,), {})]
        first, lock, last = driver.results(driver.send_all(calls))
        assert [value_of(first), value_of(last)] == [1, 2]
        if self.traits.copies:
            assert type(lock.value.error) is ResultUnreadable
            assert "lock" in lock.value.evalue
        else:
            assert value_of(lock).acquire(blocking=False)

    def test_result_that_cannot_be_unpickled(self, driver: Driver) -> None:
        """The same: it is the one task's failure."""
        first, unreadable, last = driver.results(
            driver.send_all([(abs, (-1,), {}), (OnlyOnEngines, (), {}), (abs, (-2,), {})])
        )
        assert [value_of(first), value_of(last)] == [1, 2]
        if self.traits.copies:
            assert type(unreadable.value.error) is ResultUnreadable
            assert "OSError: not here" in unreadable.value.evalue
        else:
            assert type(value_of(unreadable)) is OnlyOnEngines

    def test_generators_and_coroutines(self, driver: Driver) -> None:
        """What is delivered is what they give: a list of items, the outcome."""
        calls: list[Call] = [
            (count_up, (3,), {}),
            (later, ("outcome",), {}),
            (count_later, (3,), {}),
            (coroutine_of_generator, (), {}),
            (count_and_fail, (), {}),
        ]
        *given, failed = driver.results(driver.send_all(calls))
        assert [value_of(attempt) for attempt in given] == [[0, 1, 2], "outcome", [0, 1, 2], [0, 1]]
        assert (failed.value.ename, failed.value.evalue) == ("LookupError", "half way")

    def test_endless_recursion(self, driver: Driver) -> None:
        """It is a failure like any other."""
        engine = driver.engine
        assert type(driver.run(recurse, 0).value.error) is RecursionError
        assert driver.value(abs, -1) == 1
        assert list(driver.engines) == [engine]

    def test_payload_that_is_sent_twice(self, driver: Driver) -> None:
        """A second attempt gets the arguments as they were, unless they are shared by all."""
        payload = driver.prepare(append_more, [1])
        values = [value_of(driver.results(driver.send_payloads([payload]))[0]) for _ in range(2)]
        assert values == ([[1, "more"]] * 2 if self.traits.copies else [[1, "more", "more"]] * 2)
