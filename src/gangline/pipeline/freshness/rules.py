"""Whether a job is up to date.

The questions are asked in this order, and the first that says no decides: are there two parameters; is an output named;
do all files exist; was each output made to the end; by the same function; with the same parameters; and are all inputs
older than all outputs. Files that are equally old are out of date: nobody can say which was first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from gangline.pipeline.freshness.checksum import checksum_function, checksum_helpers, checksum_params
from gangline.pipeline.freshness.facts import REMOVED, Fact, FileFacts
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.verdict import UP_TO_DATE, Cause, Freshness, Times
from gangline.pipeline.names.nested import flat_strings, is_glob

if TYPE_CHECKING:
    from gangline.pipeline.freshness.contents import Contents, Print

__all__ = ["Assessor", "JobFiles"]

_CLOCKS_AGREE_S = 1.1
"""A file's time and the history's are taken for the same moment when they are that close."""


class JobFiles(Protocol):
    """What a job is asked: what its function is called with, and how that is shown, globs in outputs unexpanded."""

    @property
    def params(self) -> Sequence[Any]:
        """Input, output and extras, as its function is called."""

    @property
    def shown(self) -> Sequence[Any]:
        """The same, with the globs in outputs unexpanded."""

    @property
    def named(self) -> Mapping[str, Any]:
        """Extras that are handed over by name."""


_NOT_SPECIFIED = Freshness(True, Cause.NOT_SPECIFIED)
_NO_OUTPUTS = Freshness(True, Cause.NO_OUTPUTS)
_NO_INPUTS = Freshness(False, Cause.NO_INPUTS)


class Assessor:
    """Tells of jobs whether they are up to date, in one pass over a pipeline.

    Args:
        level: How closely to look.
        history: What earlier runs have made.
        files: What is known of files; shared with whoever writes files meanwhile.
        with_times: Whether times are wanted of jobs that are up to date, too.
    """

    def __init__(
        self, level: Level, history: History, files: FileFacts | None = None, *, with_times: bool = False
    ) -> None:
        self.level = level
        self.history = history
        self.files = FileFacts() if files is None else files
        self.with_times = with_times
        self._goes_by_history = level is Level.HISTORY and not with_times
        self.contents: Contents | None = None
        if level >= Level.SIZES:
            from gangline.pipeline.freshness.contents import Contents  # it loads OpenSSL, which few levels need

            self.contents = Contents(history, level >= Level.CONTENTS)
        self._functions: dict[Any, str] = {}
        self._helpers: dict[Any, str] = {}

    def all_fresh(self, function: Any, jobs: Iterable[JobFiles]) -> bool:
        """Whether all jobs of a stage are up to date."""
        if self._goes_by_history:
            is_fresh = self._is_plainly_fresh
            jobs = (job for job in jobs if len(job.params) < 2 or not is_fresh(job.params[0], job.params[1]))
        return not any(self.assess(function, job).needs_update for job in jobs)

    def assess(self, function: Any, job: JobFiles) -> Freshness:
        """Whether one job of a stage is up to date.

        Args:
            function: The stage's function.
            job: The job.
        """
        params = job.params
        if len(params) < 2:
            return _NOT_SPECIFIED
        if self._goes_by_history and self._is_plainly_fresh(params[0], params[1]):
            return UP_TO_DATE
        inputs, outputs = flat_strings(params[0]), flat_strings(params[1])
        if not outputs:
            return _NO_OUTPUTS
        get = self.files.get
        seen = [fact for fact in map(get, inputs) if fact is not None]
        made = [fact for fact in map(get, outputs) if fact is not None]
        if len(seen) < len(inputs) or len(made) < len(outputs):
            return Freshness(True, Cause.MISSING, [name for name in (*inputs, *outputs) if get(name) is None])
        key_of = self.history.keys.of
        keys = list(map(key_of, outputs))
        found = self._unfinished(job, outputs, keys)
        if found is None and self.level >= Level.FUNCTIONS:
            found = self._made_differently(function, job, outputs, keys)
        if found is not None:
            return found
        if self.contents is not None:
            known = self._compare_contents(self.contents, inputs, outputs, keys)
            if known is not None:
                return known
        if not inputs:
            return _NO_INPUTS
        found = self._compare_times(inputs, outputs, keys, seen, made)
        if self.contents is not None and not found.needs_update and self.history.writing:
            self._adopt(self.contents, function, inputs, outputs, keys)
        return found

    def _is_plainly_fresh(self, source: Any, target: Any) -> bool:
        """The usual case in short: one input, which is older than one output, which was made to the end."""
        if not (isinstance(source, str) and isinstance(target, str)):
            return False
        get, mtimes, key_of = self.files.get, self.history.mtimes, self.history.keys.of
        seen, made = get(source), get(target)
        if seen is None or made is None or seen[1] == made[1]:
            return False
        noted = mtimes.get(key_of(target))
        if noted is None:
            return False
        newest = max(seen[0], mtimes.get(key_of(source), seen[0]))
        return newest < (made[0] if noted - made[0] > _CLOCKS_AGREE_S else noted)

    def _unfinished(self, job: JobFiles, outputs: list[str], keys: list[str]) -> Freshness | None:
        """Outputs that exist, but that no run is known to have finished."""
        mtimes, begun = self.history.mtimes, self.history.begun
        if self.level >= Level.HISTORY:
            if all(map(mtimes.__contains__, keys)):
                return None
            unfinished = [name for name, key in zip(outputs, keys, strict=True) if key not in mtimes]
        else:
            # Without a history all that is known of an output is that a run began it and did not come to the end.
            if not begun:
                return None
            names = [*zip(outputs, keys, strict=True), *self._patterns(job)]
            unfinished = [name for name, key in names if key in begun and key not in mtimes]
        return Freshness(True, Cause.UNFINISHED, list(dict.fromkeys(unfinished))) if unfinished else None

    def _patterns(self, job: JobFiles) -> list[tuple[str, str]]:
        if job.shown is job.params:
            return []
        key_of = self.history.keys.of
        return [(name, key_of(name)) for name in flat_strings(job.shown[1]) if is_glob(name)]

    def _made_differently(self, function: Any, job: JobFiles, outputs: list[str], keys: list[str]) -> Freshness | None:
        """Outputs that another function made, or that were made with other parameters."""
        function_sum = self.function_sum(function)
        params_sum = checksum_params(job.params[2:], job.named) if self.level >= Level.PARAMETERS else None
        sums = self.history.sums
        by_params, by_function = [], []
        for name, key in zip(outputs, keys, strict=True):
            old_params, old_function = sums(key)
            if params_sum is not None and params_sum != old_params:
                by_params.append(name)
            elif function_sum != old_function:
                by_function.append(name)
        if by_function:
            return Freshness(True, Cause.FUNCTION, list(dict.fromkeys(by_function)))
        if by_params:
            return Freshness(True, Cause.PARAMETERS, by_params)
        return self._helped_differently(function, outputs, keys)

    def _helped_differently(self, function: Any, outputs: list[str], keys: list[str]) -> Freshness | None:
        if self.contents is None:
            return None
        helpers = self.helpers_sum(function)
        found = []
        for name, key in zip(outputs, keys, strict=True):
            made = self.contents.made(key)
            if made is not None and made.helpers != helpers:
                found.append(name)
        return Freshness(True, Cause.HELPERS, found) if found else None

    def function_sum(self, function: Any) -> str:
        """The checksum of a stage's function; worked out once."""
        found = self._functions.get(id(function))
        if found is None:
            found = self._functions[id(function)] = checksum_function(function)
        return found

    def helpers_sum(self, function: Any) -> str:
        """The checksum of the functions that a stage's function uses; worked out once."""
        found = self._helpers.get(id(function))
        if found is None:
            found = self._helpers[id(function)] = checksum_helpers(function)
        return found

    def _compare_contents(
        self, contents: Contents, inputs: list[str], outputs: list[str], keys: list[str]
    ) -> Freshness | None:
        """What sizes or contents say; None when they leave it to the times, or are not known."""
        key_of = self.history.keys.of
        now = {}
        for name in inputs:
            key = key_of(name)
            now[key] = (name, self._print_of(contents, name, key))
        lists: dict[str, Any] = {}
        for name, key in zip(outputs, keys, strict=True):
            if key in now:
                continue
            made = contents.made(key)
            if made is None:
                return None
            print_now = self._print_of(contents, name, key)
            if print_now is None or (made.size, made.digest if print_now.digest else "") != print_now:
                return Freshness(True, Cause.OUTPUTS, [name])
            if made.inputs not in lists:
                lists[made.inputs] = contents.inputs(made)
        for before in lists.values():
            if before is None:
                return None
            changed = contents.changed(before, now)
            if changed:
                return Freshness(True, Cause.INPUTS, changed)
        return UP_TO_DATE if self.level >= Level.CONTENTS and lists and inputs else None

    def _print_of(self, contents: Contents, name: str, key: str) -> Print | None:
        """What is in a file; of one that was removed, but counts as being there, what was in it when it was made."""
        if not self._is_removed(name):
            return contents.print_of(name)
        return contents.print_when_made(key)

    def _is_removed(self, name: str) -> bool:
        fact = self.files.get(name)
        return fact is not None and fact[1] == REMOVED

    def _compare_times(
        self, inputs: list[str], outputs: list[str], keys: list[str], seen: list[Fact], made: list[Fact]
    ) -> Freshness:
        mtimes, key_of = self.history.mtimes, self.history.keys.of
        with_history = self.level >= Level.HISTORY
        input_times = [mtime for mtime, _ in seen]
        if with_history:
            input_times = [
                max(mtime, mtimes.get(key_of(name), mtime)) for mtime, name in zip(input_times, inputs, strict=True)
            ]
        inodes = {inode for _, inode in seen}
        output_times, compared = [], []
        for name, key, (mtime, inode) in zip(outputs, keys, made, strict=True):
            if inode in inodes and any(self.files.same_file(name, source) for source in inputs):
                continue
            noted = mtimes[key] if with_history else mtime
            # The history's time is the finer one, unless the file has been set back since.
            output_times.append(mtime if noted - mtime > _CLOCKS_AGREE_S else noted)
            compared.append(name)
        stale = bool(output_times) and max(input_times) >= min(output_times)
        if not stale and not self.with_times:
            return UP_TO_DATE
        times = Times(list(zip(input_times, inputs, strict=True)), list(zip(output_times, compared, strict=True)))
        return Freshness(stale, Cause.TIMES if stale else Cause.UP_TO_DATE, (), times)

    def _adopt(self, contents: Contents, function: Any, inputs: list[str], outputs: list[str], keys: list[str]) -> None:
        """From now on the contents of a job are known that ran when nobody looked at them."""
        if any(map(self._is_removed, (*inputs, *outputs))):
            return
        key_of, mtimes = self.history.keys.of, self.history.mtimes
        sources = {key_of(name): name for name in inputs}
        made = {key: (name, mtimes[key]) for name, key in zip(outputs, keys, strict=True) if key not in sources}
        contents.remember(made, sources, self.helpers_sum(function), set())
