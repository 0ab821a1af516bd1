"""What a job says while it runs, handed to this process's own loggers.

Rules:
    Called from the thread that reads from the host: it waits for nobody but the user's log handlers.
    What arrives may be anything; only what has the form that it should is taken.
    All of it is bounded, however much the job writes: nothing is kept but the last lines, the outputs and the verdict.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from gangline.recipes.records import BLANK, BadRecord, clock_fields, from_json, node_name
from gangline.recipes.sending import MARK

__all__ = ["JobVoice", "Verdict", "VerdictKind", "is_handing_over"]

VerdictKind = Literal["ok", "exit", "raised", "bad_value", "bad_outputs"]
_KINDS: frozenset[str] = frozenset(get_args(VerdictKind))

_LEVELS = {"stdout": (logging.INFO, "INFO"), "stderr": (logging.WARNING, "WARNING")}
_LAST_LINES = 50
_LAST_LINE_CHARS = 1_000
_LINE_MAX = 65_536
_VERDICT_MAX = 10_000
_LOGGERS_MAX = 256
"""So many loggers one job may have here: they stay for as long as this process."""

_threads = threading.local()


def is_handing_over() -> bool:
    """Whether this thread is just giving a record to log handlers, so that nothing comes in from its host."""
    return getattr(_threads, "handing_over", False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a node script says of its own end.

    Attributes:
        kind: "ok": `run` gave an exit status; "exit": it called `sys.exit` with a text; "raised"; "bad_value": it
            returned what is no exit status; "bad_outputs": they could not be written as JSON.
        message: In words.
    """

    kind: VerdictKind
    message: str


class JobVoice:
    """Listens to one job.

    A line that it prints becomes a record of the logger `node.HOST.COMMAND`, at INFO from standard output and at
    WARNING from standard error; empty lines do not. A record of a node script goes to the logger of the same name here,
    below `node.HOST`. Every record has the attributes `host`, `job` and `stream`: "stdout", "stderr" or "log".

    Args:
        host: Where the job runs.
        job: Its number.
        command: What its command is called.
        token: What begins, after a mark, those lines of its standard error that are messages.

    Attributes:
        host: Where the job runs.
        outputs: What the node script has handed back.
        verdict: What it says of its own end; None if it has not said anything.
        started_at: When it was started the last time, monotonic seconds; None before, and while it waits in the queue
            of a scheduler for another attempt.
    """

    def __init__(self, host: str, job: int, command: str, token: str) -> None:
        self.outputs: dict[str, Any] = {}
        self.verdict: Verdict | None = None
        self.started_at: float | None = None
        self._job = job
        self._command = command
        self._mark = f"{MARK} {token} "
        self._be_on(host)
        self._tails: dict[str, deque[str]] = {stream: deque(maxlen=_LAST_LINES) for stream in _LEVELS}
        self._both: deque[str] = deque(maxlen=_LAST_LINES)
        self._complained = False
        self._handler_failed = False

    @property
    def stderr_tail(self) -> list[str]:
        """The last lines of standard error."""
        return list(self._tails["stderr"])

    @property
    def tail(self) -> str:
        """The last lines of what it has written and logged."""
        return "\n".join(self._both)

    def _be_on(self, host: str) -> None:
        self.host = host
        self._home = logging.getLogger(node_name(host))
        self._name = f"{node_name(host)}.{self._command}"
        self._own = logging.getLogger(self._name)
        self._loggers: dict[str, logging.Logger] = {}

    # What the connection calls ----------------------------------------------------------------------------------

    def on_host(self, host: str) -> None:
        """A scheduler has chosen where the job runs."""
        if host != self.host:
            self._be_on(host)

    def on_start(self) -> None:
        """The job has been started: what an earlier attempt has said does not count."""
        self.started_at = time.monotonic()
        self._begin()
        for tail in (*self._tails.values(), self._both):
            tail.clear()

    def on_end(self) -> None:
        """An attempt is over; a scheduler may have the next one wait."""
        self.started_at = None

    def on_line(self, stream: Literal["stdout", "stderr"], line: str) -> None:
        """The job has written a line."""
        if "\x1e" in line:
            line, mark, message = line.partition(self._mark)
            if mark:
                self._take_text(message)
        if not line or line.isspace():
            return
        line = line.rstrip("\r")
        last = line if len(line) <= _LAST_LINE_CHARS else line[:_LAST_LINE_CHARS] + "…"
        self._tails[stream].append(last)
        self._both.append(last)
        level, level_name = _LEVELS[stream]
        if self._own.isEnabledFor(level):
            self._hand_over(self._own, self._record_of_line(stream, line, level, level_name))

    def on_message(self, message: Mapping[str, Any]) -> None:
        """The job has sent a message."""
        for kind, value in message.items():
            if kind == "log":
                self._take_record(value)
            elif kind == "outputs" and isinstance(value, dict):
                self.outputs = value
            elif kind == "verdict" and isinstance(value, dict):
                self._take_verdict(value)
            elif kind == "begin":
                self._begin()
            else:
                self._complain(f"it sent a message that is unknown: {str(kind)[:100]!r}")

    # Messages ---------------------------------------------------------------------------------------------------

    def _take_text(self, text: str) -> None:
        """A message has come over standard error."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            self.on_message(message)
        else:
            self._complain("a message that came over standard error was damaged")

    def _begin(self) -> None:
        """It is a new attempt: what an earlier one has said does not count."""
        self.outputs = {}
        self.verdict = None

    def _take_verdict(self, value: Mapping[str, Any]) -> None:
        kind, message = value.get("kind"), value.get("message")
        if isinstance(kind, str) and kind in _KINDS and isinstance(message, str):
            self.verdict = Verdict(cast(VerdictKind, kind), message[:_VERDICT_MAX])
        else:
            self._complain("it sent a verdict that is unknown")

    def _take_record(self, fields: object) -> None:
        try:
            record = from_json(fields, self.host)
        except BadRecord as exc:
            self._complain(f"it sent what is no log record: {exc}")
            return
        self._keep(record)
        logger = self._logger(record.name)
        if logger.isEnabledFor(record.levelno):
            record.__dict__["job"] = self._job
            record.__dict__["stream"] = "log"
            self._hand_over(logger, record)

    def _keep(self, record: logging.LogRecord) -> None:
        """Its text is part of what the job has said last."""
        text = f"{record.levelname} {record.msg}"
        if record.exc_text:
            text += f"\n{record.exc_text}"
        for line in text.splitlines()[-_LAST_LINES:] if "\n" in text else (text,):
            self._both.append(line if len(line) <= _LAST_LINE_CHARS else line[:_LAST_LINE_CHARS] + "…")

    def _logger(self, name: str) -> logging.Logger:
        logger = self._loggers.get(name)
        if logger is None:
            if len(self._loggers) >= _LOGGERS_MAX:
                return self._home
            logger = self._loggers[name] = logging.getLogger(name)
        return logger

    # Records ----------------------------------------------------------------------------------------------------

    def _record_of_line(self, stream: str, line: str, level: int, level_name: str) -> logging.LogRecord:
        text = line if len(line) <= _LINE_MAX else f"{line[:_LINE_MAX]}…"
        record = logging.LogRecord.__new__(logging.LogRecord)
        record.__dict__ = {
            **BLANK,
            **clock_fields(time.time()),
            "name": self._name,
            "msg": text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8"),
            "levelno": level,
            "levelname": level_name,
            "host": self.host,
            "job": self._job,
            "stream": stream,
        }
        return record

    def _hand_over(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        _threads.handing_over = True
        try:
            logger.handle(record)
        except Exception:  # filters and handlers are the user's; the others are to hear what follows
            if not self._handler_failed and logging.raiseExceptions:
                self._handler_failed = True
                traceback.print_exc(file=sys.stderr)
        finally:
            _threads.handing_over = False

    def _complain(self, what: str) -> None:
        """Say once that something is wrong with what the job sends."""
        if not self._complained:
            self._complained = True
            self._own.warning("%s (more of this kind is not reported)", what, extra=self._origin())

    def _origin(self) -> dict[str, Any]:
        return {"host": self.host, "job": self._job, "stream": "log"}
