"""Files of parameters as LOFAR's programs read them: a key, an equals sign, a value; one a line.

A value may be quoted, may be a vector in square brackets, and may go on in the next line after a backslash or an open
bracket. ``#`` outside of quotes begins a comment. What is not quoted can be short for more: ``node001..9`` are nine
names, and so are ``node[001..009]``; ``3*name`` is a name three times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gangline.errors import UsageError

__all__ = ["FILE_BYTES_MAX", "Entry", "ParameterError", "expand", "parse_parameters", "read_text", "split", "unquoted"]

FILE_BYTES_MAX = 16 * 1024 * 1024
"""Larger files are not read: nobody has written them by hand."""

EXPANDED_MAX = 100_000
"""So many values one short form may stand for."""

_SHORT_FORM_MAX = 1000
"""Longer values, in letters, are no short forms."""

_KEY = re.compile(r"[^\s=#'\"\[\]+?]+")
_GROUP = re.compile(r"(?P<before>[^\[{]*)(?P<open>[\[{])(?P<inner>[^\[\]{}]*)[\]}](?P<after>.*)")
_RANGE = re.compile(r"(?P<before>.*?)(?P<first>[0-9]{1,18})\.\.(?P<again>.*?)(?P<last>[0-9]{1,18})(?P<after>[^0-9].*)?")
_TIMES = re.compile(r"(?P<count>[0-9]{1,18})\s*\*\s*(?P<what>.+)", re.DOTALL)
_CLOSING = {"[": "]", "(": ")", "{": "}"}


class ParameterError(UsageError):
    """A file of parameters, or a value in it, makes no sense; the message names file, line and key."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One parameter: its value as it is written, and the line where it stands, from 1."""

    key: str
    value: str
    line: int


def read_text(path: Path) -> str:
    """The text of a file of moderate size.

    Raises:
        ParameterError: It cannot be read, is too large, or is no text.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > FILE_BYTES_MAX:
        raise ParameterError(f"{path} is larger than {FILE_BYTES_MAX // 2**20} MiB and is not read")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ParameterError(f"{path}, line {line}: the file is no text in UTF-8") from error


def parse_parameters(text: str, name: str) -> dict[str, Entry]:
    """The parameters of a text, by key, in its order.

    Args:
        text: What the file contains.
        name: What it is called in messages.

    Raises:
        ParameterError: A line is no parameter, a key comes twice, or a quote or bracket is not closed.
    """
    entries: dict[str, Entry] = {}
    for line, statement in _statements(text, name):
        key, equals, value = statement.partition("=")
        key, value = key.strip(), value.strip()
        if not equals:
            raise ParameterError(f"{name}, line {line}: {_shown(statement)} is no parameter; one is: key = value")
        if not _KEY.fullmatch(key):
            raise ParameterError(f"{name}, line {line}: {_shown(key)} cannot be the key of a parameter")
        if key in entries:
            raise ParameterError(f"{name}, line {line}: {key} is there already, in line {entries[key].line}")
        entries[key] = Entry(key, value, line)
    return entries


def _statements(text: str, name: str) -> Iterator[tuple[int, str]]:
    """Without comments, each on one line, with the number of its first line."""
    begun, parts, depth = 0, [""], 0
    for number, raw in enumerate(text.splitlines(), 1):
        line, nesting = _without_comment(raw, name, number)
        depth += nesting
        if depth < 0:
            raise ParameterError(f"{name}, line {number}: a bracket is closed that was not opened")
        goes_on = line.endswith("\\")
        begun = begun or number
        parts.append(line.removesuffix("\\").strip())
        if goes_on or depth:
            continue
        if statement := " ".join(filter(None, parts)):
            yield begun, statement
        begun, parts = 0, [""]
    if depth:
        raise ParameterError(f"{name}, line {begun}: a bracket is opened that is never closed")
    if statement := " ".join(filter(None, parts)):
        yield begun, statement


def _without_comment(raw: str, name: str, number: int) -> tuple[str, int]:
    """The line up to its comment, and how many more brackets it opens than it closes."""
    quote, depth = "", 0
    for at, letter in enumerate(raw):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and not _is_apostrophe(raw, at):
            quote = letter
        elif letter == "#":
            return raw[:at].rstrip(), depth
        elif letter in "[]":
            depth += 1 if letter == "[" else -1
    if quote:
        raise ParameterError(f"{name}, line {number}: the quote {quote} is not closed")
    return raw.rstrip(), depth


def _is_apostrophe(text: str, at: int) -> bool:
    """Whether a quote stands within a word: nobody quotes there."""
    return text[at] == "'" and at > 0 and text[at - 1].isalnum()


def unquoted(text: str) -> str:
    """A value without the quotes around it."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        return text[1:-1]
    return text


def split(text: str) -> list[str]:
    """The elements of a vector as they are written; of another value, the value.

    Raises:
        ParameterError: A bracket or quote is not closed.
    """
    text = text.strip()
    if not text.startswith("["):
        return [text] if text else []
    if not text.endswith("]"):
        raise ParameterError(f"the vector {_shown(text)} is not closed")
    inner = text[1:-1].strip()
    if not inner:
        return []
    elements = list(_elements(inner))
    if "" in elements:
        raise ParameterError(f"the vector {_shown(text)} has an empty element")
    return elements


def _elements(inner: str) -> Iterator[str]:
    """What stands between the commas that are in no quotes and no brackets."""
    quote, waiting, begin = "", [], 0
    for at, letter in enumerate(inner):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and not _is_apostrophe(inner, at):
            quote = letter
        elif letter in _CLOSING:
            waiting.append(_CLOSING[letter])
        elif waiting and letter == waiting[-1]:
            waiting.pop()
        elif letter in "])}":
            raise ParameterError(f"{_shown(inner)} closes a bracket that was not opened")
        elif letter == "," and not waiting:
            yield inner[begin:at].strip()
            begin = at + 1
    if quote or waiting:
        raise ParameterError(f"{_shown(inner)} lacks a closing {quote or waiting[-1]}")
    yield inner[begin:].strip()


def expand(text: str) -> list[str]:
    """What an element of a vector stands for: ``node001..3`` is three names, ``2*a`` is a twice, most are themselves.

    Raises:
        ParameterError: It stands for too many, or a range makes no sense.
    """
    if len(text) > _SHORT_FORM_MAX:
        return [unquoted(text)]
    values: list[str] = []
    for value in _expanded(text.strip()):
        values.append(value)
        if len(values) > EXPANDED_MAX:
            raise ParameterError(f"{_shown(text)} stands for more than {EXPANDED_MAX} values")
    return values


def _expanded(text: str) -> Iterator[str]:
    if unquoted(text) != text:
        yield unquoted(text)
    elif times := _TIMES.fullmatch(text):
        what = times["what"].strip()
        if not int(times["count"]):
            raise ParameterError(f"{_shown(text)} stands for nothing")
        grouped = (what[0], what[-1]) in {("(", ")"), ("[", "]")}
        elements = list(_elements(what[1:-1])) if grouped else [what]
        for _ in range(min(int(times["count"]), EXPANDED_MAX + 1)):
            for element in elements:
                yield from _expanded(element)
    elif text.startswith("["):  # a vector within a vector
        yield text
    elif group := _GROUP.fullmatch(text):
        heads = [each for element in _elements(group["inner"]) for each in _range(element)]
        for head in heads:
            for tail in _expanded(group["after"]) if group["after"] else [""]:
                yield f"{group['before']}{head}{tail}"
    else:
        yield from _range(text)


def _range(text: str) -> Iterator[str]:
    found = _RANGE.fullmatch(text)
    if found is None or found["again"] not in ("", found["before"]):
        if ".." in text and re.search(r"\w\.\.\w", text):
            raise ParameterError(f"{_shown(text)} is no range; one is node001..9")
        yield text
        return
    first, last = int(found["first"]), int(found["last"])
    width = len(found["first"]) if found["first"].startswith("0") else 0
    if abs(last - first) >= EXPANDED_MAX:
        raise ParameterError(f"{_shown(text)} stands for more than {EXPANDED_MAX} values")
    step = 1 if last >= first else -1
    for number in range(first, last + step, step):
        yield f"{found['before']}{number:0{width}d}{found['after'] or ''}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
