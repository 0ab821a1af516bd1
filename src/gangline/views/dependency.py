"""What a task may depend on: other tasks (`Dependency`) and what the engine can do (`depend`, `require`).

A functional dependency is checked on the engine, in front of the task's own code. Only an answer that *is* ``False``
refuses the engine (`UnmetDependency`); any other answer lets the task run. An error of the check is the task's error.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from gangline._engine import context
from gangline.errors import UnmetDependency, UsageError
from gangline.views.asyncresult import AsyncResult

__all__ = ["Dependency", "depend", "dependent", "interactive", "require"]

_SWITCHES = ("all", "success", "failure")


class Dependency(set[str]):
    """A set of tasks, by their `msg_ids`, and the rule that says when it counts as met.

    Args:
        dependencies: An id, an `AsyncResult`, several of them, or what `as_dict` gave.
        all: All of them must count, or any one.
        success: A task that succeeded counts.
        failure: A task that failed counts.

    Raises:
        TypeError: For anything else among the dependencies.
        UsageError: When neither successes nor failures count.
    """

    def __init__(
        self,
        dependencies: str | AsyncResult | Mapping[str, Any] | Iterable[str | AsyncResult] = (),
        all: bool = True,
        success: bool = True,
        failure: bool = False,
    ) -> None:
        if isinstance(dependencies, Mapping):
            given = dependencies
            all, success, failure = (
                bool(given.get(name, default)) for name, default in zip(_SWITCHES, (all, success, failure), strict=True)
            )
            dependencies = given.get("dependencies", ())
        super().__init__(_ids_of(dependencies))
        if not (success or failure):
            raise UsageError("a dependency must count success, failure or both; with neither it can never be met")
        self.all = bool(all)
        self.success = bool(success)
        self.failure = bool(failure)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Dependency, (self.as_dict(),))

    def check(self, completed: Collection[str], failed: Collection[str] | None = None) -> bool:
        """Whether it is met, given the ids that succeeded and those that failed."""
        if not self:
            return True
        counted = self._among(completed, failed, success=self.success, failure=self.failure)
        return self <= counted if self.all else not self.isdisjoint(counted)

    def unreachable(self, completed: Collection[str], failed: Collection[str] | None = None) -> bool:
        """Whether it can never be met any more, given the ids that succeeded and those that failed."""
        if not self:
            return False
        against = self._among(completed, failed, success=not self.success, failure=not self.failure)
        return not self.isdisjoint(against) if self.all else self <= against

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, fit for JSON; `Dependency` takes it back."""
        return {
            "dependencies": list(self),
            "all": self.all,
            "success": self.success,
            "failure": self.failure,
        }

    @staticmethod
    def _among(completed: Collection[str], failed: Collection[str] | None, *, success: bool, failure: bool) -> set[str]:
        chosen: set[str] = set()
        if success:
            chosen.update(completed)
        if failure and failed is not None:
            chosen.update(failed)
        return chosen


def _ids_of(dependencies: Any) -> list[str]:
    if isinstance(dependencies, str | AsyncResult):
        dependencies = (dependencies,)
    ids: list[str] = []
    for each in dependencies:
        if isinstance(each, str):
            ids.append(each)
        elif isinstance(each, AsyncResult):
            ids.extend(each.msg_ids)
        else:
            raise TypeError(f"a dependency is an id or an AsyncResult, not {each!r}")
    return ids


class depend:
    """Decorator: run the task only where ``check(*args, **kwargs)``, called on the engine, is not ``False``.

    Example:
        >>> def has_gpu(kind): ...
        >>> @depend(has_gpu, "cuda")
        ... def train(model): ...
    """

    def __init__(self, check: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        self.f = check
        self.args = args
        self.kwargs = kwargs

    def __call__(self, f: Callable[..., Any]) -> dependent:
        """The function together with its check."""
        return dependent(f, self.f, *self.args, **self.kwargs)


class dependent:
    """A function that runs only on engines where its check is not ``False``. Called in the client, it is the function.

    Args:
        f: The function.
        check: Called as ``check(*args, **kwargs)`` on the engine before the function.
        args: For the check.
        kwargs: For the check.
    """

    def __init__(self, f: Callable[..., Any], check: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        self.f = f
        self.df = check
        self.dargs = args
        self.dkwargs = kwargs
        self.__name__ = getattr(f, "__name__", "f")
        self.__doc__ = getattr(f, "__doc__", None)

    def check_dependency(self) -> None:
        """Ask the check.

        Raises:
            UnmetDependency: When its answer is ``False``.
        """
        if self.df(*self.dargs, **self.dkwargs) is False:
            raise UnmetDependency(f"{getattr(self.df, '__name__', self.df)!s} is False on this engine")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function; on an engine, after its check."""
        if context.current() is not None:
            self.check_dependency()
        return self.f(*args, **kwargs)


class _Requiring(dependent):
    """A function that runs only where certain modules can be imported; they, and certain objects, are its globals."""

    def check_dependency(self) -> None:
        found = {name.partition(".")[0]: _import(name) for name in self.dargs}
        found.update(self.dkwargs)
        for namespace in self._namespaces():
            namespace.update(found)

    def _namespaces(self) -> list[dict[str, Any]]:
        engine = context.current()
        namespaces = [engine.namespace] if engine is not None else []
        inner: Any = self.f
        while isinstance(inner, dependent):
            inner = inner.f
        inner = getattr(inner, "__func__", inner)
        if isinstance(inner, FunctionType):
            namespaces.append(inner.__globals__)
        return namespaces


def _import(name: str) -> ModuleType:
    try:
        importlib.import_module(name)
    except ImportError as exc:
        raise UnmetDependency(f"module {name!r} cannot be imported on this engine: {exc}") from exc
    return sys.modules[name.partition(".")[0]]


def require(*objects: Any, **mapping: Any) -> Callable[[Callable[..., Any]], dependent]:
    """Decorator: run the task only where these modules can be imported, and bind them and these objects for it.

    Args:
        objects: Modules or their names; functions and classes, which are bound under their own names.
        mapping: Anything else, by the name to bind.

    Raises:
        TypeError: For an object without a name of its own that is not passed by keyword.

    Example:
        >>> @require("numpy", scale=2.5)
        ... def norm(a):
        ...     return scale * numpy.linalg.norm(a, 2)
    """
    modules: list[str] = []
    for each in objects:
        if isinstance(each, ModuleType):
            modules.append(each.__name__)
        elif isinstance(each, str):
            modules.append(each)
        elif hasattr(each, "__name__"):
            mapping[each.__name__] = each
        else:
            raise TypeError(f"only modules, functions and classes are passed by position; pass {each!r} by keyword")

    def decorate(f: Callable[..., Any]) -> dependent:
        return _Requiring(f, _names_bound, *modules, **mapping)

    return decorate


def _names_bound(*modules: str, **mapping: Any) -> bool:
    """What stands in for a check in `_Requiring`, which imports and binds itself."""
    return bool(modules or mapping)


def interactive(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function as if it had been typed at the prompt: its globals are the engine's namespace, not its module's."""
    if isinstance(f, FunctionType):
        main = sys.modules["__main__"]
        made = FunctionType(f.__code__, main.__dict__, f.__name__, f.__defaults__, f.__closure__)
        made.__kwdefaults__ = f.__kwdefaults__
        made.__doc__ = f.__doc__
        f = made
    f.__module__ = "__main__"
    return f
