"""`IPython.display.display` inside a task: its pictures and tables go to the client.

IPython is not imported for it. When a task does, its two functions that show things are replaced by ones that hand over
to the engine whose task calls them, and go their usual way outside of tasks.
"""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from gangline._engine import context

__all__ = ["install"]

_MODULE = "IPython.core.display_functions"
_COPIES = ("IPython.display", "IPython.core.display")
"""Modules that have the same functions under their own names, if they were imported before."""
_PATCHED = "_gangline_hands_over"


def install() -> None:
    """Have what tasks of this process display handed to their engines, as soon as IPython is there."""
    module = sys.modules.get(_MODULE)
    if module is not None:
        _patch(module)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Waits for the one module to be imported, has that done in the usual way, and patches it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Only the one module is of interest; the others are found by somebody else."""
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_patch(module: ModuleType) -> None:
            execute(module)
            _patch(module)

        spec.loader.exec_module = execute_and_patch  # type: ignore[method-assign]
        return spec


def _patch(module: Any) -> None:
    if hasattr(module, _PATCHED):
        return
    setattr(module, _PATCHED, True)
    display, publish = module.display, module.publish_display_data

    @functools.wraps(publish)
    def publish_here(data: dict[str, Any], metadata: dict[str, Any] | None = None, *args: Any, **kwargs: Any) -> None:
        engine = context.current()
        if engine is None or engine.task is None:
            publish(data, metadata, *args, **kwargs)
        else:
            engine.display(data, metadata or {})

    @functools.wraps(display)
    def display_here(*objects: Any, **kwargs: Any) -> Any:
        engine = context.current()
        if engine is None or engine.task is None:
            return display(*objects, **kwargs)
        for data, metadata in _formatted(objects, **kwargs):
            engine.display(data, metadata)
        display_id = kwargs.get("display_id")
        return module.DisplayHandle(display_id if isinstance(display_id, str) else None) if display_id else None

    for holder in (module, *(sys.modules[name] for name in _COPIES if name in sys.modules)):
        if getattr(holder, "display", None) is display:
            holder.display = display_here
        if getattr(holder, "publish_display_data", None) is publish:
            holder.publish_display_data = publish_here


def _formatted(
    objects: Sequence[Any],
    *,
    include: Any = None,
    exclude: Any = None,
    metadata: dict[str, Any] | None = None,
    raw: bool = False,
    **_others: Any,
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What to show for each object, by MIME type. Other arguments only matter where things can be updated."""
    if raw:
        return [(each, metadata or {}) for each in objects]
    formatter = _formatter()
    shown = []
    for each in objects:
        data, found = formatter.format(each, include=include, exclude=exclude)
        if data:  # an object that shows itself leaves nothing
            shown.append((data, {**found, **(metadata or {})}))
    return shown


def _formatter() -> Any:
    shell = importlib.import_module("IPython.core.interactiveshell").InteractiveShell
    if shell.initialized():
        return shell.instance().display_formatter
    return importlib.import_module("IPython.core.formatters").DisplayFormatter()
