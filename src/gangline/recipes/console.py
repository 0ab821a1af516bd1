"""Logging of a recipe that is a program: to standard error, and to the file that the configuration names.

A library configures no logging: only `main` does, and takes it back when it ends.
"""

from __future__ import annotations

import logging
import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gangline.recipes.configuration import ConfigurationError

if TYPE_CHECKING:
    from gangline.recipes.configuration import Configuration

__all__ = ["Console"]

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
DATE_FORMAT = "%Y-%m-%d %H:%M:%S"

_STEPS = logging.getLogger("gangline.recipes")
"""Which tasks run, and why, is always told."""


class Console:
    """Logging for the time of a `with` block.

    Args:
        level: From which level on things are told, for standard error. A log file gets INFO as well.
    """

    def __init__(self, level: int) -> None:
        self._level = level
        self._root = logging.getLogger()
        self._before = (self._root.level, _STEPS.level)
        self._handlers: list[logging.Handler] = []

    def __enter__(self) -> Self:
        self._add(logging.StreamHandler(sys.stderr), FORMAT, DATE_FORMAT)
        self._root.setLevel(self._level)
        _STEPS.setLevel(min(self._level, logging.INFO))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handler in self._handlers:
            self._root.removeHandler(handler)
            handler.close()
        self._root.setLevel(self._before[0])
        _STEPS.setLevel(self._before[1])

    def configure(self, config: Configuration) -> None:
        """Do as section logging says.

        Raises:
            ConfigurationError: The log file cannot be written, or the format makes no sense.
        """
        form = config.text("logging", "format") or FORMAT
        dates = config.text("logging", "datefmt") or DATE_FORMAT
        try:
            formatter = logging.Formatter(form, dates)
            formatter.format(logging.makeLogRecord({}))
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(f"{config.where('logging', 'format')} makes no sense: {error}") from error
        for handler in self._handlers:
            handler.setFormatter(formatter)
        file = config.text("logging", "log_file")
        if not file:
            return
        try:
            os.makedirs(os.path.dirname(os.path.abspath(file)), exist_ok=True)
            handler = logging.FileHandler(file, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"{config.where('logging', 'log_file')}: {file} cannot be written: {error.strerror}"
            ) from error
        self._add(handler, form, dates)
        if self._level > logging.INFO:  # the file is told more than the terminal
            self._handlers[0].addFilter(self._for_terminal)
            self._root.setLevel(logging.INFO)

    def _for_terminal(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self._level or record.name == _STEPS.name

    def _add(self, handler: logging.Handler, form: str, dates: str) -> None:
        handler.setFormatter(logging.Formatter(form, dates))
        self._handlers.append(handler)
        self._root.addHandler(handler)
