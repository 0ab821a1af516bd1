"""The agent: takes orders from its master, runs jobs, and ends them all when the master is gone."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
from typing import Any

from gangline.remote.agent import wire
from gangline.remote.agent.guard import Guard
from gangline.remote.agent.job import GRACE_S, Job
from gangline.remote.agent.logport import HOST, LogPort
from gangline.remote.agent.loop import Loop
from gangline.remote.agent.outgoing import Outgoing
from gangline.remote.agent.spawn import NotStarted
from gangline.remote.agent.strays import Strays

_DESCRIPTORS = 4096
_LAST_RECORDS_S = 1.0
"""How long the log connections of a job whose process has ended may stay open."""

_PARENT_LOOK_S = 1.0
_PR_SET_CHILD_SUBREAPER = 36
_LEAVE_S = GRACE_S + 1.0
"""How long the end of everything may take."""


class Agent:
    """What runs on a host for one master.

    Args:
        incoming: Where orders come from.
        outgoing: Where reports go.
        keepalive_s: How long the master may be silent; 0: as long as it likes.
        parent: Whose child this is to be; 0: of anybody.
    """

    def __init__(self, incoming: int, outgoing: int, keepalive_s: float, parent: int) -> None:
        self._loop = Loop()
        self._incoming = incoming
        self._decoder = wire.Decoder()
        os.set_blocking(outgoing, False)
        os.set_blocking(incoming, False)
        self._outgoing = Outgoing(self._loop, outgoing)
        self._keepalive_s = keepalive_s
        self._parent = parent
        self._heard_at = time.monotonic()
        self._guard = Guard()
        self._strays = Strays(os.urandom(8).hex())
        self._jobs: dict[int, Job] = {}
        self._by_pid: dict[int, Job] = {}
        self._tokens: dict[int, str] = {}
        self._waiting: dict[int, dict[str, Any]] = {}
        self._logport: LogPort | None = None
        self._leaving = False
        self._left_by = 0.0

    def run(self) -> None:
        """Serve until the master says goodbye or is gone; then end all jobs."""
        self._watch_signals()
        self._loop.on_readable(self._incoming, self._on_orders)
        if self._keepalive_s:
            self._loop.after(self._keepalive_s, self._look_for_master)
        if self._parent:
            self._loop.after(_PARENT_LOOK_S, self._look_for_parent)
        self._outgoing.send(wire.MAGIC)
        self._report(wire.HELLO, 0, _hello())
        while not (self._leaving and self._done()):
            self._loop.turn()
        for job in self._jobs.values():
            job.kill()

    def _done(self) -> bool:
        return (not self._jobs and self._outgoing.empty) or time.monotonic() > self._left_by

    # The master ------------------------------------------------------------------------------------------------

    def _on_orders(self) -> None:
        try:
            data = os.read(self._incoming, 4 * wire.CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._leave(lost=True)
            return
        self._heard_at = time.monotonic()
        for kind, job, payload in self._decoder.feed(data):
            self._on_order(kind, job, payload)

    def _on_order(self, kind: int, number: int, payload: bytes) -> None:
        job = self._jobs.get(number)
        if kind == wire.RUN:
            self._start(number, json.loads(payload.decode("ascii")))
        elif kind == wire.PING:
            self._outgoing.send(wire.pack(wire.PONG))
        elif kind == wire.BYE:
            self._leave(lost=False)
        elif job is None:
            return  # it has ended meanwhile
        elif kind == wire.INPUT:
            job.feed(payload)
        elif kind == wire.END:
            job.end()
        elif kind == wire.KILL:
            job.kill()
        elif kind == wire.SIGNAL:
            job.send_signal(int(json.loads(payload.decode("ascii"))))

    def _look_for_master(self) -> None:
        left_s = self._heard_at + self._keepalive_s - time.monotonic()
        if left_s <= 0:
            self._leave(lost=True)
        elif not self._leaving:
            self._loop.after(left_s, self._look_for_master)

    def _look_for_parent(self) -> None:
        """Forked children of the master may hold the way in open when it is gone."""
        if os.getppid() != self._parent:
            self._leave(lost=True)
        elif not self._leaving:
            self._loop.after(_PARENT_LOOK_S, self._look_for_parent)

    def _leave(self, lost: bool) -> None:
        """End all jobs, then this program."""
        if lost:
            self._outgoing.give_up()
        if self._leaving:
            return
        self._leaving = True
        self._left_by = time.monotonic() + _LEAVE_S
        self._loop.after(_LEAVE_S, _nothing)
        self._loop.forget(self._incoming)
        for job in list(self._jobs.values()):
            job.end()

    def _report(self, kind: int, job: int, value: Any) -> None:
        self._outgoing.send(wire.pack_json(kind, job, value))

    # Jobs ------------------------------------------------------------------------------------------------------

    def _start(self, number: int, order: dict[str, Any]) -> None:
        extra: dict[str, str] = {}
        try:
            if self._leaving:
                raise NotStarted("called off", "this host is being left")
            if order["logs"] is not None:
                extra["GANGLINE_LOG_TOKEN"] = order["token"]
                self._expect(number, order)
            job = Job(number, order, extra, self._loop, self._outgoing, self._strays, self._on_over)
        except NotStarted as exc:
            self._forget_logs(number)
            self._report(wire.NOT_STARTED, number, {"kind": exc.kind, "message": str(exc)})
            return
        self._guard.add(job.pid)
        self._jobs[number] = self._by_pid[job.pid] = job
        self._report(wire.STARTED, number, {"pid": job.pid})

    def _expect(self, number: int, order: dict[str, Any]) -> None:
        """Tell the job where its records go, and expect them there."""
        if self._logport is None:
            try:
                self._logport = LogPort(self._loop, self._outgoing, self._on_drained)
            except OSError as exc:
                raise NotStarted("no resources", f"there can be no port for its log: {exc}") from exc
        token = self._tokens[number] = order["token"]
        self._logport.expect(token, number)
        order["argv"][order["logs"] : order["logs"]] = [HOST, str(self._logport.port)]

    def _on_children(self) -> None:
        """Somebody has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            job = self._by_pid.pop(pid, None)
            if job is not None:
                job.on_exit(status)

    def _on_over(self, job: Job, ended: dict[str, Any]) -> None:
        """A job is over; but what its process has said of itself comes first."""
        number = job.number
        if number in self._tokens and self._logport is not None and self._logport.open_connections(number):
            self._waiting[number] = ended
            self._loop.after(_LAST_RECORDS_S, lambda: self._on_late(number))
            return
        self._close(number, ended)

    def _on_late(self, number: int) -> None:
        if self._loop.held:
            self._loop.after(_LAST_RECORDS_S, lambda: self._on_late(number))
            return
        if number in self._waiting and self._logport is not None:
            self._logport.take_in(number)  # this process may have stood still all the time
        self._on_drained(number)

    def _on_drained(self, number: int) -> None:
        ended = self._waiting.pop(number, None)
        if ended is not None:
            self._close(number, ended)

    def _close(self, number: int, ended: dict[str, Any]) -> None:
        self._forget_logs(number)
        self._guard.discard(self._jobs.pop(number).pid)
        self._report(wire.ENDED, number, ended)

    def _forget_logs(self, number: int) -> None:
        token = self._tokens.pop(number, None)
        if token is not None and self._logport is not None:
            self._logport.forget(token, number)

    # Signals ---------------------------------------------------------------------------------------------------

    def _watch_signals(self) -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)

        def on_signals() -> None:
            numbers = os.read(reading, 4096)
            if set(numbers) & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}:
                self._leave(lost=False)
            self._on_children()

        self._loop.on_readable(reading, on_signals)


def _nothing() -> None:
    """Only have the loop turn."""


def _hello() -> dict[str, Any]:
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    version = ".".join(map(str, sys.version_info[:3]))
    return {"python": version, "pid": os.getpid(), "hostname": os.uname().nodename, "cores": cores}


def main(keepalive_s: float, parent: int) -> None:
    """Run as the agent, with the master at standard input and output. Strays that are printed go to standard error."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    with contextlib.suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        enough = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(_DESCRIPTORS, most)
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < enough:
            resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))
    with contextlib.suppress(Exception):  # only a convenience, and not everywhere
        _adopt_orphans()
    Agent(incoming, outgoing, keepalive_s, parent).run()


def _adopt_orphans() -> None:
    """Become the parent of processes whose own has ended (Linux): not every process 1 reaps them."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
