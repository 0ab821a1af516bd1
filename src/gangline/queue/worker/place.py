"""Where jobs run: the engines of one interpreter on this host."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.backends.processes import ProcessesBackend
from gangline.errors import UsageError
from gangline.messages import EngineId, EngineJoined, EngineLost, Terms
from gangline.queue.execution.parcel import pack
from gangline.queue.execution.run import run_job
from gangline.store.jobs.port import Claim

__all__ = ["Place", "interpreter_of"]

_HOPELESS = 3
"""After so many engines that ended without any having joined in between, the session starts no more."""

_TERMS = Terms(patient=True)
_NO_KEYWORDS: dict[str, object] = {}


class Place:
    """Engine processes of one interpreter. An engine runs one job at a time, and many one after the other.

    Args:
        python: The interpreter; empty for this one.
        slots: How many jobs run at once at most.
        url: The store, for jobs that ask for it.
    """

    def __init__(self, python: str, slots: int, url: str) -> None:
        self.python = python
        self._slots = slots
        self._url = url
        self._losses: list[str] = []
        self._session = Session(ProcessesBackend(python=interpreter_of(python)), engines=0)
        self._session.add_engine_listener(self._on_engine)  # before any engine can fail to start
        self._session.add_engines(slots)

    def start(self, claims: Sequence[Claim]) -> list[Handle]:
        """Have jobs run, in this order where there is a choice."""
        # Bytes travel as they are; claims would be pickled with all the care that users' objects need.
        return self._session.submit_many(
            [(run_job, (self._url, pack(claim)), _NO_KEYWORDS) for claim in claims], _TERMS
        )

    def running(self) -> set[int]:
        """The numbers of the tasks that run at this moment."""
        session = self._session
        return {task for engine in session.engines if (task := session.running(engine)) is not None}

    def take_back(self, handle: Handle) -> bool:
        """Take back a job that has not begun; False if it has."""
        try:
            return self._session.cancel(handle)
        except UsageError:  # it has just ended
            return False

    def kill(self, handle: Handle, reason: str) -> None:
        """End a job that runs, with all processes that it has started."""
        engine = handle.engine
        if engine is None or self._session.running(engine) != handle.id:
            self.take_back(handle)
        else:
            self._session.kill_engine(engine, reason)

    def renew_engine(self, engine: EngineId) -> None:
        """Put a new engine in the place of one that has old code loaded."""
        self._session.add_engines(1)
        self._session.stop_engine(engine)

    def forget(self, handles: Sequence[Handle]) -> None:
        """Give up what is kept of tasks that have ended."""
        self._session.purge(handles)

    def lacks_engines(self) -> bool:
        """Whether there is no engine: none could be started, or not yet."""
        return not self._session.engines

    def hopeless(self) -> str:
        """Why no engine could start, after several attempts; empty while there is hope."""
        return self._losses[-1] if len(self._losses) >= _HOPELESS and self.lacks_engines() else ""

    def _on_engine(self, event: EngineJoined | EngineLost) -> None:
        """Called from the session's thread."""
        if isinstance(event, EngineJoined):
            self._losses.clear()
        else:
            self._losses.append(event.reason)

    def close(self) -> None:
        """End the engines."""
        self._session.close()


def interpreter_of(project: str) -> str | None:
    """The interpreter of a project: itself, or the one of the virtual environment in a folder.

    Raises:
        UsageError: There is none.
    """
    if not project:
        return None
    for path in (project, *(os.path.join(project, *parts) for parts in _INTERPRETERS)):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise UsageError(
        f"project {project!r} is no Python interpreter, and no folder with a virtual environment in it, on this host"
    )


_INTERPRETERS = (("bin", "python"), (".venv", "bin", "python"), ("venv", "bin", "python"))
