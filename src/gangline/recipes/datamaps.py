"""Data maps: which file lies on which host, and which of them are left out.

Files of maps are read as literals, never evaluated. They are written as lists of dictionaries, one entry a line; read
are also lists of tuples ``(host, file)`` and ``(host, file, skip)``, a dictionary of hosts with their files, and files
of parameters ``host = [file, file]``.
"""

from __future__ import annotations

import ast
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar, overload

from gangline.cluster.parameters import ParameterError, parse_parameters, read_text, split, unquoted
from gangline.errors import UsageError

__all__ = [
    "DataMap",
    "DataMapError",
    "DataProduct",
    "MultiDataMap",
    "MultiDataProduct",
    "align_data_maps",
    "load_data_map",
    "store_data_map",
    "validate_data_maps",
]

_FIELDS = ("host", "file", "skip")

_COMMAS_MAX = 1_000_000
"""So much of Python's syntax is read without harm to the memory; it is some hundred thousand entries."""

_Map = TypeVar("_Map", bound="DataMap")


class DataMapError(UsageError):
    """A data map, or what is to become one, makes no sense; the message names file, entry and field."""


class DataProduct:
    """A file on a host.

    Attributes:
        host: The host.
        file: The file, by the name that it has there.
        skip: Whether it is to be left out, for something has failed that it needs.
    """

    def __init__(self, host: str | None = None, file: Any = None, skip: bool = True) -> None:
        self.host = host
        self.file = file
        self.skip = skip

    def __repr__(self) -> str:
        return repr({name: getattr(self, name) for name in _FIELDS})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DataProduct):
            return NotImplemented
        return (self.host, self.file, self.skip) == (other.host, other.file, other.skip)

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def check_file(cls, file: Any) -> Any:
        """What is given as file, in the form that it is kept in.

        Raises:
            TypeError: It cannot be one; the message says what it must be.
        """
        if isinstance(file, os.PathLike):
            file = os.fspath(file)
        if not isinstance(file, str) or "\0" in file:
            raise TypeError("must be the name of a file")
        return file


class MultiDataProduct(DataProduct):
    """Several files on a host, which belong together: `file` is a list."""

    def __init__(self, host: str | None = None, file: Any = None, skip: bool = True) -> None:
        super().__init__(host, [] if file is None else file, skip)

    @classmethod
    def check_file(cls, file: Any) -> Any:
        """A list of names; a single one is a list of one."""
        files = list(file) if isinstance(file, list | tuple) else [file]
        try:
            return [DataProduct.check_file(each) for each in files]
        except TypeError:
            raise TypeError("must be the name of a file, or a list of such") from None


class DataMap:
    """A list of files on hosts, `DataProduct`s.

    What one meets in a loop over it is chosen by `iterator`: all entries (`iter`, the default), those that are not to
    be skipped (`DataMap.SkipIterator`), or the latter as tuples of host and file (`DataMap.TupleIterator`).

    Args:
        data: The entries: `DataProduct`s, dictionaries with the keys host, file and skip, tuples of host and file with
            or without skip, or a dictionary of hosts with lists of files.
        iterator: What one meets in a loop.

    Raises:
        DataMapError: An entry makes no sense.
    """

    product: ClassVar[type[DataProduct]] = DataProduct

    def __init__(self, data: Iterable[Any] = (), iterator: Callable[[list[DataProduct]], Iterator[Any]] = iter) -> None:
        self.iterator = iterator
        self._data = self._products(data, "data map")

    def __repr__(self) -> str:
        return repr(self._data)

    def __iter__(self) -> Iterator[Any]:
        return self.iterator(self._data)

    def __len__(self) -> int:
        return len(self._data)

    @overload
    def __getitem__(self, index: int) -> DataProduct: ...
    @overload
    def __getitem__(self, index: slice) -> list[DataProduct]: ...
    def __getitem__(self, index: int | slice) -> DataProduct | list[DataProduct]:
        return self._data[index]

    def __setitem__(self, index: int, entry: Any) -> None:
        self._data[index] = self._product(entry, f"data map, entry {index}")

    def __eq__(self, other: object) -> bool:
        return self._data == other._data if isinstance(other, DataMap) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @property
    def data(self) -> list[DataProduct]:
        """All entries."""
        return self._data

    @data.setter
    def data(self, data: Iterable[Any]) -> None:
        self._data = self._products(data, "data map")

    def append(self, entry: Any) -> None:
        """Add an entry, in any of the forms that the class knows."""
        self._data.append(self._product(entry, f"data map, entry {len(self)}"))

    @classmethod
    def SkipIterator(cls, data: Iterable[DataProduct]) -> Iterator[DataProduct]:  # the name of old
        """The entries that are not to be skipped."""
        return (each for each in data if not each.skip)

    @classmethod
    def TupleIterator(cls, data: Iterable[DataProduct]) -> Iterator[tuple[str | None, Any]]:  # the name of old
        """Host and file of the entries that are not to be skipped."""
        return ((each.host, each.file) for each in data if not each.skip)

    @classmethod
    def load(cls: type[_Map], filename: str | os.PathLike[str]) -> _Map:
        """The map in a file, of which nothing is evaluated.

        Raises:
            DataMapError: The file cannot be read, or an entry makes no sense.
        """
        path = Path(filename)
        loaded = cls()
        try:
            loaded._data = cls._products(_literal(read_text(path), str(path)), str(path))
        except ParameterError as error:
            raise DataMapError(str(error)) from error
        return loaded

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Write it into a file, of which whoever reads meanwhile sees the old or the new content.

        Raises:
            DataMapError: The file cannot be written.
        """
        path = Path(os.path.realpath(filename))
        entries = self._products(self._data, str(path))
        text = "[" + ",\n ".join(map(repr, entries)) + "]\n"
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with open(unfinished, "x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                unfinished.chmod(path.stat().st_mode & 0o777)
            os.replace(unfinished, path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise DataMapError(f"the data map {path} cannot be written: {error.strerror or error}") from error

    @classmethod
    def _products(cls, data: Iterable[Any], where: str) -> list[DataProduct]:
        if isinstance(data, dict):
            data = _by_host(data, where)
        if isinstance(data, str | bytes) or not isinstance(data, Iterable):
            raise DataMapError(f"{where}: a data map is a list of entries, not {_shown(data)}")
        return [cls._product(entry, f"{where}, entry {number}") for number, entry in enumerate(data)]

    @classmethod
    def _product(cls, entry: Any, where: str) -> DataProduct:
        values = {name: getattr(entry, name) for name in _FIELDS} if isinstance(entry, DataProduct) else None
        host, file, skip = ((values or _fields(entry, where))[name] for name in _FIELDS)
        if not isinstance(host, str) or not host:
            raise DataMapError(f"{where}: the host must be a name, not {_shown(host)}")
        if not isinstance(skip, bool):
            raise DataMapError(f"{where}: skip must be True or False, not {_shown(skip)}")
        try:
            checked = cls.product.check_file(file)
        except TypeError as error:
            raise DataMapError(f"{where}: file {error}, not {_shown(file)}") from error
        if isinstance(entry, cls.product) and checked == file:
            return entry
        return cls.product(host, checked, skip)


class MultiDataMap(DataMap):
    """A data map each of whose entries has several files, `MultiDataProduct`s."""

    product = MultiDataProduct

    def split_list(self, number: int) -> None:
        """Divide entries with more files than a number into entries with no more than that.

        Raises:
            DataMapError: The number is less than 1.
        """
        if number < 1:
            raise DataMapError(f"an entry has one file or more, not {number}")
        self._data = [
            MultiDataProduct(each.host, each.file[begin : begin + number], each.skip)
            for each in self._data
            for begin in range(0, len(each.file), number)
        ]


def load_data_map(filename: str | os.PathLike[str]) -> DataMap:
    """The data map in a file: `DataMap.load`.

    Raises:
        DataMapError: The file cannot be read, or an entry makes no sense.
    """
    return DataMap.load(filename)


def store_data_map(filename: str | os.PathLike[str], data: DataMap | Iterable[Any]) -> None:
    """Write a data map, or what can be one, into a file.

    Raises:
        DataMapError: An entry makes no sense, or the file cannot be written.
    """
    (data if isinstance(data, DataMap) else DataMap(data)).save(filename)


def validate_data_maps(*maps: DataMap) -> bool:
    """Whether data maps belong together: they are of the same length, and their entries are on the same hosts."""
    return not _difference(maps)


def align_data_maps(*maps: DataMap) -> None:
    """Mark what is to be skipped in one of several data maps to be skipped in all of them.

    Raises:
        DataMapError: They do not belong together; the message says where they differ.
    """
    if difference := _difference(maps):
        raise DataMapError(f"the data maps do not belong together: {difference}")
    for entries in zip(*(each.data for each in maps), strict=True):
        skip = any(entry.skip for entry in entries)
        for entry in entries:
            entry.skip = skip


def _difference(maps: Sequence[DataMap]) -> str:
    lengths = [len(each) for each in maps]
    if len(set(lengths)) > 1:
        return f"they have {', '.join(map(str, lengths))} entries"
    for number, entries in enumerate(zip(*(each.data for each in maps), strict=True)):
        hosts = [entry.host for entry in entries]
        if len(set(hosts)) > 1:
            return f"entry {number} is on {' and on '.join(dict.fromkeys(map(str, hosts)))}"
    return ""


def _literal(text: str, name: str) -> Any:
    """What a file says, without evaluating anything."""
    begin = next((line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")), "")
    if not begin:
        raise DataMapError(f"{name} is empty; a map without entries is: []")
    if not begin.startswith(("[", "(", "{")):
        files = parse_parameters(text, name).values()
        return {entry.key: [unquoted(each) for each in split(entry.value)] for entry in files}
    if text.count(",") > _COMMAS_MAX:
        raise DataMapError(f"{name}: the data map has too many entries")
    try:
        return ast.literal_eval(text.strip())
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise DataMapError(f"{name}{line}: this is no data map: {error.msg}") from error
    except (ValueError, TypeError) as error:  # a call, a name, a list as a key
        raise DataMapError(f"{name}: a data map has only texts, True, False, lists and the like: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise DataMapError(f"{name}: this is no data map: there are too many brackets in one another") from error


def _by_host(data: dict[Any, Any], where: str) -> list[tuple[Any, Any, bool]]:
    for host, files in data.items():
        if not isinstance(files, list | tuple):
            raise DataMapError(f"{where}: host {_shown(host)} must have a list of files, not {_shown(files)}")
    return [(host, file, False) for host, files in data.items() for file in files]


def _fields(entry: Any, where: str) -> dict[str, Any]:
    if isinstance(entry, dict):
        missing = [name for name in _FIELDS if name not in entry]
        extra = [name for name in entry if name not in _FIELDS]
        if missing:
            raise DataMapError(f"{where}: there is no {missing[0]}; an entry has host, file and skip")
        if extra:
            raise DataMapError(f"{where}: there is no field {_shown(extra[0])}; an entry has host, file and skip")
        return entry
    if isinstance(entry, tuple | list) and len(entry) in (2, 3):
        return dict(zip(_FIELDS, (*entry, False), strict=False))
    raise DataMapError(f"{where}: an entry has host, file and skip; {_shown(entry)} is none")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
