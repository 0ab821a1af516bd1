"""The folder in which jobs of a site's scheduler find what to run, and leave what became of them.

One program has one *run*: a folder that it holds locked while it lives. In a run there is a folder for each submission:

    request.json    system, count and fingerprints, before it is submitted
    jobs.json       the numbers of the jobs, once it has been
    job.sh          what the scheduler runs
    N.json N.in N.call N.out N.err N.messages N.result begun/N ended/N      of each job (see `onnode`)

A run whose lock is free belongs to a program that has died: another one of the same folder takes its jobs over. Who
makes a run, or looks for such ones, holds the lock of the whole folder meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gangline.backends.batch import onnode
from gangline.backends.batch.carried import NAME, write_carried
from gangline.backends.batch.locks import alone_in, hold_lock
from gangline.backends.batch.orders import Order
from gangline.backends.batch.system import BatchSystem, Request
from gangline.errors import BackendError

__all__ = ["Record", "Run", "Submission", "abandoned_runs"]

Record = Mapping[str, Any]
"""What `onnode` writes when a job has begun, and when it has ended."""

_SCRIPT = """#!/bin/sh
# Written by Gangline. A folder that is gone means that nobody wants this job any more.
cd {folder} 2>/dev/null || exit 0
python={python}
[ -x "$python" ] || python=python3
exec "$python" -I -S {program} . "${{{variable}:-1}}"
"""
_REMOVAL_S = 3600.0
_REMOVALS = 5
_PAUSE_S = 0.03


class Run:
    """The folder of one program, held locked.

    Args:
        path: Where it is.
        descriptor: Its lock.

    Attributes:
        is_shared: Whether there are submissions to another scheduler; known once those to one have been listed.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        self._count = 0
        self._module_paths: dict[str, str] = {}
        self.is_shared = False
        _held.add(self)

    @classmethod
    def begin(cls, folder: Path) -> Run:
        """A new one.

        Raises:
            BackendError: The folder cannot be written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with alone_in(folder):
                path = Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=folder))
                descriptor = hold_lock(path / "lock")
            (path / "onnode.py").write_text(Path(onnode.__file__).read_text())
        except OSError as exc:
            raise BackendError(
                f"the folder for jobs of the scheduler, {folder}, cannot be used: {exc}. It has to be one that all "
                "hosts see; name another one with folder="
            ) from exc
        assert descriptor is not None  # it is new
        return cls(path, descriptor)

    def module_path_file(self) -> str:
        """The file that has `sys.path` as it is now."""
        text = json.dumps([entry for entry in sys.path if isinstance(entry, str)])
        if text not in self._module_paths:
            path = self.path / f"modules{len(self._module_paths)}.json"
            path.write_text(text)
            self._module_paths[text] = str(path)
        return self._module_paths[text]

    def _carry(self) -> None:
        """Have there what takes in messages."""
        if not (self.path / NAME).exists():
            write_carried(self.path)

    def prepare(
        self, orders: Sequence[Order], engines: Sequence[tuple[int, str]], system: BatchSystem
    ) -> tuple[Submission, Request]:
        """Write down what is to be run, as one submission.

        Args:
            orders: Equal in name and resources.
            engines: For each: the number and the uuid of where it runs.
            system: Who is to run it.

        Raises:
            OSError: It cannot be written.
        """
        self._count += 1
        folder = self.path / f"{self._count:05}"
        for each in (folder, folder / "begun", folder / "ended"):
            each.mkdir()
        variable = system.whole_variable if len(orders) > 1 else system.job_variable
        for number, (order, (engine, uuid)) in enumerate(zip(orders, engines, strict=True), 1):
            base = str(folder / str(number))
            path_file = "" if order.call is None else self.module_path_file()
            what = order.specification(base, path_file, engine, uuid)
            what |= {"job_variable": variable, "token": order.token}
            if what["logs"] is not None:
                self._carry()
            _write_json(folder / f"{number}.json", what)
            if order.call is not None:
                (folder / f"{number}.call").write_bytes(order.call)
            elif order.input:
                (folder / f"{number}.in").write_bytes(order.input)
        script = folder / "job.sh"
        text = _SCRIPT.format(
            folder=shlex.quote(str(folder)),
            python=shlex.quote(sys.executable),
            program=shlex.quote(str(self.path / "onnode.py")),
            variable=system.array_variable,
        )
        script.write_bytes(os.fsencode(text))
        script.chmod(0o755)
        fingerprints = [order.fingerprint for order in orders]
        _write_json(folder / "request.json", {"system": system.name, "fingerprints": fingerprints})
        first = orders[0]
        request = Request(first.name, str(script), os.getcwd(), str(folder / "log"), first.resources, count=len(orders))
        return Submission(folder, len(orders)), request

    def submissions(self, system: BatchSystem) -> Iterator[tuple[Submission, Sequence[str], Sequence[str]]]:
        """Of a run that was taken over: its submissions, the numbers of their jobs, and their fingerprints.

        What may or may not have been submitted is kept from beginning any more.
        """
        for folder in sorted(self.path.iterdir()):
            if not folder.is_dir():
                continue
            with contextlib.suppress(OSError, ValueError, KeyError):
                request = _read_json(folder / "request.json")
                if request["system"] != system.name:
                    self.is_shared = True
                    continue
                fingerprints = request["fingerprints"]
                if (jobs := _numbers_of_jobs(folder, len(fingerprints), system)) is not None:
                    yield Submission(folder, len(jobs)), jobs, fingerprints
                    continue
            shutil.rmtree(folder, ignore_errors=True)

    def hold(self) -> bool:
        """Have the lock again that was given up; False if somebody else has it, or the run is gone."""
        if self._descriptor is None:
            with contextlib.suppress(OSError), alone_in(self.path.parent):
                self._descriptor = hold_lock(self.path / "lock", create=False)
        return self._descriptor is not None

    def end(self, *, keep: bool) -> None:
        """Give up the lock, and the folder unless somebody may want it."""
        if not keep:
            shutil.rmtree(self.path, ignore_errors=True)
        self.close()
        if not keep:
            _remove_again(self.path)

    def close(self) -> None:
        """Give up the lock."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Submission:
    """The folder of one submission.

    Args:
        folder: Where it is.
        count: How many jobs it has.

    Attributes:
        left: The numbers of the jobs, from 1 on, that are not forgotten.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.left = set(range(1, count + 1))
        self._begun: set[int] = set()

    def submitted(self, jobs: Sequence[str]) -> None:
        """Write down the numbers that the scheduler has given."""
        _write_json(self.folder / "jobs.json", list(jobs))

    def discard(self) -> None:
        """Remove it: nothing was submitted."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def base(self, number: int) -> str:
        """Where a job's files are, up to the dot."""
        return str(self.folder / str(number))

    def token(self, number: int) -> str:
        """What a job hands in its messages with; "" if it hands in none."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            return str(_read_json(Path(f"{self.base(number)}.json"))["token"])
        return ""

    def newly_begun(self) -> list[int]:
        """The jobs that have begun since the last call."""
        new = _numbers(self.folder / "begun") - self._begun
        self._begun |= new
        return sorted(new)

    def ended(self) -> list[int]:
        """The jobs that have ended and are not forgotten."""
        return sorted(_numbers(self.folder / "ended") & self.left)

    def how_it_began(self, number: int) -> Record | None:
        """The record of a job's beginning; None if there is none."""
        return self._record("begun", number)

    def how_it_ended(self, number: int) -> Record | None:
        """The record of a job's end; None if there is none."""
        return self._record("ended", number)

    def _record(self, kind: str, number: int) -> Record | None:
        try:
            record: Record = _read_json(self.folder / kind / str(number))
        except (OSError, ValueError):
            return None
        return record

    def log(self, number: int) -> str:
        """What the script itself has written: nothing, unless the job could not be run at all."""
        for name in (f"log.{number}", "log"):
            with contextlib.suppress(OSError):
                if text := (self.folder / name).read_text(errors="replace").strip():
                    return text
        return ""

    def forget(self, number: int) -> None:
        """Remove the files of a job, and with the last one the folder."""
        self.left.discard(number)
        if not self.left:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        for name in (
            *(f"{number}.{end}" for end in ("json", "in", "call", "out", "err", "messages", "result")),
            f"log.{number}",
        ):
            (self.folder / name).unlink(missing_ok=True)
        for kind in ("begun", "ended"):
            (self.folder / kind / str(number)).unlink(missing_ok=True)


def abandoned_runs(folder: Path) -> Iterator[Run]:
    """The runs of programs that have died; each is now held locked by this one."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return
    for path in paths:
        with contextlib.suppress(OSError):
            if (descriptor := hold_lock(path / "lock", create=False)) is not None:
                yield Run(path, descriptor)
            elif not (path / "lock").exists() and time.time() - path.stat().st_mtime > _REMOVAL_S:
                shutil.rmtree(path)  # whoever began to has died


_held: weakref.WeakSet[Run] = weakref.WeakSet()


def _after_fork() -> None:
    """A lock ends with the program that holds it, not with the last of its children."""
    for run in list(_held):
        run.close()


os.register_at_fork(after_in_child=_after_fork)


def _numbers_of_jobs(folder: Path, count: int, system: BatchSystem) -> list[str] | None:
    """The numbers of a submission's jobs.

    Where they were not written down, the program has died while it submitted them. Jobs that have begun since have told
    their numbers; the others, if they were submitted, find that they have begun already, and that they have no files.
    """
    with contextlib.suppress(OSError, ValueError):
        return [str(job) for job in _read_json(folder / "jobs.json")]
    jobs = [""] * count
    for number in range(1, count + 1):
        begun = folder / "begun" / str(number)
        try:
            begun.open("x").close()
        except FileExistsError:
            jobs[number - 1] = system.job_number(str(_read_json(begun)["job"]), number, count)
        else:
            (folder / f"{number}.json").unlink(missing_ok=True)
    if not any(jobs):
        return None
    _write_json(folder / "jobs.json", jobs)
    return jobs


def _remove_again(folder: Path) -> None:
    """Remove what is still there of a folder: a job that is being ended may have written to it meanwhile."""
    for _ in range(_REMOVALS):
        if not folder.exists():
            return
        time.sleep(_PAUSE_S)
        shutil.rmtree(folder, ignore_errors=True)


def _numbers(folder: Path) -> set[int]:
    try:
        return {int(name) for name in os.listdir(folder) if name.isdigit()}
    except OSError:
        return set()


def _write_json(path: Path, content: object) -> None:
    with open(f"{path}.new", "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{path}.new", path)


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text())
