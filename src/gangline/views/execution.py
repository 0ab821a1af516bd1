"""What `execute` gives: the number of the run, how the last value is shown, and all that is known about the task."""

from __future__ import annotations

import sys
from typing import Any

from gangline._engine.cells import Executed
from gangline._runtime.handle import Handle
from gangline.views.metadata import Metadata, metadata_of
from gangline.views.tasks import CONVERTERS

__all__ = ["ExecuteReply"]

_SHOWN_MAX = 32
"""Characters of the value that `repr` shows."""


class ExecuteReply:
    """The answer to one run of code on one engine. What `metadata` knows is an attribute and an item too.

    Attributes:
        msg_id: The task's id.
        execution_count: The number of the run in the engine's history.
        metadata: What is known about the task.
    """

    def __init__(self, msg_id: str, content: dict[str, Any], metadata: Metadata) -> None:
        self.msg_id = msg_id
        self.execution_count = content["execution_count"]
        self.metadata = metadata

    @property
    def _shown(self) -> dict[str, Any]:
        return self.metadata["execute_result"] or {}

    @property
    def source(self) -> str:
        """The code that was run."""
        return self.metadata["execute_input"] or ""

    @property
    def data(self) -> dict[str, Any]:
        """How the last expression's value is shown, by MIME type; empty if it is not."""
        data: dict[str, Any] = self._shown.get("data", {})
        return data

    @property
    def _metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = self._shown.get("metadata", {})
        return metadata

    def display(self) -> None:
        """Show the value in IPython."""
        from IPython.display import publish_display_data

        publish_display_data(self.data, self._metadata)  # type: ignore[no-untyped-call]  # IPython's types are partial

    def __getitem__(self, key: str) -> Any:
        return self.metadata[key]

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_repr_") or key == "metadata" or key not in self.metadata:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}")
        return self.metadata[key]

    def __repr__(self) -> str:
        text = self.data.get("text/plain", "")
        if len(text) > _SHOWN_MAX:
            text = f"{text[: _SHOWN_MAX - 3]}..."
        return f"<ExecuteReply[{self.execution_count}]: {text}>"

    def _plaintext(self) -> str:
        text = self.data.get("text/plain", "")
        if not text:
            return ""
        if "\n" in text and not text.startswith("\n"):
            text = f"\n{text}"
        start, end = _colors()
        return f"{start}Out[{self.metadata['engine_id']}:{self.execution_count}]: {end}{text}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self._plaintext())

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(self.data)
        if "text/plain" in data:
            data["text/plain"] = self._plaintext()
        return data, self._metadata

    def _repr_mime_(self, mime: str) -> Any:
        if mime not in self.data:
            return None
        return (self.data[mime], self._metadata[mime]) if mime in self._metadata else self.data[mime]

    def _repr_html_(self) -> Any:
        return self._repr_mime_("text/html")

    def _repr_png_(self) -> Any:
        return self._repr_mime_("image/png")

    def _repr_svg_(self) -> Any:
        return self._repr_mime_("image/svg+xml")

    def _repr_latex_(self) -> Any:
        return self._repr_mime_("text/latex")

    def _repr_json_(self) -> Any:
        return self._repr_mime_("application/json")


def _colors() -> tuple[str, str]:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or str(shell.colors).lower() == "nocolor":
        return "", ""
    return "\x1b[0;31m", "\x1b[0m"


def _reply(handle: Handle) -> ExecuteReply:
    metadata = metadata_of(handle)
    return ExecuteReply(metadata["msg_id"], {"execution_count": handle.value.execution_count}, metadata)


CONVERTERS[Executed] = _reply
