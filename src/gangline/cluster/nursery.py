"""The program that a cluster has on each of its hosts: imports Dask once, and forks the processes of that host.

Importing takes a second or more of a core; a fork takes some milliseconds, and shares the memory. So a host with eight
engines is up eight times sooner.

What it is to do comes on standard input, a line of JSON each: first what holds for all processes, then orders.

    {"do": "start", "as": "engine", "name": "node001-0", ...}
    {"do": "stop", "name": "node001-0", "hard": false}

What it says stands on standard output, likewise: ``{"name": ..., "up": {...}}``, ``{"name": ..., "line": "..."}``,
``{"name": ..., "ended": "it was ended by SIGKILL"}``.

Rules:
    There are no threads here, and no event loop, since both would not survive a fork.
    The processes stay in the process group of this one: whoever ends that ends all.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NoReturn

__all__ = ["Nursery", "import_roles", "main"]

Say = Callable[[dict[str, Any]], None]

_ROLES = {"scheduler": "gangline.cluster.scheduler", "engine": "gangline.cluster.engine"}
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
_LINE_BYTES = 600
"""A longer line of a process is cut. Words of several processes share a pipe, which keeps those whole that have less
than 4096 bytes; and a byte may take six as JSON."""

_END_S = 1.5
"""How long the processes have to end; shorter than the grace of who ends this one."""


def main() -> None:
    """Have processes run until there is nobody any more who could give orders."""
    for number in (signal.SIGTERM, signal.SIGINT):  # Dask is imported with them as they are
        signal.signal(number, _leave)
    words = os.dup(1)
    os.dup2(2, 1)  # whatever is printed is no word
    scratch = tempfile.mkdtemp(prefix="gangline-cluster-")
    try:
        import_roles()
        _Ordered(words, scratch).run()
    except ImportError as error:
        sys.exit(f"{error}; a cluster needs more packages there: pip install 'gangline[dask]'")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def import_roles() -> None:
    """Import what the processes need, without the threads of numerical libraries, which would not survive forks."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        for module in _ROLES.values():
            import_module(module)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    gc.freeze()


class _Left(BaseException):
    """This program is to end."""


def _leave(*_: object) -> NoReturn:
    raise _Left


@dataclass(slots=True)
class _Child:
    name: str
    pid: int
    output: int
    death: int
    rest: bytearray = field(default_factory=bytearray)


class Nursery:
    """The processes of this host.

    Args:
        say: Takes word of them.
        scratch: A folder for them.
    """

    def __init__(self, say: Say, scratch: str) -> None:
        self._say = say
        self.scratch = scratch
        self._children: dict[str, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._left = False

    def run(self) -> None:
        """Serve until `leave`, or a signal."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _leave)
        try:
            while not self._left:
                for key, _ in self._selector.select():
                    if self._selector.get_map().get(key.fd) is key:  # else an earlier callback has dropped it
                        key.data()
        except _Left:
            pass
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            self._end_all()

    def leave(self) -> None:
        """Serve no longer."""
        self._left = True

    def watch(self, descriptor: int, on_readable: Callable[[], object]) -> None:
        """Call that whenever something can be read."""
        self._selector.register(descriptor, selectors.EVENT_READ, on_readable)

    def pids(self) -> list[int]:
        """Of the processes that run."""
        return [child.pid for child in self._children.values()]

    def signal_child(self, name: str, number: int) -> None:
        """Send a process a signal; one that has ended gets none."""
        if name in self._children:
            os.kill(self._children[name].pid, number)

    def start_child(self, name: str, role: str, order: dict[str, Any]) -> None:
        """Fork a process.

        Args:
            name: What it is called; no two that run at once have the same name.
            role: "scheduler" or "engine".
            order: What it has to know.
        """
        reading, writing = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            self._say({"name": name, "ended": f"no process can be started: {error.strerror}"})
            return
        if not pid:
            self._become(name, role, order, writing)
        os.close(writing)
        os.set_blocking(reading, False)
        child = self._children[name] = _Child(name, pid, reading, os.pidfd_open(pid))
        self._selector.register(reading, selectors.EVENT_READ, lambda: self._on_output(child))
        self._selector.register(child.death, selectors.EVENT_READ, lambda: self._on_death(child))

    def _become(self, name: str, role: str, order: dict[str, Any], writing: int) -> NoReturn:
        """In the child: be that process, and end."""
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self._selector.close()
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (writing, 1), (writing, 2)):
                os.dup2(source, target)
            for descriptor in (
                nothing,
                writing,
                *(each for kin in self._children.values() for each in (kin.output, kin.death)),
            ):
                os.close(descriptor)
            order["scratch"] = self.scratch
            import_module(_ROLES[role]).serve(order, lambda up: self._say({"name": name, "pid": os.getpid(), "up": up}))
            code = 0
        except SystemExit as end:
            print(end.code, file=sys.stderr)  # noqa: T201  it is the way to who started this
        except BaseException as error:
            # The edge of a process. The first cause comes last, where it is seen.
            print("".join(traceback.format_exception(error)), file=sys.stderr)  # noqa: T201
            while (cause := error.__cause__ or error.__context__) is not None:
                error = cause
                print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        finally:
            os._exit(code)  # what the parent has put in place for its own end is not to happen here

    def _on_output(self, child: _Child) -> bool:
        """Pass on what it has written; whether there may be more."""
        try:
            data = os.read(child.output, 65536)
        except BlockingIOError:
            return False
        *lines, rest = (child.rest + data).split(b"\n")
        child.rest = rest[-_LINE_BYTES:]
        for line in lines:
            self._pass_on(child, line)
        if not data:
            self._close_output(child)
        return bool(data)

    def _pass_on(self, child: _Child, line: bytes | bytearray) -> None:
        if line.strip():
            self._say({"name": child.name, "line": line[:_LINE_BYTES].decode("utf-8", "backslashreplace")})

    def _close_output(self, child: _Child) -> None:
        if child.output >= 0:
            self._selector.unregister(child.output)
            os.close(child.output)
            child.output = -1
            self._pass_on(child, child.rest)

    def _on_death(self, child: _Child) -> None:
        while child.output >= 0 and self._on_output(child):
            pass
        self._close_output(child)  # it may be held open by others
        self._selector.unregister(child.death)
        os.close(child.death)
        _, status = os.waitpid(child.pid, 0)
        del self._children[child.name]
        self._say({"name": child.name, "ended": _in_words(os.waitstatus_to_exitcode(status))})

    def _end_all(self) -> None:
        pids = [child.pid for child in self._children.values()]
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _END_S
        while pids and time.monotonic() < deadline:
            pids = [pid for pid in pids if os.waitpid(pid, os.WNOHANG)[0] == 0]
            time.sleep(0.01 * bool(pids))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


class _Ordered(Nursery):
    """A nursery that gets orders on its standard input."""

    def __init__(self, words: int, scratch: str) -> None:
        super().__init__(self._write, scratch)
        self._words = words
        self._common: dict[str, Any] | None = None
        self._orders = bytearray()
        self.watch(0, self._on_orders)

    def _write(self, word: dict[str, Any]) -> None:
        """At once and whole, since this is short for a pipe."""
        with contextlib.suppress(OSError):  # nobody listens any more: the end of the orders comes next
            os.write(self._words, json.dumps(word).encode() + b"\n")

    def _on_orders(self) -> None:
        data = os.read(0, 65536)
        if not data:
            self.leave()
            return
        self._orders += data
        *lines, rest = self._orders.split(b"\n")
        self._orders = bytearray(rest)
        for line in lines:
            order = json.loads(line)
            if self._common is None:
                self._common = order
            elif order["do"] == "start":
                self.start_child(order["name"], order["as"], self._common | order)
            else:
                self.signal_child(order["name"], signal.SIGKILL if order["hard"] else signal.SIGTERM)


def _in_words(code: int) -> str:
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"


if __name__ == "__main__":
    main()
