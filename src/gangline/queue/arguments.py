"""Arguments of jobs: what JSON can say, checked when a job is entered."""

from __future__ import annotations

import json
import json.encoder
import math
from collections.abc import Callable, Mapping
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from gangline.errors import UsageError

__all__ = ["ARGUMENTS_MOST_BYTES", "digests_of", "encode"]

ARGUMENTS_MOST_BYTES = 16 * 2**20
_DEEPEST = 100

_encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode
_KEY = itemgetter(0)
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_quoted = json.encoder.encode_basestring


def encode(args: Mapping[str, Any], where: str, noun: str = "the argument") -> str:
    """Arguments as JSON: keys sorted, so that equal arguments give equal texts. Tuples become arrays.

    Args:
        args: By name.
        where: Whose they are; the beginning of the message.
        noun: What one of them is called.

    Raises:
        UsageError: JSON cannot say it, or it is too much; names the argument, and the place in it.
    """
    if type(args) is not dict and not isinstance(args, Mapping):
        raise UsageError(f"{where}: the arguments of a job are a dict, not {args!r:.100}")
    try:
        text = _encode_simple(args) or _encode_any(args, where, noun)
    except TypeError as error:  # names that cannot be sorted
        raise UsageError(f"{where}: arguments are given by name, as a dict with texts as keys") from error
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        # Whole numbers of thousands of digits.
        raise UsageError(f"{where}: {noun}s are no JSON: {error}") from error
    if len(text) > ARGUMENTS_MOST_BYTES // 4 and (size := len(text.encode())) > ARGUMENTS_MOST_BYTES:
        raise UsageError(
            f"{where}: the arguments are {size / 2**20:.0f} MiB of JSON, and may be {ARGUMENTS_MOST_BYTES >> 20}; give "
            "the name of a file, or put the data into the queue's store (queue.store.set(key, data)) and give the key"
        )
    return text


def _encode_simple(args: Mapping[str, Any]) -> str:
    """Whole numbers and plain texts: the usual case, for which the general way is slow. Empty if it is not that."""
    parts = []
    for key, value in sorted(args.items(), key=_KEY) if len(args) > 1 else args.items():
        kind = type(value)
        if type(key) is not str or not key.isprintable():
            return ""
        if kind is int:
            parts.append(f"{_quoted(key)}:{value}")
        elif kind is str and value.isprintable():
            parts.append(f"{_quoted(key)}:{_quoted(value)}")
        else:
            return ""
    return f"{{{','.join(parts)}}}"


def _encode_any(args: Mapping[str, Any], where: str, noun: str) -> str:
    for key, value in args.items():
        if not isinstance(key, str):
            raise UsageError(f"{where}: {noun} {key!r} has no name; arguments are given by name")
        _check_text(key, f"{key!r}, in its name,", f"{where}: {noun}")
        _check(value, key, f"{where}: {noun}", 0)
    return _encode(dict(args))


def digests_of(name: str) -> Callable[[str], bytes]:
    """What is the same for jobs of the same class with the same arguments: from the arguments as `encode` gives them.

    Jobs that are entered together mostly differ by a number. What begins with the class and that number lies side by
    side in an index, and a database writes there twice as fast as where each digest lies anywhere.

    Args:
        name: The class, "module.Class".
    """
    of_class = blake2b(f"{name}\0".encode(), digest_size=12)
    place = of_class.digest()[:2]

    def digest(args: str) -> bytes:
        text = args.encode()
        both = of_class.copy()
        both.update(text)
        return place + int(b"0" + text.translate(None, _NO_DIGITS)[-14:]).to_bytes(6) + both.digest()

    return digest


def _check(value: Any, place: str, where: str, depth: int) -> None:
    match value:
        case None | int():
            pass
        case str():
            _check_text(value, place, where)
        case float():
            if not math.isfinite(value):
                raise UsageError(f"{where} {place} is {value}, which JSON cannot say")
        case list() | tuple():
            _check_depth(depth, place, where)
            for number, one in enumerate(value):
                _check(one, f"{place}[{number}]", where, depth + 1)
        case dict():
            _check_depth(depth, place, where)
            for key, one in value.items():
                if not isinstance(key, str):
                    raise UsageError(f"{where} {place} has the key {key!r}, and JSON knows only text as keys")
                _check_text(key, f"{place}, its key {key!r},", where)
                _check(one, f"{place}.{key}", where, depth + 1)
        case _:
            _refuse(value, place, where)


def _check_text(value: str, place: str, where: str) -> None:
    if "\0" in value:
        raise UsageError(f"{where} {place} contains the character NUL, which databases cannot keep")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{where} {place} contains half a character (a lone surrogate), which is no text; if it is the name of "
            "a file, give os.fsencode(name).hex()"
        ) from None


def _check_depth(depth: int, place: str, where: str) -> None:
    if depth >= _DEEPEST:
        raise UsageError(f"{where} {place[:60]}... is nested more than {_DEEPEST} levels deep, or contains itself")


def _refuse(value: Any, place: str, where: str) -> None:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    advice = _ADVICE.get(
        name.rpartition(".")[2], "jobs get numbers, texts, True, False, None, and lists and dicts of them"
    )
    raise UsageError(f"{where} {place} is a {name}, which is no JSON; {advice}")


_ADVICE = {
    "datetime": "give its isoformat()",
    "date": "give its isoformat()",
    "PosixPath": "give str(path)",
    "bytes": "give its hex(), or the name of a file",
    "set": "give a sorted list",
    "frozenset": "give a sorted list",
    "ndarray": "give its tolist(), or the name of a file",
    "DataFrame": "give the name of a file",
    "float64": "give float(...) of it",
    "int64": "give int(...) of it",
    "Decimal": "give str(...) of it",
    "UUID": "give str(...) of it",
    "function": "a job's class says what is done",
    "type": "give its name",
}
