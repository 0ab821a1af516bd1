"""A second process that only waits for the end of the agent, to end the groups of jobs that it has left behind."""

from __future__ import annotations

import contextlib
import os
import signal


class Guard:
    """The agent's side: tells the second process which groups there are."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        if os.fork() == 0:
            try:
                _stand_by(reading)
            finally:
                os._exit(0)
        os.close(reading)

    def add(self, group: int) -> None:
        """There is a new group."""
        self._tell(b"+%d\n" % group)

    def discard(self, group: int) -> None:
        """The group is no more."""
        self._tell(b"-%d\n" % group)

    def _tell(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # it has been killed; so there is none any more
            os.write(self._writing, line)


def _stand_by(reading: int) -> None:
    """Wait for the agent's end, then end what it has left."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(0, reading)  # what others wait to be closed must not be held open
    os.closerange(reading + 1, 256)
    groups: set[int] = set()
    rest = b""
    while True:
        data = os.read(reading, 65536)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            group = int(line[1:])
            if line.startswith(b"+"):
                groups.add(group)
            else:
                groups.discard(group)
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
