"""The history: which outputs were made to the end, when, and from what.

Rules:
    An entry is there only while its output is whole. It is taken out, on the disk, before a job that makes the output
    is started, and is put in when the job has ended well. So whatever is killed at whatever instant, a half-made file
    has no entry.
    What was begun is noted, too, so that a run at level 0, which has no entries, can tell.
    In memory stands what is on the disk or on its way there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from gangline.errors import StoreError
from gangline.pipeline.freshness.database import QUERIES, check_owner, connect, explained, prepare
from gangline.pipeline.freshness.keys import Keys
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.lock import Lock
from gangline.pipeline.freshness.place import MEMORY, Place, find_place
from gangline.pipeline.freshness.value import Value, decode, decode_time, encode
from gangline.pipeline.freshness.writer import Change, Writer

__all__ = ["History"]

_log = logging.getLogger(__name__)
_open_here: dict[str, History] = {}
_open_guard = threading.Lock()


class _Sums(NamedTuple):
    params: str
    function: str


class _Aside(NamedTuple):
    """What the history said of an output before the job that is making it was begun."""

    entry: tuple[float, _Sums | None] | None
    marked: bool


_NEW = _Aside(None, marked=False)
"""Of most outputs it had said nothing."""


class History:
    """What earlier runs, and this one, have made. Use `History.open`; every method may be called from any thread.

    Attributes:
        path: The file, absolute, or `:memory:`.
        keys: The names of files in it.
        mtimes: When each output was made, by key. Only to look at.
        begun: Keys of outputs, and patterns of outputs, whose job was begun and has not ended well. Only to look at.
        writing: Whether it may be changed.
    """

    def __init__(self, place: Place, *, writing: bool) -> None:
        self.path = place.path
        self.keys = Keys(place.base, os.getcwd())
        self.writing = writing
        self.mtimes: dict[str, float] = {}
        self.begun: set[str] = set()
        self._marks_only = place.marks_only
        self._sums: dict[str, _Sums] = {}
        self._makers: dict[str, int] = {}
        self._aside: dict[str, _Aside] = {}
        self._guard = threading.RLock()
        self._users = 1
        self._lock: Lock | None = None
        self._connection: sqlite3.Connection | None = None
        self._writer: Writer | None = None

    @classmethod
    def open(
        cls, file: str | None, level: Level = Level.HISTORY, *, writing: bool = True, wait_s: float = 0.0
    ) -> History:
        """The history in a file. A run inside another one of the same process shares its history.

        Args:
            file: Its name; None is the usual one, and at level 0 none: then only what was begun and not finished is
                noted, in Gangline's own folder. `:memory:` is forgotten at the end.
            level: How closely the run looks.
            writing: Whether entries will be written. Without, nothing on the disk changes, and nobody is disturbed.
            wait_s: How long to wait for another run that is writing it.

        Raises:
            StoreError: It is in use, damaged, no history, or cannot be written.
        """
        place = find_place(file, level)
        with _open_guard:
            shared = _open_here.get(place.path)
            if shared is not None:
                shared._users += 1
                return shared
            history = cls(place, writing=writing)
            try:
                history._open(place, wait_s)
            except BaseException:
                history._release()
                raise
            if writing and place.path != MEMORY:
                _open_here[place.path] = history
            return history

    def _open(self, place: Place, wait_s: float) -> None:
        if self._marks_only:
            if os.path.exists(self.path):
                self._read_existing()
        elif self.writing or self.path == MEMORY:
            if self.path != MEMORY:
                self._lock = Lock(self.path, wait_s)
            self._open_for_writing()
        elif os.path.exists(self.path):
            self._read_existing()

    def _read_existing(self) -> None:
        with explained(self.path):
            self._connection = connect(self.path, writing=False)
            tables = check_owner(self._connection, self.path)
            if "ruffus_metadata" in tables:
                self._read(self._connection, tables)

    def _open_for_writing(self) -> None:
        with explained(self.path):
            self._connection = connection = connect(self.path, writing=True)
            prepare(connection, self.path)
            self._read(connection, {"gangline_begun"})
        self._writer = Writer(connection, self.path)

    def _read(self, connection: sqlite3.Connection, tables: set[str]) -> None:
        mtimes = self.mtimes
        unreadable: list[str] = []
        for key, data in connection.execute(QUERIES["list_data"]):
            try:
                mtimes[key] = decode_time(data)
            except StoreError as error:
                unreadable.append(f"{key}: {error}")
        if unreadable:
            _log.warning(
                "%d entries of the history %s are left out, e.g. %s. Their outputs count as not made",
                len(unreadable), self.path, unreadable[0],
            )  # fmt: skip
        if "gangline_begun" in tables:
            self.begun.update(key for (key,) in connection.execute(QUERIES["list_begun"]))

    def _read_sums(self) -> None:
        """Those of all entries at once; most runs compare none."""
        if self._connection is None:
            return
        self.flush()
        # Most jobs of a stage have the same checksums; one pair stands for all of them.
        pairs: dict[_Sums, _Sums] = {}
        with self._guard, explained(self.path):
            for key, data in self._connection.execute(QUERIES["list_data"]).fetchall():
                if key in self.mtimes and key not in self._sums:
                    _, *sums = decode(data)
                    pair = _Sums(*sums)
                    self._sums[key] = pairs.setdefault(pair, pair)

    # What it knows ------------------------------------------------------------------------------------------------

    def sums(self, key: str) -> tuple[str, str]:
        """The checksums of parameters and function of an entry that is there."""
        if key not in self._sums:
            self._read_sums()
        return self._sums[key]

    @classmethod
    def of_values(cls, values: Mapping[str, Value], base: str) -> History:
        """A history that holds these entries, by their keys, and stands nowhere.

        Args:
            values: The entries.
            base: The folder that their files are named from.
        """
        history = cls(Place(MEMORY, base, False), writing=False)
        for key, (mtime, params, function) in values.items():
            history.mtimes[key], history._sums[key] = mtime, _Sums(params, function)
        return history

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query by its name; none where the file, or the table, is not there yet."""
        if self._connection is None:
            return []
        with explained(self.path):
            tables = {name for (name,) in self._connection.execute(QUERIES["list_tables"])}
            wanted = f"gangline_{query.removeprefix('list_')}"
            return self._connection.execute(QUERIES[query]).fetchall() if wanted in tables else []

    # What becomes of outputs --------------------------------------------------------------------------------------

    def begin(self, keys: Iterable[str]) -> None:
        """Jobs that make these outputs are about to start: from now on, until they end, these are half-made.

        It is on the disk when this returns.

        Raises:
            StoreError: It could not be written.
        """
        now = time.time()
        noted: list[Change] = []
        forgotten: list[Change] = []
        makers, begun = self._makers, self.begun
        with self._guard:
            for key in keys:
                makers[key] = count = makers.get(key, 0) + 1
                if count > 1:
                    continue
                marked, entry = key in begun, self._take_out(key)
                self._aside[key] = _Aside(entry, marked) if marked or entry is not None else _NEW
                begun.add(key)
                if entry is not None or not marked:
                    noted.append(("begin_output", (key, now)))
                if entry is not None:
                    forgotten.append(("forget_output", (key,)))
        self.write(noted + forgotten, wait=True)

    def end_well(self, begun: Iterable[str], made: Mapping[str, Value]) -> None:
        """A job has ended well. Written soon; `flush` waits for it.

        Args:
            begun: What `begin` was told of it.
            made: The outputs that it has made, with their entries.
        """
        changes: list[Change] = []
        with self._guard:
            for key in begun:
                self._ended(key, changes)
            for key, value in made.items():
                if key in self.begun and key not in self._makers:  # what a pattern stood for, begun by an earlier run
                    self._ended(key, changes)
                self.mtimes[key] = value.mtime
                self._sums[key] = _Sums(value.params, value.function)
                if not self._marks_only:
                    changes.append(("write_output", (key, encode(key, value))))
        self.write(changes)

    def _ended(self, key: str, changes: list[Change]) -> None:
        """One of those that make an output has ended well: if it was the last, the output is not half-made any more."""
        if not self._has_makers_left(key) and key in self.begun:
            self.begun.discard(key)
            changes.append(("end_output", (key,)))

    def end_badly(self, begun: Iterable[str]) -> None:
        """A job has failed, or was killed: its outputs stay half-made, and are not trusted by any later run."""
        changes: list[Change] = []
        with self._guard:
            for key in begun:
                self._has_makers_left(key)
                if self._take_out(key) is not None:
                    changes.append(("forget_output", (key,)))
        self.write(changes)

    def put_back(self, begun: Iterable[str]) -> None:
        """A job was not started after all: its outputs are what they were before."""
        changes: list[Change] = []
        with self._guard:
            for key in begun:
                aside = self._aside.get(key)
                if self._has_makers_left(key) or aside is None:
                    continue
                if aside.entry is not None:
                    self.mtimes[key], sums = aside.entry
                    if sums is not None:
                        self._sums[key] = sums
                    changes.append(("restore_output", (key,)))
                if aside.entry is not None or not aside.marked:
                    self.begun.discard(key)
                    changes.append(("end_output", (key,)))
        self.write(changes)

    def _take_out(self, key: str) -> tuple[float, _Sums | None] | None:
        mtime, sums = self.mtimes.pop(key, None), self._sums.pop(key, None)
        return None if mtime is None else (mtime, sums)

    def _has_makers_left(self, key: str) -> bool:
        """One of those that make an output is done with it: whether there are others."""
        left = self._makers.pop(key, 0) - 1
        if left > 0:
            self._makers[key] = left
            return True
        self._aside.pop(key, None)
        return False

    # The disk -----------------------------------------------------------------------------------------------------

    def write(self, changes: Sequence[Change], *, wait: bool = False) -> None:
        """Bring changes to the disk, soon or at once.

        Raises:
            StoreError: These, or earlier ones, could not be written.
        """
        if not changes:
            return
        writer = self._writer or self._get_writer()
        if writer is not None:
            number = writer.add(changes)
            if wait:
                writer.wait(number)

    def _get_writer(self) -> Writer | None:
        """The writer; a history of marks only makes its file when the first is written."""
        with self._guard:
            if self._writer is None and self.writing and self._marks_only:
                try:
                    os.makedirs(os.path.dirname(self.path), exist_ok=True)
                    self._open_for_writing()
                except (OSError, StoreError) as error:
                    self.writing = False
                    _log.warning("outputs of a run that is killed will not be recognised as half-made: %s", error)
            return self._writer

    def flush(self) -> None:
        """Return when everything is on the disk.

        Raises:
            StoreError: It could not be written.
        """
        if self._writer is not None:
            self._writer.wait()

    def close(self) -> None:
        """Write what is left and let others write.

        Raises:
            StoreError: It could not be written.
        """
        with _open_guard:
            self._users -= 1
            if self._users > 0:
                return
            if _open_here.get(self.path) is self:
                del _open_here[self.path]
            try:
                if self._writer is not None:
                    self._writer.close()
            finally:
                self._release()

    def _release(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):  # only for the look of the folder
                self._connection.execute("PRAGMA journal_mode = DELETE").close()
            self._connection.close()
        if self._lock is not None:
            self._lock.release()
        self._connection = self._lock = self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
