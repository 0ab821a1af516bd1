"""How a task and a test wait for each other: the task comes in by a door, the test opens a gate.

By a socket, so that it also works between hosts, and so that either side sees when the other one is gone.
"""

from __future__ import annotations

import select
import socket

__all__ = ["PATIENCE_S", "Door", "Gate"]

PATIENCE_S = 20.0
"""How long anything may take before it is held to be never."""


class Door:
    """The task's side; travels to the engine."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def enter(self) -> str:
        """Tell the test that the task runs, and wait for the system until the gate is opened."""
        with socket.create_connection((self.host, self.port)) as connection:
            connection.recv(1)
        return "let go"

    def circle(self) -> str:
        """As `enter`, but with Python code running all the time."""
        with socket.create_connection((self.host, self.port)) as connection:
            while not select.select([connection], [], [], 0.005)[0]:
                pass
        return "let go"


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
