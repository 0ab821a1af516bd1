from __future__ import annotations

import logging
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gangline.errors import RemoteError
from gangline.recipes.receiving import JobVoice
from gangline.remote.command import Command, CommandResult
from gangline.remote.connection import HostConnection

TOKEN = "0123456789abcdef"
SCRIPT = """\
import logging, os, sys, time
from gangline.recipes.node import NodeScript

class measure(NodeScript):
    def run(self, {signature}):
{body}

if __name__ == "__main__":
    sys.exit(measure(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))
"""


@dataclass
class Played:
    """What has become of a node script."""

    result: CommandResult
    voice: JobVoice
    records: list[logging.LogRecord] = field(default_factory=list)

    def said(self) -> list[tuple[str, str, str]]:
        """Logger, level and message of each record that was logged."""
        return [
            (record.name, record.levelname, record.getMessage())
            for record in self.records
            if record.__dict__["stream"] == "log"
        ]

    def printed(self, stream: str) -> list[str]:
        return [record.getMessage() for record in self.records if record.__dict__["stream"] == stream]


Play = Callable[..., Played]


class Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[list[logging.LogRecord]]:
    """The records that loggers below "node" get, from DEBUG on."""
    logger, keeper = logging.getLogger("node"), Keeper()
    logger.addHandler(keeper)
    before, logger.propagate = logger.level, False
    logger.setLevel(logging.DEBUG)
    yield keeper.records
    logger.setLevel(before)
    logger.propagate = True
    logger.removeHandler(keeper)


def node_script(folder: Path, body: str, signature: str = "*args") -> Path:
    """A file with a node script whose `run` has that body."""
    path = folder / "script.py"
    body = textwrap.indent(textwrap.dedent(body), " " * 8)
    path.write_text(SCRIPT.format(signature=signature, body=body), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def connection() -> Iterator[HostConnection]:
    made = HostConnection("localhost")
    made.connect()
    yield made
    made.close()


@pytest.fixture
def play(tmp_path: Path, kept: list[logging.LogRecord], connection: HostConnection) -> Play:
    """Has the agent of this host run a node script, and returns when it has ended."""

    def play(
        body: str,
        *args: str,
        level: int = logging.INFO,
        env: Mapping[str, str] | None = None,
        port: str = "",
        signature: str = "*args",
    ) -> Played:
        script = node_script(tmp_path, body, signature)
        voice = JobVoice("far", 7, "script", TOKEN)
        outcome: list[CommandResult | RemoteError] = []
        ended = threading.Event()

        def on_end(how: CommandResult | RemoteError) -> None:
            outcome.append(how)
            ended.set()

        own = {"GANGLINE_HOST": "far", "GANGLINE_LOG_LEVEL": str(level), "GANGLINE_LOG_TOKEN": TOKEN}
        address = ("127.0.0.1", port) if port else ()
        command = Command(
            (sys.executable, "-W", "default", str(script), *address, *args),
            env={**own, **(env or {})},
            logs=None if port else 4,
            log_level=level,
        )
        del kept[:]
        connection.run(command, voice, on_end)
        assert ended.wait(60)
        (result,) = outcome
        assert isinstance(result, CommandResult)
        return Played(result, voice, list(kept))

    return play
