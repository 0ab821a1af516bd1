"""What a direct view has an engine do with its namespace: put, get, forget, run code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from gangline._engine import cells, shell
from gangline._engine.cells import Executed
from gangline._engine.context import EngineContext, current
from gangline.errors import UsageError

__all__ = ["Executed", "call", "clear", "execute", "import_names", "map_names", "need_module", "pull", "push"]

_KEPT = frozenset({"__name__", "__doc__", "__package__", "__loader__", "__spec__", "__builtins__", "__annotations__"})
"""What an empty namespace still has."""

_PUSHED = "_gangline_pushed_"
"""Under this name a value waits for the assignment to ``a.b`` or ``a[0]``."""


def push(**names: Any) -> None:
    """Bind values to names. A name may be a target such as ``a.b`` or ``a[0]``."""
    engine = _engine()
    namespace = engine.namespace
    for name, value in names.items():
        if name.isidentifier():
            engine.claim(name)
            namespace[name] = value
            continue
        namespace[_PUSHED] = value
        try:
            exec(f"{name} = {_PUSHED}", namespace)
        finally:
            del namespace[_PUSHED]


def pull(names: str | Sequence[str], note: str = "") -> Any:
    """The value of a name or expression; of several, a list.

    Args:
        names: What to look up.
        note: Added to the error where a name is missing.
    """
    namespace = _engine().namespace
    try:
        if isinstance(names, str):
            return eval(names, namespace)
        return [eval(name, namespace) for name in names]
    except NameError as error:
        raise explained(error, note) from None


def clear() -> None:
    """Empty the namespace."""
    namespace = _engine().namespace
    for name in [name for name in namespace if name not in _KEPT]:
        del namespace[name]
    shell.forget()


def execute(code: str, silent: bool = True, note: str = "") -> Executed:
    """Run code in the namespace.

    Args:
        code: Python, or what IPython understands where it is installed.
        silent: Whether to leave the value of a last expression unseen.
        note: Added to the error where a name is missing.
    """
    engine = _engine()
    try:
        done = cells.run(engine, code, silent=silent)
    except NameError as error:
        raise explained(error, note) from None
    engine.captured.clear()  # whatever the code has bound is the user's own from now on
    return done


def map_names(function: Any, names: Sequence[str]) -> list[Any]:
    """Map a function over sequences that were put under these names, which are then forgotten."""
    namespace = _engine().namespace
    return list(map(function, *[namespace.pop(name) for name in names]))


def import_names(module: str, fromlist: Sequence[str]) -> None:
    """Import a module into the namespace, or names from it."""
    engine = _engine()
    imported = importlib.import_module(module)
    if fromlist:
        names = {name: value for key in fromlist for name, value in _members(imported, key).items()}
    else:
        top = module.partition(".")[0]
        names = {top: sys.modules[top]}
    engine.claim(*names)
    engine.namespace.update(names)


def _members(module: Any, key: str) -> dict[str, Any]:
    if key == "*":
        public = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        return {name: getattr(module, name) for name in public}
    try:
        return {key: getattr(module, key)}
    except AttributeError:
        return {key: importlib.import_module(f"{module.__name__}.{key}")}


def explained(error: NameError, note: str) -> NameError:
    """The error with a note, if there is one, at the end of its message."""
    if note:
        error.args = (f"{error.args[0] if error.args else ''} ({note})", *error.args[1:])
    return error


def _engine() -> EngineContext:
    engine = current()
    if engine is None:
        raise UsageError("this runs on an engine only")
    return engine


def call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call what a reference named."""
    return function(*args, **kwargs)


def need_module(name: str) -> None:
    """Import a module, and no more."""
    importlib.import_module(name)
