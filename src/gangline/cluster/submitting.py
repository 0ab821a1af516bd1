"""The program through which a keeper has jobs of a site's scheduler: it submits, asks after, and cancels them.

It outlives its keeper for as long as that takes: when the keeper is gone, however it went, it cancels what is left. It
is told on standard input, a line of JSON each: first what holds for all jobs, then orders.

    {"do": "submit", "name": "night-0", "address": "tls://..."}
    {"do": "cancel", "name": "night-0"}
    {"do": "look"}

What it says stands on standard output, likewise.

    {"name": "night-0", "job": "123"}
    {"name": "night-0", "refused": "Invalid partition name specified"}
    {"name": "night-0", "waits": "it waits in the queue (Resources)"}
    {"name": "night-0", "runs": "node001"}
    {"name": "night-0", "ended": "it has reached its time limit"}

Rules:
    A job is entered into the ledger as soon as its number is known, and struck out when it has ended. What others have
    left, which were killed, is cancelled first.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import traceback
from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gangline.cluster.jobledger import JobLedger, left_ledgers
from gangline.cluster.launchers import LAUNCHERS, JobShape, job_options
from gangline.cluster.looking import Seen, Watch

__all__ = ["main", "sweep"]

_LOOK_S = (0.5, 20.0)
"""How often jobs are asked after: at first, and when nothing has changed for a while."""

_ENDED_S = 10.0
"""How long jobs that were cancelled may take to be gone."""

_CANCEL_PAUSES_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class _Submitted:
    name: str
    job: Any
    number: str = ""
    last: Seen | None = None
    cancelled: bool = False


def main() -> None:
    """Serve until the end of the orders, and until nothing is left; or, as "sweep", see to what others have left."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):  # the keeper's end is what ends it
        signal.signal(number, signal.SIG_IGN)
    if sys.argv[1:2] == ["sweep"]:
        asyncio.run(sweep(sys.argv[2]))
        return
    words = os.dup(1)
    os.dup2(2, 1)  # whatever is printed is no word
    common = json.loads(_first_line() or "{}")
    if common:
        asyncio.run(_Submitting(common, words).run())


def _first_line() -> bytes:
    """Of standard input, and nothing beyond it: orders that are there already are read by the loop."""
    line = bytearray()
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return bytes(line)


class _Submitting:
    def __init__(self, common: dict[str, Any], words: int) -> None:
        self._words = words
        self._shape = JobShape.from_json(common["shape"])
        self._folder = common["folder"]
        self._launcher = LAUNCHERS[self._shape.launcher]
        self._ledger = JobLedger(common["ledgers"], self._shape.launcher, self._folder)
        self._ledgers = common["ledgers"]
        self._jobs: dict[str, _Submitted] = {}
        self._look_now = asyncio.Event()
        self._watch = Watch(self._shape.launcher, "")
        self._options = job_options(
            self._shape, name=f"gangline-{common['cluster']}", folder=self._folder, python=common["python"],
            pythonpath=common["pythonpath"],
        )  # fmt: skip

    def _say(self, **word: Any) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more: the end of the orders comes next
            os.write(self._words, json.dumps(word).encode() + b"\n")

    async def run(self) -> None:
        """Until the end of the orders."""
        with contextlib.suppress(ImportError):  # which is told when it is needed
            command = _class_of(
                self._shape.launcher
            ).cancel_command  # takes a moment, in which nothing is submitted yet
            self._watch = Watch(self._shape.launcher, command)
        await sweep(self._ledgers)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        looking = asyncio.create_task(self._look_again_and_again())
        orders: set[asyncio.Task[None]] = set()
        try:
            while line := await reader.readline():
                task = asyncio.create_task(self._obey(json.loads(line)))
                orders.add(task)
                task.add_done_callback(orders.discard)
            await asyncio.gather(*orders)  # a job that is just being submitted gets its number, and is cancelled
        finally:
            looking.cancel()
            await self._cancel(list(self._jobs.values()))
            await self._wait_until_ended()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._ledger.close()

    async def _obey(self, order: dict[str, Any]) -> None:
        if order["do"] == "submit":
            await self._submit(order["name"], order["address"])
        elif order["do"] == "cancel" and order["name"] in self._jobs:
            await self._cancel([self._jobs[order["name"]]])
        self._look_now.set()

    async def _submit(self, name: str, address: str) -> None:
        try:
            job = _class_of(self._shape.launcher)(address, name, **self._options)
        except ImportError as error:
            self._say(name=name, refused=f"{error}; jobs of a site need more packages: pip install 'gangline[dask]'")
            return
        self._jobs[name] = submitted = _Submitted(name, job)
        try:
            await job.start()
        except Exception as error:  # whatever dask-jobqueue, or the site's command, makes of it
            del self._jobs[name]
            self._say(name=name, refused=_in_words(error, job))
            return
        submitted.number = job.job_id
        self._enter()
        self._say(name=name, job=submitted.number)

    def _enter(self) -> None:
        self._ledger.write(each.number for each in self._jobs.values() if each.number)

    # How they are ------------------------------------------------------------------------------------------------

    async def _look_again_and_again(self) -> None:
        pause_s = _LOOK_S[0]
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look_now.wait(), pause_s)
            pause_s = _LOOK_S[0] if self._look_now.is_set() else min(1.5 * pause_s, _LOOK_S[1])
            self._look_now.clear()
            try:
                if await self._look():
                    pause_s = _LOOK_S[0]
            except Exception:  # whatever a scheduler may say that nobody has foreseen: it may say another thing later
                traceback.print_exc()

    async def _look(self) -> bool:
        """Ask after all jobs at once; whether there is any news."""
        by_number = {each.number: each for each in self._jobs.values() if each.number}
        if not by_number or not self._watch.can_look:
            return False
        cancelled = {number for number, each in by_number.items() if each.cancelled}
        seen = await asyncio.to_thread(self._watch.look, list(by_number), cancelled)
        news = False
        for number, now in seen.items():
            submitted = by_number[number]
            if now == submitted.last or submitted.name not in self._jobs:
                continue
            submitted.last, news = now, True
            if now.phase == "ended":
                del self._jobs[submitted.name]
                self._enter()
            self._say(name=submitted.name, **{now.phase: now.says})
        return news

    # Their ends --------------------------------------------------------------------------------------------------

    async def _cancel(self, submitted: list[_Submitted]) -> None:
        for each in submitted:
            each.cancelled = True
        if numbers := [each.number for each in submitted if each.number]:
            await _cancel(self._watch, numbers)
        if not self._watch.can_look:
            for each in submitted:
                self._jobs.pop(each.name, None)
                self._say(name=each.name, ended="it was cancelled")
            self._enter()

    async def _wait_until_ended(self) -> None:
        deadline = asyncio.get_running_loop().time() + _ENDED_S
        while self._jobs and asyncio.get_running_loop().time() < deadline:
            await self._look()
            await asyncio.sleep(0.1 * bool(self._jobs))


async def sweep(folder: str) -> None:
    """Cancel the jobs that programs which were killed have left."""
    for launcher, jobs in left_ledgers(folder):
        if jobs and launcher in LAUNCHERS:
            await _cancel(Watch(launcher, _class_of(launcher).cancel_command), jobs)


def _class_of(launcher: str) -> Any:
    module, _, kind = LAUNCHERS[launcher].job.rpartition(".")
    return getattr(import_module(module), kind)


async def _cancel(watch: Watch, numbers: Collection[str]) -> None:
    """Try until the site takes it; several times, since it may be away for a moment."""
    for pause_s in _CANCEL_PAUSES_S:
        await asyncio.sleep(pause_s)
        if await asyncio.to_thread(watch.cancel, numbers):
            return


def _in_words(error: Exception, job: Any) -> str:
    """What the site's command has said, as it has said it."""
    if isinstance(error, FileNotFoundError):
        program = shlex.split(job.submit_command)[0]
        return f"there is no {program} here: jobs can be submitted only from a host that has the site's commands"
    text = str(error)
    _, found, said = text.partition("\nstderr:\n")
    out = text.partition("\nstdout:\n")[2].partition("\nstderr:\n")[0]
    words = said.strip() or out.strip() if found else text.strip()
    return words or f"{job.submit_command} has failed without a word"


if __name__ == "__main__":
    main()
