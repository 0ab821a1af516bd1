"""One task as a job of a site's scheduler, and the jobs that an earlier run of the program has left."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gangline.backends.batch.following import Follower
from gangline.backends.batch.locks import alone_in
from gangline.backends.batch.orders import Order
from gangline.backends.batch.runs import Record, Run, Submission, abandoned_runs
from gangline.backends.batch.system import BatchSystem, Phase, Sight
from gangline.errors import BackendError
from gangline.messages import EngineId, TaskId

__all__ = ["Job", "Orphan", "Orphans"]

_log = logging.getLogger("gangline.batch")

_KEPT_S = 14 * 86400.0
_UNSEEN = Sight(Phase.WAITING)


@dataclass(eq=False, slots=True)
class Job:
    """A task on its way through the scheduler.

    Attributes:
        engine: The place that it has.
        uuid: That place's own name.
        task: The task.
        order: What to run.
        id: The number that the scheduler gave; "" before it has.
        submission: Where its files are.
        number: Its number there.
        begun: The record of its beginning.
        ended: The record of its end, while it is not known yet what ended it.
        sight: What the scheduler said last.
        submitted_at: When the scheduler took it.
        over_since: When the scheduler first said that it is over, as long as there is no record of its end.
        adopted: It was submitted by an earlier run of the program.
        called_off: It is not wanted any more.
        follower: Passes on what it says.
    """

    engine: EngineId
    uuid: str
    task: TaskId
    order: Order
    id: str = ""
    submission: Submission | None = None
    number: int = 0
    begun: Record | None = None
    ended: Record | None = None
    sight: Sight = _UNSEEN
    submitted_at: float = field(default_factory=time.monotonic)
    over_since: float | None = None
    adopted: bool = False
    called_off: bool = False
    follower: Follower | None = None

    def has_begun(self) -> bool:
        """Whether there is a record of its beginning."""
        return self.submission is not None and self.submission.how_it_began(self.number) is not None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A job that an earlier run of the program has submitted."""

    run: Run
    submission: Submission
    number: int
    id: str


@dataclass(slots=True)
class Orphans:
    """The jobs that earlier runs have left in a folder, by fingerprint.

    A run is held locked from when the first of its jobs is asked for: until then its own program may come back.
    """

    _jobs: dict[str, deque[Orphan]] = field(default_factory=dict)
    _runs: list[Run] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, system: BatchSystem) -> Orphans:
        """See what programs have left that died; what is very old, or another system's, is dropped.

        Raises:
            BackendError: The folder cannot be used.
        """
        found = cls()
        count = 0
        try:
            with alone_in(folder):
                for run in abandoned_runs(folder):
                    try:
                        count += found._see(run, system)
                    except OSError as exc_of_run:
                        run.close()
                        _log.warning(
                            "the jobs that an earlier run has left in %s are not known: %s", run.path, exc_of_run
                        )
        except OSError as exc:
            raise BackendError(f"the folder for jobs of the scheduler, {folder}, cannot be used: {exc}") from exc
        if count:
            what = f"{count} jobs" if count > 1 else "1 job"
            message = f"found {what} that an earlier run has left in {folder}; who asks for the same again gets them"
            _log.warning(message)
        return found

    def _see(self, run: Run, system: BatchSystem) -> int:
        """Note the jobs of a run, and how many there are; a run with none is removed."""
        left = []
        for submission, ids, fingerprints in run.submissions(system):
            for number, (job, fingerprint) in enumerate(zip(ids, fingerprints, strict=False), 1):
                if not _has_files(submission, number):
                    submission.left.discard(number)
                    continue
                left.append((fingerprint, Orphan(run, submission, number, job)))
        is_young = time.time() - run.path.stat().st_mtime < _KEPT_S
        if not left or not is_young:
            run.end(keep=run.is_shared and is_young)
            return 0
        for fingerprint, orphan in left:
            self._jobs.setdefault(fingerprint, deque()).append(orphan)
        self._runs.append(run)
        run.close()
        return len(left)

    def take(self, fingerprint: str) -> Iterable[Orphan]:
        """One after the other, those that are the same; each is given once."""
        while jobs := self._jobs.get(fingerprint):
            orphan = jobs.popleft()
            if orphan.run.hold() and _has_files(orphan.submission, orphan.number):
                yield orphan
            else:  # another program was quicker
                orphan.submission.left.discard(orphan.number)

    def close(self) -> None:
        """Leave those that nobody asked for to the next run."""
        wanted = {orphan.run for jobs in self._jobs.values() for orphan in jobs}
        for run in self._runs:
            if run not in wanted and run.hold():
                run.end(keep=run.is_shared)
            run.close()
        self._runs.clear()


def _has_files(submission: Submission, number: int) -> bool:
    return Path(f"{submission.base(number)}.json").exists()
