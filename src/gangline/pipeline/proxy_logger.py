"""One logger for all jobs of a pipeline, whichever process they run in, and a lock to write several lines in a row."""

from __future__ import annotations

import logging
import logging.config
import logging.handlers
from collections.abc import Callable, Mapping
from typing import Any

from gangline.errors import UsageError
from gangline.pipeline.sharing.proxies import LoggerProxy, MutexProxy, share

__all__ = ["LoggerProxy", "MutexProxy", "make_shared_logger_and_proxy", "setup_std_shared_logger"]

_MAX_BYTES = 100_000
_BACKUP_COUNT = 5


def make_shared_logger_and_proxy(
    logger_factory: Callable[[str, Any], Any], logger_name: str, args: Any
) -> tuple[LoggerProxy, MutexProxy]:
    """A logger that jobs in all processes can write to, and a lock that they share.

    The logger itself lives in this process. Both may be passed to jobs; what they write travels over a connection that
    only processes of this program can open. Nothing listens before the first of them is sent to another process.

    Args:
        logger_factory: Makes the logger, as `setup_std_shared_logger` does: called with the name and `args`.
        logger_name: The logger's name.
        args: For the factory.

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "pipeline.log")
        >>> args = {"file_name": path, "formatter": "%(levelname)s %(message)s"}
        >>> logger, mutex = make_shared_logger_and_proxy(setup_std_shared_logger, "my_logger", args)
        >>> with mutex:
        ...     logger.warning("two lines that")
        ...     logger.warning("stay together")
        >>> print(open(path).read(), end="")
        WARNING two lines that
        WARNING stay together
    """
    return share(logger_factory(logger_name, args), logger_name)


def setup_std_shared_logger(logger_name: str, args: Mapping[str, Any]) -> logging.Logger:
    """A logger that writes to a file.

    Args:
        logger_name: Its name.
        args: `file_name`, where it writes; `level`, below which it writes nothing; `formatter`, the format of its
            lines; `delay`, if there, makes the file with the first line only; `rotating`, if there, begins a new file
            after `maxBytes` (100,000) and keeps `backupCount` (5) old ones. Or `config_file`, which says it all in
            the format of `logging.config.fileConfig`.

    Raises:
        UsageError: There is neither `file_name` nor `config_file`.
    """
    if "config_file" in args:
        logging.config.fileConfig(args["config_file"], disable_existing_loggers=False)
        logger = logging.getLogger(logger_name)
    else:
        # A logger of its own, not one of the program's tree: nothing that it is given is written twice.
        logger = logging.Logger(logger_name, logging.WARNING)  # noqa: LOG001
        logger.addHandler(_file_handler(args))
    if "level" in args:
        logger.setLevel(args["level"])
    return logger


def _file_handler(args: Mapping[str, Any]) -> logging.Handler:
    if "file_name" not in args:
        raise UsageError("Missing file name for log. Remember to set 'file_name'")
    handler: logging.FileHandler
    if "rotating" in args:
        handler = logging.handlers.RotatingFileHandler(
            args["file_name"],
            maxBytes=args.get("maxBytes", _MAX_BYTES),
            backupCount=args.get("backupCount", _BACKUP_COUNT),
            delay="delay" in args,
        )
    else:
        handler = logging.FileHandler(args["file_name"], delay="delay" in args)
    if "formatter" in args:
        handler.setFormatter(logging.Formatter(args["formatter"]))
    return handler
