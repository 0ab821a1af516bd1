"""Shows what tasks have written and displayed: afterwards (`display`) or while they run (`stream`)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from gangline.errors import UsageError
from gangline.views.error import CompositeError, RemoteError
from gangline.views.metadata import Metadata

__all__ = ["display", "stream"]

_LOOK_EVERY_S = 0.05
_GROUPINGS = ("type", "engine", "order")


def display(
    metadata: Sequence[Metadata], results: Sequence[Any], groupby: str, result_only: bool, *, prefixed: bool
) -> None:
    """Show what tasks that have ended have written.

    Args:
        metadata: What is known about each task.
        results: The result of each task.
        groupby: ``type``, ``engine`` or ``order``.
        result_only: Show only the results.
        prefixed: Say in front of each piece where it comes from.

    Raises:
        UsageError: There is no such grouping.
    """
    if groupby not in _GROUPINGS:
        raise UsageError(f"groupby must be one of {', '.join(_GROUPINGS)}, not {groupby!r}")
    show = _Shower(prefixed)
    tasks = list(zip(metadata, results, strict=False))
    if groupby == "engine":
        for task in tasks:
            _show_texts(show, [task], result_only)
            _show_rich(show, [task], groupby, result_only)
            told = task[0]
            if told["execute_result"] is not None and (result_only or not told["outputs"]):
                show.heading(told["engine_id"])
            _show_results(show, [task])
        return
    _show_texts(show, tasks, result_only)
    _show_rich(show, tasks, groupby, result_only)
    _show_results(show, tasks)


def _show_texts(show: _Shower, tasks: Sequence[tuple[Metadata, Any]], result_only: bool) -> None:
    for name in () if result_only else ("stdout", "stderr"):
        for metadata, _ in tasks:
            show.text(name, metadata["engine_id"], metadata[name])


def _show_rich(show: _Shower, tasks: Sequence[tuple[Metadata, Any]], groupby: str, result_only: bool) -> None:
    if result_only:
        return
    if groupby == "order":
        most = max((len(metadata["outputs"]) for metadata, _ in tasks), default=0)
        for position in range(most):
            for metadata, _ in tasks:
                show.outputs(metadata["engine_id"], metadata["outputs"][position : position + 1])
    else:
        for metadata, _ in tasks:
            show.outputs(metadata["engine_id"], metadata["outputs"])


def _show_results(show: _Shower, tasks: Sequence[tuple[Metadata, Any]]) -> None:
    for metadata, result in tasks:
        if metadata["execute_result"] is not None:
            show.value(result)


class _Shower:
    """Prints pieces of text with a heading where the origin changes, and hands rich output to IPython."""

    def __init__(self, prefixed: bool) -> None:
        self._prefixed = prefixed
        self._heading = ""
        self._at_line_start = True

    def text(self, name: str, engine: int | None, text: str) -> None:
        """Text of a task, on the stream of the same name."""
        if not text:
            return
        file: TextIO = sys.stderr if name == "stderr" else sys.stdout
        heading = f"[{name}:{engine}] " if self._prefixed else ""
        if heading and heading != self._heading:
            self._heading = heading
            file.write(f"{'' if self._at_line_start else chr(10)}{heading}\n")
        self._at_line_start = text.endswith("\n")
        file.write(text)
        file.flush()

    def outputs(self, engine: int | None, outputs: Sequence[dict[str, Any]]) -> None:
        """Rich output; outside of IPython there is nothing to show it with."""
        shell = _shell()
        if shell is None or not outputs:
            return
        self.heading(engine)
        for output in outputs:
            metadata = {**(output.get("metadata") or {}), "engine": engine}
            shell.display_pub.publish(data=output["data"], metadata=metadata)

    def heading(self, engine: int | None) -> None:
        """Say whose rich output or value follows."""
        if self._prefixed and _shell() is not None:
            self._note(f"[output:{engine}]")

    def value(self, result: Any) -> None:
        """The value of the last expression."""
        if _shell() is not None:
            from IPython.display import display as show

            show(result)  # type: ignore[no-untyped-call]

    def error(self, error: BaseException) -> None:
        """The remote traceback."""
        lines = error.render_traceback() if isinstance(error, RemoteError) else [f"{type(error).__name__}: {error}"]
        sys.stderr.write("\n".join(lines) + "\n")

    @staticmethod
    def _note(text: str) -> None:
        from IPython.display import display_pretty

        display_pretty(text, raw=True)  # type: ignore[no-untyped-call]


def _shell() -> Any:
    """The running IPython, if this is one. It is not imported for the question."""
    ipython: Any = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


@contextmanager
def stream(metadata: Sequence[Metadata]) -> Iterator[None]:
    """Show what tasks write as they write it, for the time of the ``with`` block; at its end, all of it so far."""
    watched = [_Watched(each) for each in metadata]
    show = _Shower(prefixed=True)
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK_EVERY_S):
            _look(watched, show)

    thread = threading.Thread(target=look, name="gangline-output", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        _look(watched, show)


def _look(watched: Sequence[_Watched], show: _Shower) -> None:
    for each in watched:
        each.look(show)


class _Watched:
    """A task, and how much of its output has been shown."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._shown = {"stdout": 0, "stderr": 0, "outputs": 0}
        self._ended = False

    def look(self, show: _Shower) -> None:
        """Show what is new."""
        if self._ended:
            return
        metadata = self._metadata
        self._ended = metadata["status"] is not None  # then what follows is complete
        # The engine is asked for after the text: before, the task may not have had one.
        self._news("stdout", lambda new: show.text("stdout", metadata["engine_id"], new))
        self._news("stderr", lambda new: show.text("stderr", metadata["engine_id"], new))
        self._news("outputs", lambda new: show.outputs(metadata["engine_id"], new))
        if self._ended:
            self._show_end(show)

    def _news(self, name: str, show: Callable[[Any], None]) -> None:
        content = self._metadata[name]
        if len(content) > self._shown[name]:
            show(content[self._shown[name] :])
            self._shown[name] = len(content)

    def _show_end(self, show: _Shower) -> None:
        error = self._metadata["error"]
        if error is not None and not isinstance(error, CompositeError):
            show.error(error)
        if self._metadata["execute_result"] is not None:
            show.value(self._metadata["execute_result"])
