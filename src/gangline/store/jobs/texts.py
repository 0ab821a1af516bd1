"""What may stand in the text fields of a queue."""

from __future__ import annotations

import json
import re
from typing import Any

from gangline.errors import UsageError

__all__ = ["MESSAGE_LIMIT", "clean", "clean_error", "key", "strict_json"]

MESSAGE_LIMIT = 64 * 1024
"""Characters of a message that are kept."""
ERROR_LIMIT = 1024 * 1024
"""The same of an error; its end is what counts."""

_KEY_LIMIT = 1024
_UNKEPT = re.compile("[\0\ud800-\udfff]")


def clean(text: str, limit: int | None = None) -> str:
    """The text as every database can keep it: no NUL, no half of a surrogate pair, not too long."""
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}… ({len(text):,} characters)"
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return _UNKEPT.sub("\ufffd", text)


def clean_error(text: str) -> str:
    """The same for a traceback, of which the end is kept."""
    if len(text) > ERROR_LIMIT:
        text = f"({len(text):,} characters) …{text[-ERROR_LIMIT:]}"
    return clean(text)


def key(text: str, what: str) -> str:
    """The text, if it can be a name.

    Raises:
        UsageError: It is empty, too long, or holds characters that cannot be kept.
    """
    if not isinstance(text, str) or not text or len(text) > _KEY_LIMIT or clean(text) != text:
        raise UsageError(f"{text!r:.100} cannot be {what}: it takes 1 to {_KEY_LIMIT} characters, no NUL among them")
    return text


def strict_json(value: Any, what: str) -> str:
    """The value as JSON that both databases read.

    Raises:
        UsageError: It is not JSON (a set, NaN, …); says why.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{what} cannot be kept as JSON: {error}") from error
