"""Log records of tasks: kept on the engine as plain data, handed to the client's own loggers there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gangline._engine.capture import Capture

__all__ = ["TaskLogHandler", "capture_logs", "replay"]

_FIELDS = (
    "name",
    "levelno",
    "levelname",
    "pathname",
    "lineno",
    "funcName",
    "created",
    "process",
    "processName",
    "thread",
    "threadName",
)


class TaskLogHandler(logging.Handler):
    """Keeps the records of the running task."""

    def __init__(self, route: Callable[[], Capture | None]) -> None:
        super().__init__()
        self._route = route
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record; what is logged between tasks is left to others."""
        capture = self._route()
        if capture is None:
            return
        try:
            kept: dict[str, Any] = {field: getattr(record, field) for field in _FIELDS}
            kept["msg"] = record.getMessage()
            if record.exc_info:
                kept["exc_text"] = record.exc_text or self._formatter.formatException(record.exc_info)
        except Exception:  # the message and its arguments are the user's
            self.handleError(record)
            return
        capture.add("log", kept)


def capture_logs(route: Callable[[], Capture | None], level: int) -> None:
    """Collect the log records of tasks from that level on, in an engine process."""
    root = logging.getLogger()
    root.addHandler(TaskLogHandler(route))
    root.setLevel(level)


def replay(records: Iterable[Mapping[str, Any]]) -> None:
    """Hand records to this process's own loggers, as if they had been written here."""
    for fields in records:
        record = logging.makeLogRecord(dict(fields))
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
