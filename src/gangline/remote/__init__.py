"""Commands on this host and on others: their true ends, their output while they run, and nothing left behind."""

from __future__ import annotations

from gangline.remote.command import Command, CommandResult, Listener
from gangline.remote.connection import ConnectionOptions, HostConnection
from gangline.remote.running import run
from gangline.remote.ssh import SshOptions

__all__ = [
    "Command",
    "CommandResult",
    "ConnectionOptions",
    "HostConnection",
    "Listener",
    "SshOptions",
    "run",
]
