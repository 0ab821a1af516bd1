"""Programs that crash now and then, tried again; and what programs write, logged."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import IO

__all__ = ["catch_segfaults", "log_process_output"]

_SEGFAULTS = (-signal.SIGSEGV, 128 + signal.SIGSEGV)
"""Of the program, and of a program that a shell has run."""

_LAST_LINES = 20
_LAST_WORDS_S = 1.0
"""So long is listened to those whom the program has left behind with its output."""

_GRACE_S = 2.0


def log_process_output(
    process_name: str, sout: str | bytes | None, serr: str | bytes | None, logger: logging.Logger
) -> None:
    """Log what a program has written, line by line.

    Args:
        process_name: Comes before each line.
        sout: Its standard output, logged at INFO.
        serr: Its standard error, logged at WARNING.
        logger: Where.
    """
    for level, stream, text in ((logging.INFO, "stdout", sout), (logging.WARNING, "stderr", serr)):
        if isinstance(text, bytes):
            text = text.decode("utf-8", "backslashreplace")
        for line in (text or "").split("\n"):
            _log_line(logger, level, process_name, stream, line)


def catch_segfaults(
    cmd: str | Sequence[str | os.PathLike[str]],
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str] | None,
    logger: logging.Logger,
    max: int = 1,
    cleanup: Callable[[], object] | None = None,
) -> subprocess.Popen[str]:
    """Run a program, and run it again if it is ended by a segmentation fault.

    What it writes is logged while it runs, as by `log_process_output`.

    Args:
        cmd: The program and its arguments; a text is taken apart as a shell would, but there is no shell.
        cwd: The folder to run in; None: the current one.
        env: Its environment, all of it; None: as this process's.
        logger: Who hears of it.
        max: How often it is run again.
        cleanup: Called before each time that it is run again.

    Returns:
        The process, which has ended with exit code 0.

    Raises:
        CalledProcessError: It ended in another way, or has crashed once more than `max` times. `stderr` has its last
            lines.
        OSError: It cannot be started.
    """
    words = shlex.split(cmd) if isinstance(cmd, str) else [os.fspath(word) for word in cmd]
    name = os.path.basename(words[0])
    for left in range(max, -1, -1):
        logger.debug("Running: %s", shlex.join(words))
        process, last = _run(words, cwd, env, logger, name)
        if process.returncode == 0:
            return process
        if process.returncode not in _SEGFAULTS:
            break
        logger.error("%s ended with a segmentation fault", name)
        if left:
            if cleanup is not None:
                cleanup()
            logger.warning("running %s again; %d more after this", name, left - 1)
    if process.returncode in _SEGFAULTS:
        logger.error("too many segmentation faults of %s: giving up", name)
    raise subprocess.CalledProcessError(process.returncode, words, stderr="\n".join(last))


def _run(
    words: list[str],
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str] | None,
    logger: logging.Logger,
    name: str,
) -> tuple[subprocess.Popen[str], deque[str]]:
    """The process after its end, and the last lines of its standard error."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
    )
    assert process.stdout is not None
    assert process.stderr is not None

    def hear(line: str) -> None:
        _log_line(logger, logging.INFO, name, "stdout", line)

    def hear_trouble(line: str) -> None:
        last.append(line)
        _log_line(logger, logging.WARNING, name, "stderr", line)

    listeners = [_listen(process.stdout, hear), _listen(process.stderr, hear_trouble)]
    try:
        process.wait()
    except BaseException:
        _end(process)
        raise
    patience_ends = time.monotonic() + _LAST_WORDS_S
    for listener in listeners:
        listener.join(max(patience_ends - time.monotonic(), 0.0))
    return process, last


def _listen(stream: IO[str], hear: Callable[[str], None]) -> threading.Thread:
    def listen() -> None:
        with stream:
            for line in stream:
                hear(line.rstrip("\n"))

    thread = threading.Thread(target=listen, name="program output", daemon=True)
    thread.start()
    return thread


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _log_line(logger: logging.Logger, level: int, process_name: str, stream: str, line: str) -> None:
    line = line.rstrip()
    if line:
        logger.log(level, "%s %s: %s", process_name, stream, line)
