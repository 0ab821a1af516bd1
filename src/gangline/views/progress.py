"""Waiting with a line of progress, or with a bar in a notebook."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION
from typing import Any, Protocol

from gangline.errors import UsageError

__all__ = ["wait_interactive"]

_BAR_WIDTH = 30


class Waitable(Protocol):
    """A result, as far as waiting for it goes."""

    _fname: str

    def ready(self) -> bool:
        """Whether it has ended."""

    def wait(self, timeout: float | None = -1, return_when: str | None = None) -> Any:
        """Wait for it."""

    @property
    def progress(self) -> int:
        """How much of it has ended."""

    @property
    def expected(self) -> int | None:
        """How much it is in all; None if that is not known."""


class _Silent:
    """Where nobody looks: nothing is shown."""

    def show(self, done: int, elapsed_s: float) -> None:
        """So much is done."""

    def close(self) -> None:
        """It is over."""


class _Line(_Silent):
    """One line on a terminal that is written over and over."""

    def __init__(self, name: str, total: int | None) -> None:
        self._name = name
        self._total = total

    def show(self, done: int, elapsed_s: float) -> None:
        if self._total:
            filled = _BAR_WIDTH * done // self._total
            bar = "#" * filled + "." * (_BAR_WIDTH - filled)
            text = f"{self._name}: [{bar}] {done}/{self._total} tasks, {elapsed_s:.1f} s"
        else:
            text = f"{self._name}: {done} tasks, {elapsed_s:.1f} s"
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()

    def close(self) -> None:
        sys.stderr.write("\n")
        sys.stderr.flush()


class _Widget(_Silent):
    """A bar in a notebook."""

    def __init__(self, name: str, total: int | None) -> None:
        import ipywidgets
        from IPython.display import display

        self._total = total or 1
        self._label = ipywidgets.Label()
        self._bar = ipywidgets.IntProgress(max=self._total, description=name)
        display(ipywidgets.HBox([self._bar, self._label]))  # type: ignore[no-untyped-call]

    def show(self, done: int, elapsed_s: float) -> None:
        self._bar.value = min(done, self._total)
        self._label.value = f"{done}/{self._total} tasks, {elapsed_s:.1f} s"


def wait_interactive(
    result: Waitable, interval_s: float, timeout_s: float | None, widget: bool | None, return_when: str
) -> None:
    """Wait for a result and show how it gets on.

    Args:
        result: What to wait for.
        interval_s: Time between two looks.
        timeout_s: Give up after this time; None is never.
        widget: Whether to show a widget; None: in a notebook.
        return_when: Which part of it to wait for: a constant of `concurrent.futures`.

    Raises:
        UsageError: There is no such `return_when`.
    """
    if return_when not in (ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION):
        raise UsageError(f"return_when must be a constant of concurrent.futures, not {return_when!r}")
    display = _display(widget, result)
    started = time.monotonic()
    try:
        while True:
            elapsed_s = time.monotonic() - started
            display.show(result.progress, elapsed_s)
            if result.ready() or (timeout_s is not None and elapsed_s >= timeout_s):
                return
            patience_s = interval_s if timeout_s is None else min(interval_s, timeout_s - elapsed_s)
            if _wait(result, patience_s, return_when):
                display.show(result.progress, time.monotonic() - started)
                return
    finally:
        display.close()


def _wait(result: Waitable, timeout_s: float, return_when: str) -> bool:
    """Wait for a while: whether what is waited for has happened."""
    if return_when == ALL_COMPLETED:
        return bool(result.wait(timeout_s))
    done, pending = result.wait(timeout_s, return_when=return_when)
    if return_when == FIRST_COMPLETED or not pending:
        return bool(done)
    return any(part._failed() for part in done)


def _display(widget: bool | None, result: Waitable) -> _Silent:
    if widget is None:
        widget = _in_notebook()
    if widget:
        try:
            return _Widget(result._fname, result.expected)
        except ImportError:  # a notebook without widgets shows a line
            return _Line(result._fname, result.expected)
    return _Line(result._fname, result.expected) if sys.stderr.isatty() else _Silent()


def _in_notebook() -> bool:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
