"""The numbers of the jobs that a program has submitted, in a file: for whoever comes next if it is killed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["JobLedger", "left_ledgers"]

_SUFFIX = ".jobs"


class JobLedger:
    """One program's file. It is locked for as long as that lives, so nobody else takes it for left.

    Args:
        folder: Where such files are.
        launcher: What kind of scheduler it is about.
        files: The folder of the files of its jobs, which is to go with them.
    """

    def __init__(self, folder: str | Path, launcher: str, files: str) -> None:
        self._path = Path(folder, Path(files).name + _SUFFIX)
        self._head = [os.uname().nodename, launcher, files]
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self.write(())

    def write(self, jobs: Iterable[str]) -> None:
        """These jobs, and no others, are there now."""
        text = "\n".join([*self._head, *sorted(jobs), ""]).encode()
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Nothing is left."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def left_ledgers(folder: str | Path) -> Iterator[tuple[str, list[str]]]:
    """What programs of this host that were killed have left: each launcher, with the numbers of its jobs.

    When the next one is asked for, this one is done with: its file goes, and the folder of its jobs.
    """
    for path in sorted(Path(folder).glob(f"*{_SUFFIX}")):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            host, launcher, files, *jobs = path.read_text("utf-8").splitlines()
            if host == os.uname().nodename:
                yield launcher, jobs
                path.unlink(missing_ok=True)
                if Path(files).name == path.stem:  # it is ours, whatever else somebody may have written there
                    shutil.rmtree(files, ignore_errors=True)
        except (BlockingIOError, ValueError):
            continue
        finally:
            os.close(descriptor)
