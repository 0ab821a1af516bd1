"""How a task and a test wait for each other: the task comes in by a door, the test opens a gate.

By a socket, so that it also works between hosts, and so that either side sees when the other one is gone.
"""

from __future__ import annotations

import socket

from gangline.testing.probes.door import Door

__all__ = ["PATIENCE_S", "Gate"]

PATIENCE_S = 60.0
"""How long anything may take before it is held to be never."""


class Gate:
    """The test's side. It lets in one task.

    Attributes:
        door: What to give to the task.
    """

    def __init__(self, host: str) -> None:
        self._listener = socket.create_server((host, 0))
        self._connection: socket.socket | None = None
        self.door = Door(host, self._listener.getsockname()[1])

    def fileno(self) -> int:
        """Readable when the task is there."""
        return self._listener.fileno()

    def let_in(self) -> None:
        """Once the task is there."""
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(PATIENCE_S)
        self._connection.recv(1)

    @property
    def entered(self) -> bool:
        """Whether the task is there."""
        return self._connection is not None

    def open(self) -> None:
        """Let the task go on; nothing happens if it has ended."""
        self._listener.close()
        if self._connection is not None:
            self._connection.close()

    def wait_until_left(self) -> None:
        """Without opening: until the task is gone because somebody else has ended it."""
        assert self._connection is not None
        try:
            left = self._connection.recv(1)
        except ConnectionResetError:
            return
        assert left == b""
