"""Log records on their way from a node script to its recipe: as JSON, and back.

Rules:
    Both sides bound what they handle: texts, numbers of attributes, the size of a line.
    What arrives is only believed if it has the type and size that it should; nothing of it is evaluated or formatted.
    A node script imports this before it does anything: it needs nothing but `logging` and `json`.
"""

from __future__ import annotations

import json
import logging
import time
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would take a fifth of the time that is left to a node script's start
    from typing import Any

__all__ = [
    "BLANK",
    "LINE_MAX_BYTES",
    "BadRecord",
    "clock_fields",
    "encode",
    "from_json",
    "name_at_home",
    "node_name",
    "to_json",
    "to_line",
]

LINE_MAX_BYTES = 1_000_000
"""So long a line of the log channel may be."""

_TEXT_MAX = 65_536
_SHORT_TEXT_MAX = 4_096
_NAME_MAX = 200
_EXTRAS_MAX = 64
_INT_MAX = 2**63
_LAST_AT = 253_402_300_800.0
"""The year 10000, with which clocks cannot do anything."""

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_RESERVED = _STANDARD | {"host", "job", "stream"}

encode = json.JSONEncoder(separators=(",", ":")).encode
"""A value as one line of ASCII; it raises what `json.dumps` raises."""

BLANK: dict[str, Any] = {
    **logging.makeLogRecord({}).__dict__,
    **dict.fromkeys(("args", "process", "processName", "thread", "threadName", "funcName"), None),
    "lineno": 0,
    **dict.fromkeys(("pathname", "filename", "module"), ""),
}
"""What a record has of which nothing is known yet."""

_STARTED_AT = time.time()
_formatter = logging.Formatter()


class BadRecord(ValueError):
    """What arrived is no log record; the message says why."""


def node_name(host: str) -> str:
    """What the loggers of all that runs on a host begin with, as the master sees them."""
    return f"node.{host or 'localhost'}"


@lru_cache(maxsize=512)
def name_at_home(name: str, host: str) -> str:
    """How a logger of a process on that host is called at its master."""
    home = node_name(host)
    if name == home or name.startswith(home + "."):
        return name
    return f"{home}.{name}"


# On the node ----------------------------------------------------------------------------------------------------


def to_line(record: logging.LogRecord) -> bytes:
    """The record as one line of the log channel."""
    line = encode({"log": to_json(record)})
    if len(line) >= LINE_MAX_BYTES:
        line = encode({"log": {**to_json(record, _SHORT_TEXT_MAX), "extra": {"extra_left_out": True}}})
    return line.encode("ascii") + b"\n"


def to_json(record: logging.LogRecord, text_max: int = _TEXT_MAX) -> dict[str, Any]:
    """The record with its message formatted, as a value that JSON can express.

    Args:
        record: Any record; what its message, arguments and attributes are is the user's.
        text_max: Longer texts lose their middle; in characters.
    """
    of_record = record.__dict__
    fields: dict[str, Any] = {
        "name": _cut(str(record.name), _NAME_MAX),
        "levelno": record.levelno,
        "levelname": record.levelname,
        "msg": _cut(_message(record), text_max),
        "created": record.created,
        "pathname": record.pathname,
        "lineno": record.lineno,
        "funcName": record.funcName,
        "process": record.process,
        "processName": record.processName,
        "thread": record.thread,
        "threadName": record.threadName,
    }
    if record.exc_text or record.exc_info:
        fields["exc_text"] = _cut(record.exc_text or _exception_text(record), text_max)
    if record.stack_info:
        fields["stack_info"] = _cut(str(record.stack_info), text_max)
    if own := of_record.keys() - _STANDARD:
        extra = {key: _plain(of_record[key]) for key in sorted(own)[:_EXTRAS_MAX] if not key.startswith("_")}
        if extra:
            fields["extra"] = extra
    return fields


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as exc:  # the message and its arguments are the user's
        return f"{_repr(record.msg)} with {_repr(record.args)} (cannot be put together: {_repr(exc)})"


def _exception_text(record: logging.LogRecord) -> str:
    try:
        return _formatter.formatException(record.exc_info)  # type: ignore[arg-type]  # what is no such tuple raises
    except Exception as exc:  # the exception may be the user's, too
        return f"(the traceback cannot be shown: {type(exc).__name__})"


def _plain(value: object) -> Any:
    """An attribute that the user has added, as a value that JSON can express."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, str):
        return _cut(value, _SHORT_TEXT_MAX)
    if isinstance(value, int) and -_INT_MAX < value < _INT_MAX:
        return value
    if isinstance(value, (dict, list, tuple)):
        try:
            if len(encode(value)) <= _SHORT_TEXT_MAX:
                return value
        except (TypeError, ValueError, RecursionError):
            return _repr(value)
    return _repr(value)


def _repr(value: object) -> str:
    try:
        return _cut(repr(value), _SHORT_TEXT_MAX)
    except Exception as exc:  # it is the user's
        return f"<{type(value).__name__} that cannot be shown: {type(exc).__name__}>"


def _cut(text: str, most: int) -> str:
    """The text; if it is too long, its beginning and its end."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}… ({len(text) - 2 * half} characters left out) …{text[-half:]}"


# At the master --------------------------------------------------------------------------------------------------


def from_json(fields: object, host: str) -> logging.LogRecord:
    """The record that was sent, under the name that its logger has at the master.

    Args:
        fields: What arrived, from whomever.
        host: Where it comes from.

    Raises:
        BadRecord: It has no name, level or message, or not of the type that they should have.
    """
    if not isinstance(fields, dict):
        raise BadRecord(f"a record is an object, not {type(fields).__name__}")
    name, levelno, message = fields.get("name"), fields.get("levelno"), fields.get("msg")
    if not isinstance(name, str) or not name or len(name) > 2 * _NAME_MAX or not name.isprintable():
        raise BadRecord("a record needs the name of a logger")
    if type(levelno) is not int or not 0 <= levelno <= 1_000_000:
        raise BadRecord("a record needs a level from 0 to 1000000")
    if not isinstance(message, str):
        raise BadRecord("a record needs a text")
    created = fields.get("created")
    if not isinstance(created, (int, float)) or not 0.0 <= created < _LAST_AT:
        created = time.time()
    record = logging.LogRecord.__new__(logging.LogRecord)  # its __init__ would look up what does not hold for the node
    here = record.__dict__ = BLANK.copy()
    if extra := fields.get("extra"):
        here.update(_extras(extra))
    here.update(_place(fields.get("pathname")))
    here["name"] = name_at_home(name, host)
    here["msg"] = _clean(message)
    here["levelno"] = levelno
    here["levelname"] = logging.getLevelName(levelno)
    here.update(clock_fields(created))
    for key in _NUMBERS:
        value = fields.get(key)
        if isinstance(value, int) and -_INT_MAX < value < _INT_MAX:
            here[key] = value
    for key in _TEXTS:
        value = fields.get(key)
        if isinstance(value, str):
            here[key] = _clean(value)
    here["host"] = host
    return record


def clock_fields(created: float) -> dict[str, float]:
    """When it was logged, in the three ways that formatters know."""
    return {
        "created": float(created),
        "msecs": float(int(created % 1.0 * 1000.0)),
        "relativeCreated": (created - _STARTED_AT) * 1000.0,
    }


_NUMBERS = ("lineno", "process", "thread")
_TEXTS = ("levelname", "funcName", "processName", "threadName", "exc_text", "stack_info")


@lru_cache(maxsize=256)
def _place_of(pathname: str) -> dict[str, str]:
    pathname = _clean(pathname)
    filename = pathname.rpartition("/")[2]
    return {"pathname": pathname, "filename": filename, "module": filename.rpartition(".")[0] or filename}


def _place(pathname: object) -> dict[str, str]:
    """The file in which it was logged, in the three ways that formatters know."""
    return _place_of(pathname[:_SHORT_TEXT_MAX] if isinstance(pathname, str) else "")


def _clean(text: str) -> str:
    """A text that every file can take, and not too long."""
    if len(text) > 2 * _TEXT_MAX:  # what was cut when it was sent is a little longer than the limit
        text = _cut(text, _TEXT_MAX)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _extras(extra: object) -> dict[str, Any]:
    """What the user has added to the record."""
    if not isinstance(extra, dict):
        return {}
    return {
        key: _clean(value) if isinstance(value, str) else value
        for key, value in list(extra.items())[:_EXTRAS_MAX]
        if len(key) <= _NAME_MAX and key.isidentifier() and not key.startswith("_") and key not in _RESERVED
    }
