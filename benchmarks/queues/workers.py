"""Worker processes: started, stood still, watched and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.last_words import LastWords
from benchmarks.queues.marks import Marks
from benchmarks.queues.systems import ROOT, System, environment

_SETTLE_S = 0.5
_GENTLY_S = 1.0
"""So long workers have to end when they are asked to."""


class Workers:
    """Processes that work for one queue.

    Attributes:
        processes: Those that were started, each with a session of its own.
    """

    def __init__(self, commands: list[list[str]]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  as long as the workers live
        self.processes = [
            subprocess.Popen(
                command, cwd=ROOT, env=environment(), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=self._said, stderr=subprocess.STDOUT,
            )
            for command in commands
        ]  # fmt: skip
        sessions = " ".join(f"-{process.pid}" for process in self.processes)
        self._last_words = LastWords(f"kill -KILL {sessions}")

    def said(self) -> str:
        """What they have written last."""
        self._said.seek(0)
        return self._said.read()[-2000:].decode(errors="replace")

    def tree(self) -> list[int]:
        """All their processes, by descent: some peers leave the session."""
        parents: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, ahead = [], [process.pid for process in self.processes]
        while ahead:
            found.append(ahead.pop())
            ahead += parents.get(found[-1], [])
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send all of them a signal."""
        for process in self.tree():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue

    def end(self) -> None:
        """End them."""
        tree = self.tree()
        self.signal(signal.SIGCONT)
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(_GENTLY_S)
            except subprocess.TimeoutExpired:
                continue
        for number in tree:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for process in self.processes:
            process.wait()
        self._last_words.done()


@contextmanager
def running(system: System, count: int) -> Iterator[Workers]:
    """So many workers."""
    workers = Workers(system.workers(count))
    try:
        yield workers
    except TimeoutError:
        print(workers.said(), file=sys.stderr)
        raise
    finally:
        workers.end()


@contextmanager
def warm(system: System, count: int, marks: Marks) -> Iterator[Workers]:
    """So many workers that have run some jobs and now have nothing to do; the marks are clear."""
    with running(system, count) as workers:
        some = min(marks.size, 100 * count)
        for _ in range(2):
            marks.clear()
            system.enqueue_many(range(some))
            for number in range(some):
                marks.wait(number)
            time.sleep(_SETTLE_S)
        marks.clear()
        yield workers


@contextmanager
def stood_still(workers: Workers) -> Iterator[None]:
    """They do nothing meanwhile."""
    workers.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        workers.signal(signal.SIGCONT)
