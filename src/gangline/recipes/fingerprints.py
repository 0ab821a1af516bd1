"""What a task is made of, in a form that can be kept and compared: parameters, files, code.

A file is the same if its size and the time of its last change are, or, of a file that is not large, its content.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import inspect
import os
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from gangline.recipes.datamaps import DataMap

__all__ = ["Stamp", "Unsteady", "canonical", "code_of", "differing_files", "digest", "stamp", "texts_in"]

Stamp = list[Any]
"""Kind, size, time and digest; of a folder all that is in it counts."""

_HASHED_BYTES = 1024 * 1024
_ENTRIES_MAX = 20_000
_PATH_MAX = 4096
_TICK_NS = 2_000_000_000
"""No file system's clock goes in larger steps."""


class Unsteady(ValueError):
    """A value that cannot be compared with what it was in an earlier run."""


def canonical(value: Any) -> Any:
    """A value as JSON has it; equal for equal values, in every run.

    Raises:
        Unsteady: It holds something for which that cannot be done.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if value - value == 0 else repr(value)
        case bytes() | bytearray():
            return {"bytes": hashlib.sha256(value).hexdigest()}
        case enum.Enum():
            return canonical(value.value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case os.PathLike():
            return os.fspath(value)
        case Mapping():
            return {str(key): canonical(each) for key, each in value.items()}
        case DataMap():
            return [type(value).__name__, [canonical(each) for each in value.data]]
        case set() | frozenset():
            return sorted((canonical(each) for each in value), key=repr)
        case list() | tuple():
            return [canonical(each) for each in value]
    return _of_object(value)


def _of_object(value: Any) -> Any:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif isinstance(value, Iterable) and not isinstance(value, Iterator):
        return {"class": kind, "elements": [canonical(each) for each in value]}
    elif not callable(value) and not isinstance(value, Iterator) and getattr(value, "__dict__", None):
        parts = vars(value)
    else:
        raise Unsteady(f"{kind} {value!r}"[:200])
    return {"class": kind, **{name: canonical(each) for name, each in parts.items()}}


def digest(value: Any) -> str:
    """A short text that is the same for the same canonical value."""
    import json

    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a canonical value; keys are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


def stamp(path: str, *, folders: bool = True) -> Stamp | None:
    """What tells whether a file is still the same; None if there is none, or what is there is not looked at.

    Args:
        path: Its name.
        folders: Whether folders count.
    """
    if not path or len(path) > _PATH_MAX or "\0" in path or "\n" in path:
        return None
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    if os.path.isdir(path):
        return _stamp_of_folder(path) if folders else None
    if not os.path.isfile(path):
        return None
    content = ""
    if found.st_size <= _HASHED_BYTES:
        # A file that is changed twice within a tick of the file system's clock has the same time after both.
        recent = time.time_ns() - found.st_mtime_ns < _TICK_NS
        known = _hash if recent else _known_hash
        content = known(os.path.abspath(path), found.st_size, found.st_mtime_ns)
    return ["file", found.st_size, found.st_mtime_ns, content]


def _hash(path: str, size: int, mtime_ns: int) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()[:32]
    except OSError:
        return ""


_known_hash = lru_cache(maxsize=10_000)(_hash)


def _stamp_of_folder(path: str) -> Stamp:
    sizes, latest, count, names = 0, 0, 0, hashlib.sha256()
    for folder, inside, files in os.walk(path):
        inside.sort()
        for name in sorted(files):
            try:
                found = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            names.update(os.fsencode(os.path.join(os.path.relpath(folder, path), name)) + b"\0")
            sizes, latest, count = sizes + found.st_size, max(latest, found.st_mtime_ns), count + 1
            if count >= _ENTRIES_MAX:
                return ["folder", sizes, latest, names.hexdigest()[:32]]
    return ["folder", sizes, latest, names.hexdigest()[:32]]


def _same(one: Stamp | None, other: Stamp | None) -> bool:
    if one is None or other is None:
        return one is other
    if one == other:
        return True
    return one[0] == other[0] == "file" and bool(one[3]) and one[1] == other[1] and one[3] == other[3]


def differing_files(
    kept: Mapping[str, Stamp | None], also: Mapping[str, list[Stamp]] | None = None
) -> Iterator[tuple[str, str]]:
    """Which files are no longer as they were, and in words what has become of them.

    Args:
        kept: How they were, by name.
        also: How else they may be.
    """
    for path, before in kept.items():
        now = stamp(path)
        if _same(before, now) or any(_same(each, now) for each in (also or {}).get(path, ())):
            continue
        if now is None:
            yield path, f"{path} is gone"
        else:
            yield path, f"{path} is there now" if before is None else f"{path} has changed"


def code_of(recipe: type) -> dict[str, str]:
    """The files in which a recipe and the classes below it are written, each with a digest.

    Gangline itself, Python and what is installed with it do not count.
    """
    found: dict[str, str] = {}
    for cls in recipe.__mro__:
        if cls.__module__.partition(".")[0] in ("gangline", "builtins"):
            continue
        try:
            path = inspect.getsourcefile(cls)
        except (TypeError, OSError):
            continue
        if path is None or os.path.abspath(path).startswith(_installed()):
            continue
        if (text := stamp(path)) is not None:
            found[os.path.abspath(path)] = str(text[3] or text[:3])
    return found


def _installed() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({os.path.join(sysconfig.get_path(name), "") for name in names} - {os.path.join(sys.prefix, "")})
