"""Notes what becomes of jobs and their outputs."""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gangline.pipeline.freshness.checksum import checksum_params
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.rules import Assessor, JobFiles
from gangline.pipeline.freshness.value import Value
from gangline.pipeline.names.nested import flat_strings, is_glob

if TYPE_CHECKING:
    from gangline.pipeline.freshness.contents import Contents

__all__ = ["Made", "Recorder"]

Made = dict[str, tuple[str, float]]
"""Outputs that exist: name and time of each, by key."""

_CLOCKS_AGREE_S = 1.1
_TIE_S = 1.0
"""An output whose time is no more than this before that of an input was all the same made after it."""

_TIE_STEPS_S = (0.001, 1.0)
"""By how much an output's time is moved on: the second step is for file systems that count whole seconds."""


class _Announced:
    """A job that was announced.

    Attributes:
        job: The job; it lives as long as this.
        sources: The keys of its inputs.
        outputs: Its outputs, and the patterns of those that are not known yet, with their keys.
        keys: Those of them that are noted while it runs, since they are no inputs.
        newest: The time of its newest input when it was announced; None where it has none.
        stamps: What told its inputs from later ones when it was announced, where contents are looked at.
    """

    __slots__ = ("job", "keys", "newest", "outputs", "sources", "stamps")

    def __init__(self, job: JobFiles, sources: set[str], outputs: dict[str, str], newest: float | None) -> None:
        self.job = job
        self.sources = sources
        self.outputs = outputs
        self.newest = newest
        self.keys = [key for key in dict.fromkeys(outputs.values()) if key not in sources]
        self.stamps: dict[str, str] | None = None


class Recorder:
    """Notes what becomes of the jobs of a run. Every method may be called from any thread.

    Args:
        assessor: Whose history is written, and whose knowledge of files is kept up.
    """

    def __init__(self, assessor: Assessor) -> None:
        self._assessor = assessor
        self._history = assessor.history
        self._files = assessor.files
        self._begun: dict[int, _Announced] = {}
        """Jobs that were announced; by identity, since parameters need not be hashable."""

    def begin(self, jobs: Iterable[JobFiles]) -> None:
        """These jobs are about to be started. Until they end well, nobody trusts their outputs.

        It is on the disk when this returns; many jobs cost hardly more than one.

        Raises:
            StoreError: It could not be written.
        """
        keys: list[str] = []
        contents = self._assessor.contents
        for job in jobs:
            announced = self._begun[id(job)] = self._look_at(job)
            keys += announced.keys
            self._files.forget(announced.outputs)
            if contents is not None and announced.keys:
                announced.stamps = contents.stamps(_inputs(job))
        self._history.begin(keys)

    def finished(self, function: Any, job: JobFiles, made: Made | None = None) -> list[str]:
        """A job has ended well, or its outputs have been touched. Written soon; `flush` waits for it.

        Args:
            function: The stage's function.
            job: The job.
            made: What `find_outputs` has just said of it, if it was asked.

        Returns:
            The output files that exist, patterns expanded, without those that are inputs.
        """
        found = self.find_outputs(job) if made is None else made
        names = [name for name, _ in found.values()]
        announced = self._begun.get(id(job))
        has_run = announced is not None  # else it is only believed that the outputs are what they should be
        announced = announced or self._look_at(job)
        self._files.forget(names)
        if announced.newest is not None:
            if self._assessor.level is Level.TIMES:
                _break_ties(announced.newest, names)
                found = self.find_outputs(job)
            elif has_run:
                found = _without_ties(announced.newest, found)
        params = checksum_params(job.shown[2:], job.named)
        checksum = self._assessor.function_sum(function)
        self._begun.pop(id(job), None)
        self._history.end_well(
            announced.keys, {key: Value(mtime, params, checksum) for key, (_, mtime) in found.items()}
        )
        if found and self._assessor.contents is not None:
            self._remember_contents(self._assessor.contents, function, announced, found)
        return names

    def failed(self, job: JobFiles) -> None:
        """A job has failed or was ended: its outputs are half-made until it is run again."""
        announced = self._begun.pop(id(job), None) or self._look_at(job)
        self._files.forget(_outputs(job))
        self._history.end_badly(announced.keys)

    def not_started(self, jobs: Iterable[JobFiles]) -> None:
        """Jobs that were announced with `begin` have not been started, and will not be: all is as it was."""
        for job in jobs:
            announced = self._begun.pop(id(job), None) or self._look_at(job)
            self._history.put_back(announced.keys)

    def touch(self, job: JobFiles) -> None:
        """Make a job's outputs exist, with the time of now; those that are inputs are left alone.

        Raises:
            OSError: A file cannot be made, or its time not be set.
        """
        self._begun[id(job)] = self._look_at(job)
        sources = {os.path.realpath(name) for name in _inputs(job)}
        for name in flat_strings(job.params[1]) if len(job.params) > 1 else []:
            if os.path.realpath(name) in sources:
                continue
            if not os.path.isdir(name):
                with open(name, "a", encoding="utf-8"):
                    pass
            os.utime(name)
            self._files.forget((name,))

    def flush(self) -> None:
        """Return when everything is on the disk.

        Raises:
            StoreError: It could not be written.
        """
        self._history.flush()

    def _look_at(self, job: JobFiles) -> _Announced:
        key_of, inputs = self._history.keys.of, _inputs(job)
        keys = list(map(key_of, inputs))
        return _Announced(job, set(keys), {name: key_of(name) for name in _outputs(job)}, self._newest(inputs, keys))

    def _newest(self, inputs: list[str], keys: list[str]) -> float | None:
        """The time of the newest input, as it will be compared with those of the outputs."""
        get, noted = self._files.get, {} if self._assessor.level is Level.TIMES else self._history.mtimes
        newest: float | None = None
        for name, key in zip(inputs, keys, strict=True):
            fact = get(name)
            if fact is not None:
                at = max(fact[0], noted.get(key, fact[0]))
                newest = at if newest is None else max(newest, at)
        return newest

    def find_outputs(self, job: JobFiles) -> Made:
        """The outputs that exist, patterns expanded, without those that are inputs: name and time of each, by key."""
        key_of, now = self._history.keys.of, time.time()
        announced = self._begun.get(id(job)) or self._look_at(job)
        sources, keys = announced.sources, announced.outputs
        found: dict[str, tuple[str, float]] = {}
        for given in flat_strings(job.shown[1]) if len(job.shown) > 1 else []:
            # A name with brackets may be a pattern, or the name of a file.
            for name in sorted(glob.glob(given)) if is_glob(given) and not os.path.lexists(given) else (given,):
                key = keys.get(name) or key_of(name)
                if key not in sources and (mtime := _time_of(name)) is not None:
                    # The clock's time where it agrees with the file's, since it is the finer one.
                    found[key] = (name, now if 0 <= now - mtime < _CLOCKS_AGREE_S else mtime)
        return found

    def _remember_contents(self, contents: Contents, function: Any, announced: _Announced, made: Made) -> None:
        key_of = self._history.keys.of
        names, before = _inputs(announced.job), announced.stamps
        now = contents.stamps(names) if before is not None else {}
        changed = {name for name in names if before is not None and before.get(name) != now.get(name)}
        contents.remember(made, {key_of(name): name for name in names}, self._assessor.helpers_sum(function), changed)


def _break_ties(newest: float, outputs: list[str]) -> None:
    """Where only the files' own times count, an output must be newer than its inputs, if only just.

    A clock of files ticks every few milliseconds, on some file systems every second or two: a job that takes less
    leaves outputs as old as its inputs, which would be made again and again.
    """
    for name in outputs:
        for step in _TIE_STEPS_S:
            with contextlib.suppress(OSError):  # somebody else's file, or gone again: then its time stays
                status = os.stat(name)
                if status.st_mtime <= newest and newest - status.st_mtime <= _CLOCKS_AGREE_S:
                    os.utime(name, (status.st_atime, newest + step))


def _without_ties(newest: float, found: Made) -> Made:
    """The same where the history's times count: they are as coarse as those of files for outputs found late."""
    if all(made > newest for _, made in found.values()):
        return found
    after = newest + _TIE_STEPS_S[0]
    return {key: (name, after if 0 <= newest - made <= _TIE_S else made) for key, (name, made) in found.items()}


def _inputs(job: JobFiles) -> list[str]:
    return flat_strings(job.params[0]) if job.params else []


def _outputs(job: JobFiles) -> list[str]:
    """The outputs that exist now, or have names, and the patterns of others."""
    named = flat_strings(job.params[1]) if len(job.params) > 1 else []
    if len(job.shown) < 2 or (named and job.shown[1] is job.params[1]):
        return named
    return named + flat_strings(job.shown[1])


def _time_of(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except (OSError, ValueError):
        return None
