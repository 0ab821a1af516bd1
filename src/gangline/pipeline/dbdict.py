"""A dictionary in an SQLite file, in the format of Ruffus' module of this name.

With `picklevalues=True` it opens a pipeline's history: a mapping from file names, relative to the history's folder, to
`JobHistoryChecksum`. Values are then unpickled, which runs what they ask for: open files only whose writer you trust.
"""

from __future__ import annotations

import io
import os
import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from gangline.pipeline.freshness.value import Value, encode

__all__ = ["DbDict", "dbdict", "open"]

_THEIRS, _OURS = "ruffus.", "gangline.pipeline."


class _Unpickler(pickle.Unpickler):
    """Finds the classes of Ruffus under their own names here."""

    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(_OURS + module.removeprefix(_THEIRS) if module.startswith(_THEIRS) else module, name)


class DbDict(MutableMapping[Any, Any]):
    """A persistent dictionary. Every change is on the disk when the call returns.

    Args:
        filename: The file, made if it does not exist; `:memory:` is forgotten at the end.
        picklevalues: Whether values are pickled; otherwise they are numbers, text or bytes.

    Attributes:
        con: The SQLite connection.
        picklevalues: As given.
        path_base: Of a history, the folder that its keys start from.
    """

    path_base: str | None = None

    def __init__(self, filename: str | os.PathLike[str], picklevalues: bool = False) -> None:
        self.picklevalues = picklevalues
        self.con = sqlite3.connect(filename)
        with self.con:
            self.con.execute("CREATE TABLE IF NOT EXISTS data (key PRIMARY KEY,value)")

    def pickle_loads(self, value: Any) -> Any:
        """A value as it was before it was stored."""
        return _Unpickler(io.BytesIO(bytes(value))).load() if self.picklevalues else value

    def pickle_dumps(self, value: Any) -> Any:
        """A value as it is stored."""
        if not self.picklevalues:
            return value
        if type(value).__name__ == "JobHistoryChecksum" and type(value).__module__.startswith(_OURS):
            return encode(value.outfile, Value(value.mtime, value.chksum_params, value.chksum_func))
        return sqlite3.Binary(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))

    def __getitem__(self, key: Any) -> Any:
        row = self.con.execute("SELECT value FROM data WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        return self.pickle_loads(row[0])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._update([(key, value)])

    def __delitem__(self, key: Any) -> None:
        with self.con:
            if not self.con.execute("DELETE FROM data WHERE key = ?", (key,)).rowcount:
                raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return self.con.execute("SELECT 1 FROM data WHERE key = ?", (key,)).fetchone() is not None

    def __iter__(self) -> Iterator[Any]:
        return (key for (key,) in self.con.execute("SELECT key FROM data"))

    def __len__(self) -> int:
        return int(self.con.execute("SELECT count(*) FROM data").fetchone()[0])

    def iterkeys(self) -> Iterator[Any]:
        """The keys, one by one."""
        return iter(self)

    def itervalues(self) -> Iterator[Any]:
        """The values, one by one."""
        return (self.pickle_loads(value) for (value,) in self.con.execute("SELECT value FROM data"))

    def iteritems(self) -> Iterator[tuple[Any, Any]]:
        """Keys with their values, one by one."""
        return ((key, self.pickle_loads(value)) for key, value in self.con.execute("SELECT key, value FROM data"))

    def keys(self) -> list[Any]:  # type: ignore[override]
        """All keys, as a list."""
        return list(self)

    def items(self) -> list[tuple[Any, Any]]:  # type: ignore[override]
        """All keys with their values, as a list."""
        return list(self.iteritems())

    def get(self, keys: Any, default: Any = None) -> Any:
        """The items of several keys, as pairs; keys that are not there are left out.

        A single text is one key: then its value, or `default`, as of any dictionary.
        """
        if isinstance(keys, str) or not isinstance(keys, Iterable):
            return super().get(keys, default)
        return [(key, self[key]) for key in keys if key in self]

    def remove(self, keys: Any) -> None:
        """Take out one key or several; those that are not there are left out."""
        several = [keys] if isinstance(keys, str) or not isinstance(keys, Iterable) else keys
        with self.con:
            self.con.executemany("DELETE FROM data WHERE key = ?", [(key,) for key in several])

    def clear(self) -> None:
        """Take out everything and free the space."""
        with self.con:
            self.con.execute("DELETE FROM data")
        self.vacuum()

    def update(self, items: Any = None, /, **kwds: Any) -> None:
        """Set several items at once, from a mapping or pairs, and by keyword.

        Raises:
            ValueError: `items` is neither a mapping nor made of pairs.
        """
        try:
            pairs = list(items.items() if isinstance(items, Mapping) else items or ())
            self._update([(key, value) for key, value in [*pairs, *kwds.items()]])
        except TypeError as error:
            raise ValueError(
                "Could not interpret value of parameter `items` as a dict, list/tuple or iterator."
            ) from error

    def _update(self, items: list[tuple[Any, Any]]) -> None:
        rows = [(key, self.pickle_dumps(value)) for key, value in items]
        with self.con:
            self.con.executemany("INSERT OR REPLACE INTO data (key, value) VALUES (?, ?)", rows)

    def vacuum(self) -> None:
        """Give unused space in the file back."""
        self.con.execute("VACUUM")

    def reindex(self) -> None:
        """Make the index of the keys anew."""
        self.con.execute("REINDEX data")

    def close(self) -> None:
        """Close the file."""
        self.con.close()


def dbdict(filename: str | os.PathLike[str], picklevalues: bool = False) -> DbDict:
    """A persistent dictionary; `open` under another name."""
    return DbDict(filename, picklevalues)


def open(filename: str | os.PathLike[str], picklevalues: bool = False) -> DbDict:
    """A persistent dictionary.

    Args:
        filename: The file, made if it does not exist; `:memory:` is forgotten at the end.
        picklevalues: Whether values are pickled.

    Example:
        >>> history = open(":memory:", picklevalues=True)
        >>> history["a.txt"] = [1, 2]
        >>> history["a.txt"]
        [1, 2]
        >>> history.close()
    """
    return DbDict(filename, picklevalues)
