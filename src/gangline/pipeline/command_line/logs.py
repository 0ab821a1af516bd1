"""What a pipeline program logs: to a file, to standard error, or nowhere."""

from __future__ import annotations

import logging
import sys
from typing import Any

from gangline.pipeline.command_line.levels import MESSAGE
from gangline.pipeline.proxy_logger import LoggerProxy, MutexProxy, make_shared_logger_and_proxy

__all__ = ["setup_logging", "setup_logging_factory"]


def setup_logging(module_name: str, log_file_name: str | None, verbose: Any) -> tuple[LoggerProxy, MutexProxy]:
    """A logger for the jobs of a pipeline, whichever process they run in, and a lock that they share.

    What is logged at level INFO goes to the log file, and to standard error where there is none; levels from WARNING on
    and `MESSAGE` go to both; DEBUG goes to standard error.

    Args:
        module_name: The logger's name.
        log_file_name: Where to write, or None.
        verbose: Whether to write to standard error as well: any value of `--verbose` but none.
    """
    return make_shared_logger_and_proxy(setup_logging_factory, module_name, [log_file_name, verbose])


def setup_logging_factory(logger_name: str, args: Any) -> logging.Logger:
    """The logger of `setup_logging` itself.

    Args:
        logger_name: Its name.
        args: The name of the log file, or None, and the verbosity.
    """
    log_file_name, verbose = args
    logger = logging.Logger(logger_name, logging.DEBUG)  # noqa: LOG001  # not of the program's tree: see proxy_logger
    if log_file_name:
        handler = logging.FileHandler(log_file_name)
        handler.setFormatter(_DatedFormatter())
        handler.setLevel(MESSAGE)
        logger.addHandler(handler)
    if verbose:
        shown = logging.StreamHandler(sys.stderr)
        shown.setFormatter(logging.Formatter("    %(message)s"))
        if log_file_name:
            shown.addFilter(lambda record: record.levelno != logging.INFO)
        logger.addHandler(shown)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger


class _DatedFormatter(logging.Formatter):
    """The time of day in each line, and the day above the first."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s - %(name)s - %(levelname)6s - %(message)s", "%H:%M:%S")
        self._dated = False

    def format(self, record: logging.LogRecord) -> str:
        """One line; the first one comes with a heading."""
        heading = "" if self._dated else f"\n{self.formatTime(record, '%Y-%m-%d')} {record.name}\n"
        self._dated = True
        return heading + super().format(record)
