"""What is in files: sizes and digests, each file read once for as long as it stays the same."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.writer import Change

__all__ = ["CHANGED_MEANWHILE", "Contents", "Inputs", "Made", "Print"]

CHANGED_MEANWHILE = "changed while the job ran"
"""Stands for the digest of an input of which nobody can say what the job has seen of it."""

_COARSE_S = 2.0
_FINE_S = 0.05


class Print(NamedTuple):
    """What tells a file's contents from others: its size, and its digest where contents are looked at."""

    size: int
    digest: str


class Made(NamedTuple):
    """What an output was made from.

    Attributes:
        mtime: The time in the history's entry that this belongs to.
        size: Of the output, in bytes.
        digest: Of the output; empty where only sizes were looked at.
        helpers: Checksum of the functions that the stage's function uses.
        inputs: The id of the list of inputs.
    """

    mtime: float
    size: int
    digest: str
    helpers: str
    inputs: str


Inputs = dict[str, Print]
"""The inputs of a job by their keys."""


class Contents:
    """Sizes and digests of files now, and those that outputs were made from.

    Args:
        history: Where they are kept.
        digests: Whether files are read, not only measured.
    """

    def __init__(self, history: History, digests: bool) -> None:
        self._history = history
        self._digests = digests
        self._made = {key: Made(*rest) for key, *rest in history.fetch("list_made")}
        self._listings: dict[str, str] = dict(history.fetch("list_inputs"))
        self._known: dict[str, tuple[str, str]] = {
            key: (stamp, digest) for key, stamp, digest in history.fetch("list_digests")
        }

    def made(self, key: str) -> Made | None:
        """What an output was made from, if it is known of the output's latest making, as closely as is looked now."""
        made = self._made.get(key)
        if made is None or made.mtime != self._history.mtimes.get(key) or (self._digests and not made.digest):
            return None
        return made

    def inputs(self, made: Made) -> Inputs | None:
        """The inputs that an output was made from; None when the list is lost."""
        text = self._listings.get(made.inputs)
        return None if text is None else {key: Print(size, digest) for key, size, digest in json.loads(text)}

    @staticmethod
    def changed(before: Inputs, now: Mapping[str, tuple[str, Print | None]]) -> list[str]:
        """Inputs that are new, gone or different.

        Args:
            before: Those that an output was made from.
            now: Those that there are: path and contents, by key.
        """
        changed = [name for key, (name, print_now) in now.items() if _differs(before.get(key), print_now)]
        return changed + sorted(before.keys() - now.keys())

    def print_of(self, path: str) -> Print | None:
        """What is in a file now; None when it does not exist or may not be read."""
        try:
            if not self._digests:
                return Print(_size(os.stat(path)), "")
            looked_at = time.time()
            status = os.stat(path)
            return Print(_size(status), self._digest(path, status, looked_at))
        except OSError:
            return None

    def print_when_made(self, key: str) -> Print | None:
        """What was in an output when it was made; None where `made` says nothing."""
        made = self.made(key)
        return None if made is None else Print(made.size, made.digest)

    def stamps(self, paths: Iterable[str]) -> dict[str, str]:
        """What tells whether files stay the same while a job runs."""
        found = {}
        for path in paths:
            try:
                found[path] = _stamp(os.stat(path))
            except OSError:
                continue
        return found

    def remember(
        self, outputs: dict[str, tuple[str, float]], inputs: dict[str, str], helpers: str, changed: set[str]
    ) -> None:
        """Note what outputs were made from.

        Args:
            outputs: Path and time of each output, by key.
            inputs: Path of each input, by key.
            helpers: Checksum of the functions that the stage's function uses.
            changed: Paths of inputs that changed while the job ran.
        """
        prints = {key: self.print_of(path) or Print(-1, "") for key, path in inputs.items()}
        rows = [
            (key, print.size, CHANGED_MEANWHILE if inputs[key] in changed else print.digest)
            for key, print in sorted(prints.items())
        ]
        listing = json.dumps(rows)
        name = hashlib.blake2b(listing.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        changes: list[Change] = []
        if name not in self._listings:
            self._listings[name] = listing
            changes.append(("write_inputs", (name, listing)))
        for key, (path, mtime) in outputs.items():
            now = self.print_of(path)
            if now is not None:
                made = self._made[key] = Made(mtime, now.size, now.digest, helpers, name)
                changes.append(("write_made", (key, *made)))
        self._history.write(changes)

    def _digest(self, path: str, status: os.stat_result, looked_at: float) -> str:
        key, stamp = self._history.keys.of(path), _stamp(status)
        known = self._known.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        digest = _read_digest(path, status)
        # A file that had been written a moment before may have been written again without its time showing it.
        if looked_at - status.st_mtime > (_COARSE_S if status.st_mtime_ns % 1_000_000_000 == 0 else _FINE_S):
            self._known[key] = (stamp, digest)
            if self._history.writing:
                self._history.write([("write_digest", (key, stamp, digest))])
        return digest


def _differs(before: Print | None, now: Print | None) -> bool:
    if before is None or now is None or before.size != now.size:
        return True
    return before.digest == CHANGED_MEANWHILE or bool(now.digest and before.digest and now.digest != before.digest)


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _size(status: os.stat_result) -> int:
    return 0 if stat.S_ISDIR(status.st_mode) else status.st_size


def _read_digest(path: str, status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        names: Any = "\0".join(sorted(os.listdir(path)))
        return hashlib.blake2b(names.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
