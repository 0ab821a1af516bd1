"""A keeper's half of a cluster that consists of jobs of a site's scheduler: which there are, and how their engines are.

The other half is the program that submits and cancels them. What the engines of a job are up to comes from the
cluster's own scheduler, where they announce themselves.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.connection import Place
from gangline.cluster.hosts import LAST_LINES, Engine, EngineReport, Losses
from gangline.cluster.job import KEYS
from gangline.cluster.launchers import LAUNCHERS, JobShape
from gangline.errors import BackendError

__all__ = ["SiteJobs"]

_log = logging.getLogger("gangline.cluster")

_CLOSE_S = 20.0
"""How long cancelling may hold up the end of a cluster; it goes on after that."""

_GONE_S = 5.0
"""How long a job whose engines are gone may take to start others."""

_LOG = "submitting.log"
_LOG_BYTES = 4096


@dataclass(eq=False, slots=True)
class _Job:
    """One job.

    Attributes:
        name: Ours.
        number: The site's.
        host: Where it runs, as far as that is known.
        says: What is last known of it, in words.
        engines: Its engines; which of them is which is known when they announce themselves.
        after: In whose place it is, and why.
        cancelled: We have cancelled it.
    """

    name: str
    number: str = ""
    host: str = ""
    says: str = "its job is being submitted"
    engines: list[Engine] = field(default_factory=list)
    after: str = ""
    cancelled: bool = False

    @property
    def lives(self) -> bool:
        return any(engine.lives for engine in self.engines)

    def in_words(self) -> str:
        return f"job {self.number}: {self.says}" if self.number else self.says


class SiteJobs:
    """The jobs of one cluster. All methods but `open` and `close` are called with the keeper's lock held.

    Args:
        configuration: The cluster's.
        shape: What its jobs are like.
        changed: The keeper's lock, notified of every change.
        on_trouble: Called when jobs can be neither submitted nor cancelled any more.
    """

    def __init__(
        self,
        configuration: ClusterConfiguration,
        shape: JobShape,
        changed: threading.Condition,
        on_trouble: Callable[[str], None],
    ) -> None:
        self._configuration = configuration
        self._shape = shape
        self._launcher = LAUNCHERS[shape.launcher]
        self._changed = changed
        self._on_trouble = on_trouble
        self._jobs: list[_Job] = []
        self._made = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._listener = threading.Thread()
        self._closing = False
        self._folder = ""
        self._address = ""
        self._losses = Losses()

    @property
    def engines_per_job(self) -> int:
        """How many engines each job has."""
        return self._shape.engines_per_job

    def open(self, keys: Mapping[str, str], keepalive_s: float) -> None:
        """Begin, with the keys that the engines are to have.

        Raises:
            BackendError: There is no folder for the keys.
        """
        place = Place(self._configuration.name)
        try:
            place.make()
            parent = os.path.expanduser(self._shape.folder) if self._shape.folder else place.folder
            self._folder = tempfile.mkdtemp(prefix=f"{self._configuration.name}-", dir=parent)  # nobody else may look
            descriptor = os.open(Path(self._folder, KEYS), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as stream:
                json.dump({**keys, "keepalive_s": keepalive_s}, stream)
        except OSError as error:
            raise BackendError(f"there is no folder for the keys that jobs need: {error}") from error
        folders = (*self._configuration.pythonpath, os.environ.get("PYTHONPATH"))
        common = {
            "shape": self._shape.to_json(), "cluster": self._configuration.name, "folder": self._folder,
            "python": self._configuration.python or sys.executable,
            "pythonpath": os.pathsep.join(filter(None, folders)),
            "ledgers": str(place.folder),
        }  # fmt: skip
        # In a session of its own: it outlives this process, and Ctrl-C is none of its business.
        with open(Path(self._folder, _LOG), "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gangline.cluster.submitting"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._send(common)
        self._listener = threading.Thread(target=self._listen, args=(self._process.stdout,), name="gangline-jobs")
        self._listener.daemon = True
        self._listener.start()

    def _send(self, order: Mapping[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has ended, which is noticed elsewhere
            return

    # Which there are ---------------------------------------------------------------------------------------------

    def begin(self, address: str) -> None:
        """Submit the jobs; by that address they reach the cluster's scheduler."""
        self._address = address
        if self._configuration.bounds is None:
            self.have(self._shape.jobs)
        else:
            self.adapt(self._configuration.bounds.minimum)

    def adapt(self, engines: int) -> None:
        """Have jobs for so many engines in all. Those that have begun end by themselves when they are not needed."""
        living = [job for job in self._jobs if job.lives]
        begun = [job for job in living if _is_up(job)]
        there = sum(len(job.engines) for job in begun)
        self.have(len(begun) + max(math.ceil((engines - there) / self._shape.engines_per_job), 0))

    def on_dismissed(self, name: str) -> None:
        """An engine is about to end, since it is not needed."""
        job, engine = self._find(name)
        if job is not None and engine is not None:
            job.engines.remove(engine)
            if not job.engines:
                job.cancelled = True
                self._jobs.remove(job)

    def have(self, count: int) -> list[Engine]:
        """Have so many jobs: new ones are submitted, those above it cancelled; gives the new engines."""
        living = [job for job in self._jobs if job.lives]
        # Those that only wait are cancelled first, the newest of them before others.
        newest = list(reversed(living))
        for job in sorted(newest, key=_is_up)[: max(len(living) - count, 0)]:
            self.cancel(job)
        self._jobs = [job for job in self._jobs if job.lives]
        return [engine for _ in range(count - len(living)) for engine in self._submit().engines]

    def _submit(self, after: str = "") -> _Job:
        job = _Job(f"{self._configuration.name}-{self._made}", after=after)
        self._made += 1
        job.engines = [
            Engine(EngineReport(f"{job.name}-{number}", "", reason=job.in_words()), ordered=True)
            for number in range(self._shape.engines_per_job)
        ]
        self._jobs.append(job)
        self._send({"do": "submit", "name": job.name, "address": self._address})
        return job

    def cancel(self, job: _Job) -> None:
        """It is not wanted any more."""
        job.cancelled = True
        self._send({"do": "cancel", "name": job.name})
        for engine in job.engines:
            engine.over("its job was cancelled, since fewer are wanted")

    def engines(self) -> list[Engine]:
        """All that there are, also those of jobs that have failed."""
        return [engine for job in self._jobs for engine in job.engines]

    def give_up(self, reason: str) -> None:
        """The jobs that are not up by now will not be waited for: they are cancelled."""
        if self.is_hopeless():
            reason = "it was not waited for, since others cannot come up"
        for job in self._jobs:
            if any(engine.report.state == "starting" for engine in job.engines):
                why = "\n    ".join([f"{reason}; {job.in_words()}", *self._last_lines(job)])
                for engine in job.engines:
                    if engine.report.state == "starting":
                        engine.over(why)
                if not job.lives:
                    job.cancelled = True
                    self._send({"do": "cancel", "name": job.name})

    def is_hopeless(self) -> bool:
        """Whether one of them cannot come up; not before all have been submitted."""
        submitted = all(job.number or not job.lives for job in self._jobs)
        return submitted and any(engine.report.state == "failed" for engine in self.engines())

    def are_starting(self, engines: Iterable[Engine]) -> bool:
        """Whether any of these engines may be up soon: it is, unless its job waits in the queue."""
        waiting = {engine for job in self._jobs if job.number and not job.host for engine in job.engines}
        return any(engine.report.state == "starting" and engine not in waiting for engine in engines)

    # What is heard of them --------------------------------------------------------------------------------------

    def _listen(self, words: IO[bytes]) -> None:
        with words:
            for line in words:
                with self._changed:
                    self._on_word(json.loads(line))
                    self._changed.notify_all()
        with self._changed:
            if not self._closing:
                last = _tail(Path(self._folder, _LOG)) or ["it has said nothing"]
                self._on_trouble("\n    ".join(["the program that submits its jobs has ended:", *last]))
            self._changed.notify_all()

    def _on_word(self, word: Mapping[str, Any]) -> None:
        job = next((each for each in self._jobs if each.name == word["name"]), None)
        if job is None:
            return
        match word:
            case {"job": number}:
                hint = f"; `{self._launcher.ask} {number}` tells more" if self._launcher.ask else ""
                job.number, job.says = number, f"it was submitted{hint}"
                for engine in job.engines:
                    engine.report.job = number
            case {"refused": why}:
                self._end(job, f"{self._launcher.title} does not take its job: {_indented(why)}")
            case {"waits": why}:
                job.says = str(why)
            case {"runs": host}:
                job.host, job.says = str(host), f"it runs on {host}" if host else "it runs"
                for engine in job.engines:
                    engine.report.host = job.host
            case {"ended": how}:
                self._end(job, f"job {job.number}: {how}")
        for engine in job.engines:
            if engine.report.state == "starting":
                engine.report.reason = job.in_words()

    def _end(self, job: _Job, why: str) -> None:
        """A job is over. If it has been of use, another one takes its place."""
        was_up = any(engine.report.pid for engine in job.engines)
        said = "\n    ".join([why, *self._last_lines(job)])
        if was_up and not (job.cancelled or self._closing):
            _log.warning("%s has ended: %s", job.name, said)
        for engine in job.engines:
            engine.over(said)
        if was_up and not job.cancelled and not self._closing and self._losses.on_loss(time.monotonic()):
            self._jobs.remove(job)
            self._submit(f"in the place of {job.name}: {why}")

    def on_joined(self, name: str, pid: int, host: str) -> None:
        """An engine has announced itself to the cluster's scheduler."""
        job, engine = self._find(name)
        if job is None:
            return
        if engine is None:  # one that its job has started in the place of another
            engine = next((each for each in job.engines if each.report.state != "up"), None)
        if engine is not None:
            was = engine.report
            after = f"in the place of {was.name}: {was.reason}" if was.state == "ended" else job.after
            engine.report = EngineReport(name, job.host or host, "up", pid, after, job.number)

    def on_left(self, name: str) -> None:
        """An engine is gone from there. Its job is likely to have ended."""
        job, engine = self._find(name)
        if job is not None and engine is not None and engine.report.name == name:
            engine.over(f"it has left, or was lost; job {job.number}")
            self._send({"do": "look"})
            if self._launcher.ask and not job.lives:
                timer = threading.Timer(_GONE_S, self._on_silence, (job,))
                timer.daemon = True
                timer.start()

    def _on_silence(self, job: _Job) -> None:
        """The engines of a job are gone, and nobody can tell what has become of it: it has ended, or is to."""
        with self._changed:
            if job in self._jobs and not (job.lives or self._closing):
                self._send({"do": "cancel", "name": job.name})
                self._end(job, f"job {job.number}: its engines are gone")
                self._changed.notify_all()

    def _find(self, name: str) -> tuple[_Job | None, Engine | None]:
        of = name.rpartition("-")[0]
        job = next((job for job in self._jobs if job.name == of), None)
        engines = () if job is None else job.engines
        return job, next((engine for engine in engines if engine.report.name == name), None)

    def _last_lines(self, job: _Job) -> list[str]:
        """What a job has written last, wherever its scheduler has put that."""
        if not job.number:
            return []
        files = [path for path in Path(self._folder).glob(f"*{job.number.split('.')[0]}*") if path.is_file()]
        return [line for path in sorted(files) for line in _tail(path)][-LAST_LINES:]

    # Ending ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Cancel all jobs; returns when they are gone, or that takes too long."""
        with self._changed:
            self._closing = True
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended
            process.stdin.close()
        try:
            process.wait(_CLOSE_S)
            self._listener.join(_CLOSE_S)
        except subprocess.TimeoutExpired:  # it goes on by itself
            process.returncode = 0


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def _is_up(job: _Job) -> bool:
    return any(engine.report.state == "up" for engine in job.engines)


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - _LOG_BYTES, 0))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
