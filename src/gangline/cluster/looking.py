"""How the jobs of a cluster are, and their ends: through what Gangline knows of a site's scheduler, if it does.

Of others, dask-jobqueue knows how a job is cancelled. How their engines are, the cluster's own scheduler knows.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from typing import Literal, NamedTuple

from gangline.backends.batch.grid_engine import GridEngine
from gangline.backends.batch.slurm import Slurm
from gangline.backends.batch.system import BatchSystem, Cause, Phase, Sight
from gangline.errors import BackendError

__all__ = ["Seen", "Watch"]

_COMMAND_S = 60.0
_UNKNOWN_S = 3.0
"""For so long a job that is gone may yet turn up in the accounting, with how it has ended."""

_SYSTEMS: Mapping[str, Callable[[], BatchSystem]] = {"slurm": Slurm, "sge": GridEngine}
_CAUSES = {
    Cause.TIME_LIMIT: "it has reached its time limit",
    Cause.MEMORY: "it has used more memory than it may",
    Cause.CANCELLED: "it was cancelled",
    Cause.HOST: "its host has failed, or could not run it",
    Cause.UNSAID: "it has ended",
}


class Seen(NamedTuple):
    """What is known of a job.

    Attributes:
        phase: "waits", "runs" or "ended".
        says: Why it waits, where it runs, or how it has ended.
    """

    phase: Literal["waits", "runs", "ended"]
    says: str


class Watch:
    """Looks after jobs. The methods may block for as long as the scheduler takes to answer.

    Args:
        launcher: The kind of scheduler.
        cancel_command: The site's, as dask-jobqueue has it.
    """

    def __init__(self, launcher: str, cancel_command: str) -> None:
        self._new_system = _SYSTEMS.get(launcher)
        self._system: BatchSystem | None = None
        self._cancel_command = cancel_command
        self._unknown_at: dict[str, float] = {}

    @property
    def can_look(self) -> bool:
        """Whether it can be known how jobs are."""
        return self._new_system is not None

    def look(self, jobs: Collection[str], cancelled: Collection[str] = ()) -> dict[str, Seen]:
        """How jobs are, by their numbers; nothing of those of which nothing is known.

        Args:
            jobs: All that are asked after.
            cancelled: Those of them of which it is enough that they are gone.
        """
        system = self._open()
        if system is None or not jobs:
            return {}
        try:
            sights = system.look(jobs)
        except BackendError:  # it may answer the next time
            return {}
        seen: dict[str, Seen] = {}
        for job, sight in sights.items():
            if sight.phase is Phase.UNKNOWN and not self._is_gone(job, job in cancelled):
                continue
            seen[job] = _seen(sight)
        return seen

    def _open(self) -> BatchSystem | None:
        if self._system is None and self._new_system is not None:
            try:
                self._system = self._new_system()
            except BackendError:  # which submitting tells better
                return None
        return self._system

    def _is_gone(self, job: str, cancelled: bool) -> bool:
        now = time.monotonic()
        return cancelled or now - self._unknown_at.setdefault(job, now) > _UNKNOWN_S

    def cancel(self, jobs: Collection[str]) -> bool:
        """Remove jobs; whether the scheduler has taken that."""
        if (system := self._open()) is not None:
            try:
                system.cancel(jobs)
            except BackendError as error:
                print(error, file=sys.stderr)  # noqa: T201  it goes to the log
                return False
            return True
        argv = [*shlex.split(self._cancel_command), *sorted(jobs)]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_COMMAND_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(error, file=sys.stderr)  # noqa: T201
            return False
        print(done.stdout, done.stderr, file=sys.stderr)  # noqa: T201
        return done.returncode == 0


def _seen(sight: Sight) -> Seen:
    match sight.phase:
        case Phase.WAITING:
            return Seen("waits", f"it waits in the queue ({sight.reason})" if sight.reason else "it waits in the queue")
        case Phase.RUNNING:
            return Seen("runs", sight.host)
        case Phase.ENDED if sight.cause is Cause.EXIT:
            how = f"it has ended with exit code {sight.exit_code}"
        case Phase.ENDED if sight.cause is Cause.SIGNAL:
            how = f"it was ended by {sight.signal or 'a signal'}"
        case _:
            how = _CAUSES[sight.cause]
    return Seen("ended", f"{how} ({sight.reason})" if sight.reason else how)
