"""One engine process, as its client sees it: the child, its sockets, and how it ended."""

from __future__ import annotations

import codecs
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from typing import Any

from gangline._engine.cell import CELL_BYTES, NO_TASK, PACKET, TASK, WANTED, Cell
from gangline._engine.segments import SegmentPool, anonymous_file
from gangline._engine.wire import SETUP, SHUTDOWN, Receiver, encode, make_pair, send_packet
from gangline.backends.incoming import RowReader, read_rows
from gangline.backends.outgoing import Outgoing
from gangline.messages import Attempt, EngineId, TaskId

__all__ = ["EngineProcess"]

# The path comes first of all, so that the engine finds the modules that this process has found, and none else.
_BOOT = "import sys; sys.path[:] = sys.argv.pop().split(chr(10)); from gangline._engine.main import main; main()"
_SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Another interpreter has modules of its own; from here it takes this package and nothing that lies beside it.
_BOOT_OTHER = """
import sys
if sys.version_info < (3, 11):
    sys.exit(f"{sys.executable} is Python {sys.version.split()[0]}; Gangline needs 3.11 or newer")
sys.path.insert(0, sys.argv.pop())
import gangline._engine.main
sys.path.pop(0)
gangline._engine.main.main()
"""
_Decoder = codecs.getincrementaldecoder("utf-8")
_STDERR_KEPT_BYTES = 16 * 1024
_STDERR_SHOWN_LINES = 8


class EngineProcess:
    """Starts a child process and does not wait for it.

    Args:
        engine: Its number.
        uuid: Its own name.
        pool: Where large values are put.
        options: What the engine is told at its start.
        python: Another interpreter than this one; it has its own `sys.path`.
        reader: Makes attempts of the rows that it reports.

    Attributes:
        engine: Its number.
        uuid: Its own name.
        pid: The child.
        joined: Whether it has announced itself.
        replace: Whether another one shall take its place when it ends.
        kill_reason: Why it was killed by us.
        outgoing: What is sent to it.
        incoming: Its packets of results.
        death: A descriptor that is readable when it has ended.
        stderr: What it writes to its descriptors 1 and 2.
        shown_logs: For running tasks: how many of their log records have been handed on.
        unclaimed: What was read from `stderr` when its task had ended, and its result was still under way.
    """

    def __init__(
        self,
        engine: EngineId,
        uuid: str,
        pool: SegmentPool,
        options: dict[str, Any],
        python: str | None = None,
        reader: RowReader = read_rows,
    ) -> None:
        self.engine = engine
        self.uuid = uuid
        self.joined = False
        self.replace = True
        self.kill_reason = ""
        self.shown_logs: dict[TaskId, int] = {}
        self.unclaimed = ""
        self._read_rows = reader
        self._stderr_tail = b""
        self._decoder = _Decoder("replace")
        path = None if python else [entry for entry in sys.path if isinstance(entry, str)]
        sender, receiver = make_pair()
        theirs, ours = make_pair()
        self.outgoing = Outgoing(sender, receiver, pool, path)
        self.incoming = Receiver(ours, private=False, on_release=self.outgoing.release)
        self._outbox = ours
        cell = anonymous_file(CELL_BYTES)
        self._cell = Cell(cell)
        self._words = self._cell.words
        self._words[TASK] = self._words[PACKET] = self._words[WANTED] = NO_TASK
        place = {"path": path, "directory": _directory(), "parent": os.getpid(), "engine_id": engine, "uuid": uuid}
        send_packet(sender, encode((SETUP, place | options)), pool)
        try:
            self._start(receiver, theirs, cell, _command(python, path))
        except OSError:
            self.outgoing.close()
            ours.close()
            raise
        self.pid = self._child.pid
        self.death = _open_death(self._child)
        _living.add(self)

    def _start(self, inbox: socket.socket, outbox: socket.socket, cell: int, command: tuple[list[str], str]) -> None:
        lifeline, self._lifeline = os.pipe()
        self.stderr, stderr = os.pipe()
        os.set_blocking(self.stderr, False)
        passed = (inbox.fileno(), outbox.fileno(), cell, lifeline)
        begin, end = command
        try:
            self._child = subprocess.Popen(
                [*begin, *map(str, passed), end],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                pass_fds=passed,
                start_new_session=True,
            )
        except OSError:
            os.close(self._lifeline)
            os.close(self.stderr)
            raise
        finally:
            outbox.close()
            for descriptor in (cell, lifeline, stderr):
                os.close(descriptor)

    @property
    def outbox(self) -> int:
        """Readable when there are results."""
        return self._outbox.fileno()

    def running(self) -> TaskId | None:
        """The task that runs now."""
        task = self._words[TASK]
        return None if task == NO_TASK else TaskId(task)

    def remains(self) -> tuple[list[Attempt], frozenset[TaskId]]:
        """After its death: the results that it had not sent yet, and the tasks that it had started without any."""
        lost = self.outgoing.lost(self._words[PACKET], self._words[TASK])
        rows = [row for row in self._cell.notes() if row[0] in lost]
        attempts = self._read_rows(rows, self.incoming, self.shown_logs)
        return attempts, lost.difference(attempt.task for attempt in attempts)

    def interrupt(self, task: TaskId) -> None:
        """Raise KeyboardInterrupt in that task, if it is the one that runs when the signal arrives."""
        self._words[WANTED] = task
        self.signal(signal.SIGINT)

    def signal(self, signum: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        self._child.send_signal(signum)

    def shut_down(self) -> None:
        """Have it end when it has done what it was sent."""
        self.outgoing.control(SHUTDOWN)

    def kill(self) -> None:
        """End it by force with its whole process group."""
        if self._child.returncode is None:  # so it has not been waited for, and its number is still its own
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                self._child.kill()  # it had no time yet to make its own group
            except PermissionError:
                pass  # macOS says so of a group that has ended

    def read_stderr(self) -> str | None:
        """Take in what it and its children have written to descriptors 1 and 2, and keep the end of it.

        Returns:
            What is new; None when nobody can write any more.
        """
        new = b""
        try:
            while data := os.read(self.stderr, 65536):
                new += data
        except BlockingIOError:
            if not new:
                return ""
        else:
            if not new:
                return None
        self._stderr_tail = (self._stderr_tail + new)[-_STDERR_KEPT_BYTES:]
        return self._decoder.decode(new)

    def next_packet(self) -> tuple[Any, ...] | None:
        """A packet that it has sent; None when there is none now."""
        try:
            return self.incoming.receive(socket.MSG_DONTWAIT)
        except OSError:
            return None

    def skip_packet(self) -> None:
        """Throw away a packet that it has sent."""
        self.next_packet()
        self.incoming.discard()

    def reap(self) -> str:
        """After its death: end what is left of its group, and say in words how it ended."""
        self.kill()
        code = self._child.wait()
        self.read_stderr()
        ended = _in_words(code)
        reason = f"{self.kill_reason} ({ended})" if self.kill_reason else ended
        lines = self._last_words()
        return "\n".join([f"{reason}; its last words:", *lines]) if lines and not self.kill_reason else reason

    def _last_words(self) -> list[str]:
        lines = self._stderr_tail.decode("utf-8", "replace").strip().splitlines()
        for start in range(len(lines) - 1, -1, -1):
            if lines[start].startswith("Fatal Python error"):
                return lines[start : start + _STDERR_SHOWN_LINES]
        return lines[-_STDERR_SHOWN_LINES:]

    def close(self) -> None:
        """After its death: give up everything that it needed here."""
        self.incoming.discard()
        self.outgoing.close()
        self._outbox.close()
        _living.discard(self)
        for descriptor in (self._lifeline, self.stderr, self.death):
            os.close(descriptor)

    def cut_lifeline(self) -> None:
        """In a forked child: do not keep the engine alive when its client has died."""
        os.close(self._lifeline)


def _command(python: str | None, path: list[str] | None) -> tuple[list[str], str]:
    """What stands before the numbers of the descriptors, and after them."""
    if python is not None:
        return [python, "-c", _BOOT_OTHER], _SOURCES
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # as multiprocessing does
    return [sys.executable, *flags, "-c", _BOOT], "\n".join([*(path or ()), _SOURCES])


_living: weakref.WeakSet[EngineProcess] = weakref.WeakSet()


def _in_forked_child() -> None:
    for process in list(_living):
        process.cut_lifeline()
    _living.clear()


os.register_at_fork(after_in_child=_in_forked_child)


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.sep


def _open_death(child: subprocess.Popen[bytes]) -> int:
    try:
        return os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        return _wait_in_thread(child)


def _wait_in_thread(child: subprocess.Popen[bytes]) -> int:
    """Where the system offers no descriptor for a process: one that becomes readable when it has ended."""
    reader, writer = os.pipe()

    def wait() -> None:
        child.wait()
        os.close(writer)

    threading.Thread(target=wait, name=f"gangline-wait-{child.pid}", daemon=True).start()
    return reader
