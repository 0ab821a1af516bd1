"""Run one task: the one place where all local backends call the user's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from gangline._engine.context import EngineContext
from gangline._engine.failures import describe
from gangline.errors import UnmetDependency
from gangline.messages import Failure, TaskId

__all__ = ["ERROR", "FIXED", "OK", "UNMET", "failure_of", "run_task", "settle"]

OK, ERROR, UNMET = range(3)

FIXED = frozenset({int, float, bool, type(None)})
"""Types whose values are immutable, small and safe to hand on as they are."""


def run_task(
    context: EngineContext,
    task: TaskId,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None,
) -> tuple[int, Any]:
    """Call the function as that task.

    Returns:
        (OK, its result), or (ERROR or UNMET, a `Failure`).
    """
    context.task = task
    try:
        context.interruptible = True
        value = function(*args, **kwargs) if kwargs else function(*args)
        if type(value) not in FIXED:
            value = settle(context, value)
        context.interruptible = False
        return OK, value
    except BaseException as error:  # the user's own code: whatever it raises is the task's answer
        context.interruptible = False
        return UNMET if isinstance(error, UnmetDependency) else ERROR, failure_of(error)
    finally:
        context.task = None


def failure_of(error: BaseException) -> Failure:
    """An exception and how it is shown."""
    return Failure(error, *describe(error))


def settle(context: EngineContext, value: Any) -> Any:
    """The delivered form of a result: a coroutine's outcome, a generator's items; anything else as it is."""
    kind = type(value)
    if kind is CoroutineType:
        return settle(context, context.run_coroutine(value))
    if kind is GeneratorType:
        return list(value)
    if kind is AsyncGeneratorType:
        return context.run_coroutine(_collect(value))
    return value


async def _collect(items: Any) -> list[Any]:
    return [item async for item in items]
