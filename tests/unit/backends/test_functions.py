"""What travels with a function, when it is pickled anew, and whose globals it sees on the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gangline._engine.segments import SegmentPool
from gangline.backends.calls import Calls

from .conftest import Driver

Drive = Callable[..., Driver]
MainCode = Callable[[str], dict[str, Any]]


def test_functions_of_main_call_each_other(drive: Drive, main_code: MainCode) -> None:
    main = main_code("""
base = 10
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
def fact(n): return 1 if n < 2 else n * fact(n - 1)
def counter(start):
    def step(by=1): return start + by + base
    return step
class Shape:
    sides = 4
    def __init__(self): super().__init__()
    def area(self): return fact(self.sides) + base
    def __eq__(self, other): return type(self) is type(other)
""")
    driver = drive()
    assert driver.value(main["even"], 7) is False
    assert driver.value(main["fact"], 5) == 120
    assert driver.value(main["counter"](5)) == 16
    assert driver.value(lambda shape: shape.area(), main["Shape"]()) == 34
    assert type(driver.value(main["Shape"])) is main["Shape"]


def test_changes_at_the_client_are_seen(drive: Drive, main_code: MainCode) -> None:
    main = main_code("""
number = 1
items = [1]
def helper(): return number
def direct(): return number
def nested(): return helper()
def mutable(): return sum(items)
class Settings: level = 1
def level(): return Settings.level
""")
    driver = drive()
    names = ("direct", "nested", "mutable", "level")
    assert [driver.value(main[name]) for name in names] == [1, 1, 1, 1]
    main["number"] = 2
    main["items"].append(1)
    main["Settings"].level = 2
    assert [driver.value(main[name]) for name in names] == [2, 2, 2, 2]
    exec("def helper(): return 'new'", main)
    assert driver.value(main["nested"]) == "new"


def test_defaults_and_code_may_be_replaced(drive: Drive, main_code: MainCode) -> None:
    main = main_code("def f(x=1, *, y=2): return x, y\ndef g(x=5, *, y=6): return -x, -y")
    driver = drive()
    assert driver.value(main["f"]) == (1, 2)
    main["f"].__defaults__ = (3,)
    assert driver.value(main["f"]) == (3, 2)
    main["f"].__kwdefaults__["y"] = 4
    assert driver.value(main["f"]) == (3, 4)
    main["f"].__code__ = main["g"].__code__
    assert driver.value(main["f"]) == (-3, -4)


def test_names_on_the_engine_are_seen_and_win(drive: Drive, main_code: MainCode) -> None:
    main = main_code("""
both = "client"
def put(**names):
    from gangline._engine.context import current
    current().namespace.update(names)
def get_both(): return both
def get_theirs(): return theirs
""")
    driver = drive()
    assert driver.run(main["get_theirs"]).value.ename == "NameError"
    assert driver.value(main["get_both"]) == "client"
    main["both"] = "client again"
    assert driver.value(main["get_both"]) == "client again"
    driver.value(main["put"], both="engine", theirs=1)
    assert driver.value(main["get_theirs"]) == 1
    assert driver.value(main["get_both"]) == "engine"
    main["both"] = "client at last"
    assert driver.value(main["get_both"]) == "engine"


def test_global_statement_changes_the_engines_namespace(drive: Drive, main_code: MainCode) -> None:
    main = main_code("def put():\n    global left\n    left = 5\ndef get(): return left")
    driver = drive()
    driver.value(main["put"])
    assert driver.value(main["get"]) == 5
    assert "left" not in main


def test_submodules_are_imported(drive: Drive, main_code: MainCode) -> None:
    main = main_code("""
import xml.dom.minidom
def f(): return xml.dom.minidom.parseString('<a/>').documentElement.tagName
""")
    assert drive().value(main["f"]) == "a"


_module_value = 1


def test_closure_in_a_module_sees_that_module(drive: Drive) -> None:
    def read() -> int:
        return _module_value

    assert drive().value(read) == 1


def test_function_is_pickled_once_and_forgotten_at_last(drive: Drive) -> None:
    driver = drive()

    def make() -> Callable[[int], int]:
        return lambda x: x + 1

    function = make()
    assert driver.value(function, 1) == 2
    known = driver.backend._engines[0].outgoing._known
    assert len(known) == 1
    assert driver.value(function, 2) == 3
    assert len(known) == 1
    first = set(known)
    driver._payloads.clear()
    del function
    assert driver.value(make(), 5) == 6
    assert len(known) == 1
    assert set(known) != first


def test_functions_that_travel_alike_share_a_definition(drive: Drive) -> None:
    driver = drive()
    functions = [lambda x: x * 2 for _ in range(50)]
    assert [driver.value(function, 3) for function in functions] == [6] * 50
    assert len({driver.backend.prepare(function, (1,), {}).definition.number for function in functions}) == 1
    assert driver.value(lambda x: x * 3, 3) == 9


def test_recalled_definition_is_sent_again(drive: Drive) -> None:
    driver = drive()
    engine = driver.join()
    outgoing = driver.backend._engines[engine].outgoing
    function = lambda x: -x  # noqa: E731
    driver.resends = False
    driver.send(function, 1)
    if driver.backend.recall(engine):  # else the engine was quicker, and knows it
        assert set(outgoing._known) == set()
    assert driver.value(function, 2) == -2


def test_task_whose_definition_was_recalled_comes_back(drive: Drive) -> None:
    driver = drive()
    engine = driver.join()
    function = lambda x: -x  # noqa: E731
    payload = driver.backend.prepare(function, (1,), {})
    driver.backend._engines[engine].outgoing._known.add(payload.definition.number)
    task = driver.number()
    driver._payloads[task] = payload
    driver.resends = False
    driver.backend.send(engine, [(task, payload)])
    driver.until(lambda: driver.returned)
    assert driver.returned == [task]
    assert driver.done == {}


@pytest.fixture
def calls() -> Calls:
    return Calls(SegmentPool())


@pytest.mark.parametrize("args", [(), (1,), (1.5, None, True), ("text", b"bytes"), ((1, 2), 3)])
def test_plain_arguments_travel_as_they_are(calls: Calls, args: tuple[Any, ...]) -> None:
    call = calls.prepare(max, args, {})
    assert call.data is args
    assert call.size_bytes > 0


class _Number(int):
    """Looks plain, is not."""


@pytest.mark.parametrize("args", [([],), ("x" * 1000,), (_Number(1),), (([],),), tuple(range(20))])
def test_other_arguments_are_pickled_at_once(calls: Calls, args: tuple[Any, ...]) -> None:
    assert isinstance(calls.prepare(max, args, {}).data, bytes)


def test_kind_is_the_same_for_functions_made_alike(calls: Calls) -> None:
    from functools import partial

    made = [lambda x, i=i: x + i for i in range(2)]
    first, second = (calls.prepare(function, (1,), {}).kind for function in made)
    assert first == second == calls.prepare(partial(made[0], 1), (), {}).kind
    assert first != calls.prepare(max, (1,), {}).kind


def test_cached_callables_travel_once(calls: Calls) -> None:
    class Cached:
        __gangline_cache__ = True

        def __call__(self, x: int) -> int:
            return x

    cached = Cached()
    assert calls.prepare(cached, (1,), {}).definition is calls.prepare(cached, (2,), {}).definition is not None
    assert calls.prepare([].append, (1,), {}).definition is None
