"""IPython's shell on an engine, made when it is first needed, with the engine's namespace as its own."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from gangline._engine import context
from gangline._engine.context import EngineContext
from gangline.errors import UsageError

__all__ = ["count", "forget", "may_have", "run", "translate"]

_shell: Any = None
_next_numbers: dict[str, int] = {}
"""The number of the next run that goes into the history, by engine."""


def may_have(engine: EngineContext) -> bool:
    """Whether the process is this engine, so that it may have a shell; an engine that is a thread may not."""
    return vars(sys.modules["__main__"]) is engine.namespace


def count(engine: EngineContext, *, silent: bool) -> int:
    """The number of this run; a silent one has that of the run before."""
    number = _next_numbers.get(engine.uuid, 1)
    if silent:
        return number - 1
    _next_numbers[engine.uuid] = number + 1
    return number


def forget() -> None:
    """Forget inputs and outputs."""
    if _shell is not None:
        _shell.reset(new_session=False)


def run(engine: EngineContext, code: str, *, silent: bool) -> tuple[int, dict[str, Any] | None]:
    """Run code as a cell; what it raises is raised.

    Returns:
        Its number, and ``data`` and ``metadata`` of the last expression's value where it is to be shown.
    """
    global _shell
    if _shell is None:
        _shell = _make_shell(engine)
    number = count(engine, silent=silent)
    _shell.execution_count = number + silent
    _shell.displayhook.shown = None
    outcome = _shell.run_cell(code, store_history=not silent, silent=silent)
    outcome.raise_error()
    return number, _shell.displayhook.shown


def translate(code: str) -> str:
    """IPython's syntax as plain Python.

    Raises:
        UsageError: For a magic, which needs a shell.
    """
    manager = importlib.import_module("IPython.core.inputtransformer2").TransformerManager()
    plain: str = manager.transform_cell(code)
    if "get_ipython()" in plain:
        raise UsageError("IPython's magics need engines that are processes; this engine is a thread of the client")
    return plain


def _make_shell(engine: EngineContext) -> Any:
    interactiveshell = importlib.import_module("IPython.core.interactiveshell")
    config = importlib.import_module("traitlets.config").Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    base = interactiveshell.InteractiveShell

    class EngineShell(base):  # type: ignore[misc, valid-type]  # a class of IPython, which is imported when needed only
        """A shell whose errors travel with the task instead of being printed."""

        def showtraceback(self, *args: Any, **kwargs: Any) -> None:
            """Nothing: the error is the task's answer."""

        def showsyntaxerror(self, *args: Any, **kwargs: Any) -> None:
            """Nothing: the error is the task's answer."""

        def enable_gui(self, gui: Any = None) -> None:
            """Nothing: an engine has no screen."""

    return EngineShell.instance(
        config=config,
        user_module=sys.modules["__main__"],
        user_ns=engine.namespace,
        display_pub_class=_publisher_class(),
        displayhook_class=_displayhook_class(),
    )


def _publisher_class() -> Any:
    displaypub = importlib.import_module("IPython.core.displaypub")

    class EnginePublisher(displaypub.DisplayPublisher):  # type: ignore[misc, name-defined]
        """Hands what is displayed to the client."""

        def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
            """Hand it over."""
            engine = context.current()
            if engine is not None:
                engine.display(data, metadata or {})

        def clear_output(self, wait: bool = False) -> None:
            """Nothing: what was handed over stays."""

    return EnginePublisher


def _displayhook_class() -> Any:
    displayhook = importlib.import_module("IPython.core.displayhook")

    class EngineDisplayHook(displayhook.DisplayHook):  # type: ignore[misc, name-defined]
        """Keeps how the last expression's value is shown."""

        shown: dict[str, Any] | None = None

        def write_output_prompt(self) -> None:
            """Nothing: the client writes it."""

        def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
            """Keep it for the reply."""
            self.shown = {"data": format_dict, "metadata": md_dict or {}}

        def finish_displayhook(self) -> None:
            """Nothing was written."""

    return EngineDisplayHook
