"""Several items of a map as one task: how they are run on the engine, and how what became of them comes back.

A failing item fails alone, whether its call fails or its result cannot travel: the others of its chunk keep their
results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from gangline._engine import context, serialize
from gangline._engine.execute import settle
from gangline._engine.failures import describe, pack_failure, unpack_failure
from gangline.errors import ResultUnreadable, UnmetDependency
from gangline.messages import Failure

__all__ = ["ChunkResult", "MapChunk"]

_UNSETTLED = (CoroutineType, GeneratorType, AsyncGeneratorType)


class ChunkResult:
    """What became of the items of a chunk.

    Attributes:
        values: Results by position; None where there is none.
        failures: The failed items, by position.
        left: How many items at the end were not run, because one of them refused to run on this engine.
    """

    __slots__ = ("failures", "left", "values")

    def __init__(self, values: list[Any], failures: dict[int, Failure], left: int = 0) -> None:
        self.values = values
        self.failures = failures
        self.left = left

    @property
    def whole(self) -> bool:
        """Whether every item succeeded."""
        return not (self.failures or self.left)

    def __reduce__(self) -> tuple[Any, ...]:
        # Each failure is tried out by itself, so that an exception that cannot travel does not cost the other items.
        packed = {index: pack_failure(failure) for index, failure in self.failures.items()}
        return (_unpacked, (self.values, packed, self.left))

    def without_unreadable(self) -> ChunkResult:
        """The same, with results that cannot travel as failures. Called when pickling it has failed."""
        values, failures = list(self.values), dict(self.failures)
        for index, value in enumerate(values):
            try:
                serialize.dumps(value)
            except BaseException as why:  # the value's own code
                ename, evalue, text = describe(why)
                error = ResultUnreadable(f"the result, a {type(value).__name__}, cannot be pickled: {ename}: {evalue}")
                failures[index] = Failure(error, "ResultUnreadable", str(error), text)
                values[index] = None
        return ChunkResult(values, failures, self.left)


def _unpacked(values: list[Any], packed: dict[int, tuple[Any, ...]], left: int) -> ChunkResult:
    return ChunkResult(values, {index: unpack_failure(each) for index, each in packed.items()}, left)


class MapChunk:
    """Calls a function on each item. One object serves all chunks of a map, so that it travels once to each engine.

    Args:
        func: The function.
        name: For people.
        movable: An item may refuse to run on this engine (`UnmetDependency`), and is then run on another one.
    """

    __gangline_cache__ = True

    def __init__(self, func: Callable[..., Any], name: str, *, movable: bool = True) -> None:
        self.func = func  # by this name, tasks of the same function are known to be of one kind
        self.__name__ = name
        self.movable = movable

    def __call__(self, *sequences: Sequence[Any]) -> list[Any] | ChunkResult:
        """What became of the items. A single item is a task like any other: a list of its result, or its error.

        Raises:
            UnmetDependency: The first item refused to run on this engine.
        """
        length = min(map(len, sequences))
        if length == 1:
            return [self._settled(self.func(*[sequence[0] for sequence in sequences]))]
        calls = map(self.func, *sequences)
        values: list[Any] = []
        failures: dict[int, Failure] = {}
        while len(values) < length:
            try:
                # Runs at the speed of C. After an error the results so far are in the list, and the call after it is
                # that of the next item.
                values.extend(calls)
                if len(values) < length:
                    raise StopIteration("raised by the function")
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the user's own code: whatever it raises is the item's answer
                if self.movable and isinstance(error, UnmetDependency):
                    if not values:
                        raise
                    return ChunkResult(self._all_settled(values, failures), failures, length - len(values))
                failures[len(values)] = Failure(error, *describe(error))
                values.append(None)
        return ChunkResult(self._all_settled(values, failures), failures)

    def _all_settled(self, values: list[Any], failures: dict[int, Failure]) -> list[Any]:
        """The results in the form in which they are delivered. Functions give coroutines always or never."""
        if not (isinstance(values[0], _UNSETTLED) or isinstance(values[-1], _UNSETTLED)):
            return values
        for index, value in enumerate(values):
            try:
                values[index] = self._settled(value)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the user's own code: whatever it raises is the item's answer
                failures[index] = Failure(error, *describe(error))
                values[index] = None
        return values

    @staticmethod
    def _settled(value: Any) -> Any:
        if not isinstance(value, _UNSETTLED):
            return value
        engine = context.current()
        assert engine is not None
        return settle(engine, value)
