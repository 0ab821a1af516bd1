"""Functions of the user's script, and the names that an engine keeps."""

from __future__ import annotations

from collections.abc import Callable

from gangline.testing.conformance.base import Part, run_as_main
from gangline.testing.conformance.driver import Driver
from gangline.testing.probes.functions import get, put_held

__all__ = ["Functions"]

SCRIPT = '''
import math as maths
factor = 3

def area(radius):
    return factor * maths.floor(radius)

def countdown(n):
    return [n, *countdown(n - 1)] if n else []

def make_counter(start):
    def count(by):
        return start + by * factor
    return count

class Shape:
    """A class of the script."""
    sides = 4
    def __init__(self, size): self.size = size
    def __eq__(self, other): return type(other) is type(self) and other.size == self.size
    def perimeter(self): return self.sides * self.size
    def grown(self): return Shape(self.size + 1)

class ScriptError(Exception): pass

def fail(): raise ScriptError("of the script")

def uses_engine_names(): return held * factor
'''


class Functions(Part):
    """Functions of the user's script, and the names that an engine keeps."""

    def test_functions_of_main(self, driver: Driver) -> None:
        """With the script's own imports, globals, classes and each other."""
        main = run_as_main(SCRIPT)
        assert driver.value(main["area"], 2.5) == 6
        assert driver.value(main["countdown"], 3) == [3, 2, 1]
        assert driver.value(main["make_counter"](10), 2) == 16
        assert driver.value(main["Shape"](2).perimeter) == 8
        assert driver.value(main["Shape"].grown, main["Shape"](2)).size == 3
        failure = driver.run(main["fail"]).value
        assert (failure.ename, failure.evalue) == ("ScriptError", "of the script")

    def test_changed_globals_of_main(self, driver: Driver) -> None:
        """A call is made with what they are when it is prepared."""
        main = run_as_main(SCRIPT)
        assert driver.value(main["area"], 2) == 6
        main["factor"] = 5
        assert driver.value(main["area"], 2) == 10

    def test_closures_and_lambdas(self, driver: Driver) -> None:
        """What they close over is what it is when they are prepared, also for those made from the same code."""
        functions = [lambda x, i=i: x * i for i in range(5)]
        assert [driver.value(function, 2) for function in functions] == [0, 2, 4, 6, 8]
        state = {"offset": 1}

        def shifted(x: int) -> int:
            return x + state["offset"]

        def twice(x: int) -> int:
            return shifted(shifted(x))

        assert driver.value(twice, 0) == 2
        state["offset"] = 10
        assert driver.value(twice, 0) == 20

    def test_names_persist_on_their_engine(self, start: Callable[[int | None], Driver]) -> None:
        """From task to task, also past one that fails; each engine has its own."""
        driver = start(2)
        one, other = driver.join(2)
        driver.value(put_held, 7, engine=one)
        assert driver.run(divmod, 1, 0, engine=one).value.ename == "ZeroDivisionError"
        assert [driver.value(get, "held", engine=engine) for engine in (one, other)] == [7, "nothing"]
        main = run_as_main(SCRIPT)
        assert driver.value(main["uses_engine_names"], engine=one) == 21
        assert driver.run(main["uses_engine_names"], engine=other).value.ename == "NameError"

    def test_names_end_with_their_engine(self, driver: Driver) -> None:
        """The one that takes its place starts afresh."""
        driver.value(put_held, 7)
        killed = driver.engine
        driver.backend.kill(killed, "it was time")
        driver.await_loss(killed)
        assert driver.value(get, "held") == "nothing"
