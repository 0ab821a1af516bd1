"""Where a task waits for its test; see `gangline.testing.conformance.stage`."""

from __future__ import annotations

import select
import socket

__all__ = ["Door"]


class Door:
    """The task's side; travels to the engine."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def enter(self) -> str:
        """Tell the test that the task runs, and wait for the system until the gate is opened."""
        with socket.create_connection((self.host, self.port)) as connection:
            connection.sendall(b"!")
            connection.recv(1)
        return "let go"

    def circle(self) -> str:
        """As `enter`, but with Python code running all the time."""
        with socket.create_connection((self.host, self.port)) as connection:
            connection.sendall(b"!")  # only now may it be interrupted: the connection will be closed
            while not select.select([connection], [], [], 0.005)[0]:
                pass
        return "let go"
