"""Files of parameters, `key = value`, as LOFAR's programs read them, and temporary ones with some values changed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from gangline.cluster.parameters import ParameterError, expand, parse_parameters, read_text, split, unquoted

__all__ = ["ParameterError", "Parset", "get_parset", "patch_parset", "patched_parset"]

_T = TypeVar("_T")
_MISSING: Any = object()
_TRUTH = {"true": True, "t": True, "yes": True, "y": True, "1": True} | {
    "false": False, "f": False, "no": False, "n": False, "0": False,
}  # fmt: skip


class Parset(Mapping[str, str]):
    """Parameters: texts by key, in the order of their file. As a mapping, it has the texts as they are written.

    Args:
        filename: The file to read; None: begin without parameters.
        caseInsensitive: Whether keys that differ only in small and capital letters are the same.

    Raises:
        ParameterError: The file cannot be read, or a line of it makes no sense.
    """

    def __init__(self, filename: str | os.PathLike[str] | None = None, caseInsensitive: bool = False) -> None:
        self._fold: Callable[[str], str] = str.lower if caseInsensitive else str
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        if filename is not None:
            self.adoptFile(filename)

    @classmethod
    def fromDict(cls, values: Mapping[str, Any]) -> Parset:
        """Parameters from a dictionary, see `replace`."""
        parset = cls()
        for key, value in values.items():
            parset.replace(key, value)
        return parset

    def __getitem__(self, key: str) -> str:
        return self._values[self._fold(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names.values())

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._fold(key) in self._values

    def __str__(self) -> str:
        return "".join(f"{key} = {self[key]}\n" for key in self)

    def __repr__(self) -> str:
        return f"<Parset with {len(self)} parameters>"

    def isDefined(self, key: str) -> bool:
        """Whether there is such a parameter."""
        return key in self

    def size(self) -> int:
        """How many parameters there are."""
        return len(self)

    def add(self, key: str, value: Any) -> None:
        """Add a parameter, see `replace`.

        Raises:
            ParameterError: It is there already, or cannot be written into a file.
        """
        if key in self:
            raise ParameterError(f"the parameter {key} is there already: {self[key]}")
        self.replace(key, value)

    def replace(self, key: str, value: Any) -> None:
        """Set a parameter, whether it is there or not.

        Args:
            key: Its name.
            value: A text as it is to stand in the file, a number, a truth value, or a list of these.

        Raises:
            ParameterError: It could not be read again from a file.
        """
        text = _written(value)
        if "\n" in f"{key}{text}" or "\r" in f"{key}{text}":
            raise ParameterError(f"the parameter {key!r} has a line break in it")
        read = parse_parameters(f"{key} = {text}", f"parameter {key!r}")
        if list(read) != [key] or read[key].value != text.strip():
            raise ParameterError(f"parameter {key!r}: {text!r} would be read from a file as {_shown(read)}; quote it")
        self._names.setdefault(self._fold(key), key)
        self._values[self._fold(key)] = text.strip()

    def remove(self, key: str) -> None:
        """Take a parameter out.

        Raises:
            ParameterError: There is none.
        """
        self._text(key)
        del self._names[self._fold(key)], self._values[self._fold(key)]

    def clear(self) -> None:
        """Take all parameters out."""
        self._names.clear()
        self._values.clear()

    def adoptFile(self, filename: str | os.PathLike[str], prefix: str = "") -> None:
        """Take in the parameters of a file, which win over those that are there.

        Args:
            filename: The file.
            prefix: What is put before each of its keys.

        Raises:
            ParameterError: The file cannot be read, or a line of it makes no sense.
        """
        path = Path(filename)
        self._adopt(
            ((prefix + key, entry.value) for key, entry in parse_parameters(read_text(path), str(path)).items())
        )

    def adoptCollection(self, other: Mapping[str, str], prefix: str = "") -> None:
        """Take in other parameters, which win over those that are there."""
        self._adopt((prefix + key, value) for key, value in other.items())

    def _adopt(self, values: Iterable[tuple[str, str]]) -> None:
        for key, value in values:
            self._names.setdefault(self._fold(key), key)
            self._values[self._fold(key)] = value

    def makeSubset(self, baseKey: str, prefix: str = "") -> Parset:
        """The parameters whose keys begin in a certain way, which is replaced by another beginning."""
        subset = Parset(caseInsensitive=self._fold is not str)
        head = self._fold(baseKey)
        subset._adopt((prefix + key[len(head) :], self[key]) for key in self if self._fold(key).startswith(head))
        return subset

    def writeFile(self, filename: str | os.PathLike[str], append: bool = False) -> None:
        """Write all parameters into a file, one a line.

        Raises:
            ParameterError: The file cannot be written.
        """
        try:
            with open(filename, "a" if append else "w", encoding="utf-8") as file:
                file.write(str(self))
        except OSError as error:
            raise ParameterError(f"{filename} cannot be written: {error.strerror or error}") from error

    def getString(self, key: str, default: str = _MISSING) -> str:
        """A value as text, without quotes around it.

        Raises:
            ParameterError: There is no such parameter, and no default is given. So it is with all of these.
        """
        return self._get(key, default, unquoted)

    def getInt(self, key: str, default: int = _MISSING) -> int:
        """A value as whole number."""
        return self._get(key, default, _int)

    def getFloat(self, key: str, default: float = _MISSING) -> float:
        """A value as number."""
        return self._get(key, default, _float)

    getDouble = getFloat

    def getBool(self, key: str, default: bool = _MISSING) -> bool:
        """A value as truth: true, t, yes, y, 1, or false, f, no, n, 0."""
        return self._get(key, default, _bool)

    def getVector(self, key: str, default: list[str] | bool = _MISSING, expandable: bool = False) -> list[str]:
        """The elements of a value as they are written; a value that is no vector is one element.

        Args:
            key: The name of the parameter.
            default: What is returned if there is none. A truth value in its place is `expandable`.
            expandable: Whether short forms are replaced by what they stand for: ``3*0``, ``1..9``.
        """
        return self._vector(key, default, expandable, str)

    def getStringVector(self, key: str, default: list[str] | bool = _MISSING, expandable: bool = False) -> list[str]:
        """The elements as texts, without quotes around them; see `getVector`."""
        return self._vector(key, default, expandable, unquoted)

    def getIntVector(self, key: str, default: list[int] | bool = _MISSING, expandable: bool = False) -> list[int]:
        """The elements as whole numbers; see `getVector`."""
        return self._vector(key, default, expandable, _int)

    def getFloatVector(self, key: str, default: list[float] | bool = _MISSING, expandable: bool = False) -> list[float]:
        """The elements as numbers; see `getVector`."""
        return self._vector(key, default, expandable, _float)

    getDoubleVector = getFloatVector

    def getBoolVector(self, key: str, default: list[bool] | bool = _MISSING, expandable: bool = False) -> list[bool]:
        """The elements as truth values; see `getVector`."""
        return self._vector(key, default, expandable, _bool)

    def _vector(self, key: str, default: list[_T] | bool, expandable: bool, read: Callable[[str], _T]) -> list[_T]:
        fallback: list[_T] = _MISSING
        if isinstance(default, bool):
            expandable = default
        else:
            fallback = default

        def elements(text: str) -> list[_T]:
            found = split(text)
            if expandable:
                found = [each for element in found for each in expand(element)]
            return [read(each) for each in found]

        return self._get(key, fallback, elements)

    def _get(self, key: str, default: _T, read: Callable[[str], _T]) -> _T:
        if default is not _MISSING and key not in self:
            return default
        text = self._text(key)
        try:
            return read(text)
        except ParameterError as error:
            raise ParameterError(f"the parameter {key}: {error}") from error

    def _text(self, key: str) -> str:
        if key not in self:
            raise ParameterError(f"there is no parameter {key}; there are {', '.join(self) or 'none'}")
        return self[key]


def get_parset(parset_filename: str | os.PathLike[str]) -> Parset:
    """The parameters of a file.

    Raises:
        ParameterError: The file cannot be read, or a line of it makes no sense.
    """
    return Parset(parset_filename)


def patch_parset(
    parset: str | os.PathLike[str] | Parset,
    data: Mapping[str, Any],
    output_dir: str | os.PathLike[str] | None = None,
) -> str:
    """Write parameters, some of them changed or added, into a new file.

    Args:
        parset: The parameters, or the file that has them.
        data: What is changed, see `Parset.replace`.
        output_dir: The folder of the new file; None: that for temporary files.

    Returns:
        The name of the new file. Whoever has called must remove it.

    Raises:
        ParameterError: The parameters make no sense, or the file cannot be written.
    """
    patched = Parset()
    patched.adoptCollection(parset if isinstance(parset, Parset) else get_parset(parset))
    for key, value in data.items():
        patched.replace(key, value)
    try:
        handle, name = tempfile.mkstemp(suffix=".parset", dir=output_dir)
    except OSError as error:
        raise ParameterError(f"no file can be made in {output_dir}: {error.strerror or error}") from error
    os.close(handle)
    try:
        patched.writeFile(name)
    except BaseException:
        os.unlink(name)
        raise
    return name


@contextmanager
def patched_parset(
    parset: str | os.PathLike[str] | Parset,
    data: Mapping[str, Any],
    output_dir: str | os.PathLike[str] | None = None,
    unlink: bool = True,
) -> Iterator[str]:
    """For the time of a block, have a file of parameters with some of them changed or added.

    Args:
        parset: The parameters, or the file that has them.
        data: What is changed, see `Parset.replace`.
        output_dir: The folder of the file; None: that for temporary files.
        unlink: Whether the file goes away after the block, however that ends.

    Yields:
        The name of the file.

    Raises:
        ParameterError: The parameters make no sense, or the file cannot be written.
    """
    name = patch_parset(parset, data, output_dir)
    try:
        yield name
    finally:
        if unlink:
            Path(name).unlink(missing_ok=True)


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _int(text: str) -> int:
    return _number(text, int, "a whole number")


def _float(text: str) -> float:
    return _number(text, float, "a number")


def _number(text: str, kind: Callable[[str], _T], what: str) -> _T:
    try:
        return kind(unquoted(text))
    except ValueError as error:
        raise ParameterError(f"{text!r} is not {what}") from error


def _bool(text: str) -> bool:
    found = _TRUTH.get(unquoted(text).lower())
    if found is None:
        raise ParameterError(f"{text!r} is neither true nor false")
    return found


def _shown(read: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {entry.value}" for key, entry in read.items()) or "nothing"
