"""The program that runs in a job of a site's scheduler: the engines of that job, until there are none any more.

It is a nursery whose orders come from its command line, as dask-jobqueue writes it, and from the folder that the hosts
share. It has no connection to whoever keeps the cluster: engines end when their scheduler is gone, and it with them.

Rules:
    An engine that is killed gets a successor, for as long as each has come up.
    Some time before the site would end the job, its engines leave by themselves, so that everybody learns why.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gangline.cluster.hosts import Losses
from gangline.cluster.nursery import Nursery, import_roles

__all__ = ["KEYS", "main"]

KEYS = "keys.json"
"""The file in the folder with what all engines have to know."""

_EARLY_S = 10.0
"""By so much engines leave before the job's time is over; of a short one, by a quarter."""

_UP = "it is up"

_NUMBERS = (
    "SLURM_JOB_ID", "JOB_ID", "PBS_JOBID", "LSB_JOBID", "OAR_JOB_ID", "MOAB_JOBID", "CONDOR_JOB_ID"
)  # fmt: skip


def main() -> None:
    """Have the engines of this job run."""
    options = _options()
    try:
        common = json.loads(Path(options.folder, KEYS).read_text("utf-8"))
    except OSError:
        sys.exit(f"the cluster of this job is no more: there is no {KEYS} in {options.folder}")
    import_roles()
    with tempfile.TemporaryDirectory(prefix="gangline-cluster-") as scratch:
        job = _Job(options, common, scratch)
        job.run()
    if not job.was_up:
        print("no engine of this job has come up", flush=True)  # noqa: T201  it is the log of the job
        sys.exit(1)


def _options() -> argparse.Namespace:
    """What dask-jobqueue says to the program of a worker, and what we have added."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--name", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--engines", type=int, default=1)
    parser.add_argument("--wall-time", type=float)
    known, _ = parser.parse_known_args()  # Dask's own limits of threads and memory are not for these engines
    return known


def job_in_words() -> str:
    """This job as its site calls it."""
    number = next((os.environ[name] for name in _NUMBERS if os.environ.get(name)), "")
    return f"job {number}" if number else "the job"


class _Job(Nursery):
    """The engines of this job."""

    def __init__(self, options: argparse.Namespace, common: dict[str, Any], scratch: str) -> None:
        super().__init__(self._tell, scratch)
        self._job_name = options.name
        self._order = {
            **common, "do": "start", "as": "engine", "address": options.address, "host": _own_address(options.address),
            "leaving": f"was ended with {job_in_words()} on {socket.gethostname()}",
        }  # fmt: skip
        self._count = 0
        self._up: set[str] = set()
        self._closing = False
        self._losses = Losses()
        for _ in range(options.engines):
            self._add()
        wall_time_s = options.wall_time
        if wall_time_s:
            signal.signal(signal.SIGALRM, lambda *_: self._over(wall_time_s))
            signal.setitimer(signal.ITIMER_REAL, wall_time_s - min(_EARLY_S, wall_time_s / 4))

    @property
    def was_up(self) -> bool:
        """Whether any engine has been of use."""
        return bool(self._up)

    def _add(self) -> None:
        name = f"{self._job_name}-{self._count}"
        self._count += 1
        self.start_child(name, "engine", {**self._order, "name": name})

    def _over(self, wall_time_s: float) -> None:
        """The time of the job is about to be."""
        self._closing = True
        why = f"{job_in_words()} on {socket.gethostname()} has reached its wall_time of {wall_time_s:g} s"
        print(why, flush=True)  # noqa: T201  it is the log of the job
        Path(self.scratch, "leaving").write_text(f"was ended, since {why}", "utf-8")
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):  # it has ended at this very moment
                os.kill(pid, signal.SIGTERM)

    def _tell(self, word: dict[str, Any]) -> None:
        name = word["name"]
        if "up" in word:  # this is in the engine's own process
            print(_UP, flush=True)  # noqa: T201  its parent reads that
            return
        said = word.get("line") or word["ended"]
        print(f"{name}: {said}", flush=True)  # noqa: T201  it is the log of the job
        if said == _UP:
            self._up.add(name)
        elif "ended" in word:
            was_killed = name in self._up and " by SIG" in said
            if was_killed and not self._closing and self._losses.on_loss(time.monotonic()):
                self._add()
            if not self.pids():
                self.leave()


def _own_address(scheduler: str) -> str | None:
    """That of this host on the way to the scheduler; None: Dask is to find out."""
    where = urlsplit(scheduler)
    with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((where.hostname, where.port))
        return str(way.getsockname()[0])
    return None


if __name__ == "__main__":
    main()
