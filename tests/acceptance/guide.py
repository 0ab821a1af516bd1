"""Types the commands of a guide, in order and in one folder; as a program, writes their answers into it anew.

python -m tests.acceptance.guide docs/pipelines.md
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER, HOST, USER = "/home/ada/work", "laptop", "ada"
"""Where the reader may think that it all happens."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


class Session(NamedTuple):
    """Commands of one block with their answers, as the guide has them."""

    begin: int
    end: int
    promised: list[tuple[str, str]]


def read(guide: str) -> Iterator[Session | str]:
    """The blocks of a guide: the texts of programs, whose first line is a comment with their name, and sessions."""
    for block in _BLOCK.finditer(guide):
        if block[1] == "python" or (block[1] == "ini" and block[2].startswith("# ")):
            yield block[2]
        elif block[1] == "console":
            yield Session(block.start(2), block.end(2), _COMMAND.findall(block[2]))


def play(guide: str, folder: Path) -> list[tuple[Session, list[tuple[str, str]]]]:
    """Write its programs and type its commands in a folder; every session with what its commands answered."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "120"}
    played = []
    for block in read(guide):
        if isinstance(block, str):
            (folder / block.split()[1]).write_text(block)
        else:
            answers = [(command, _answer(command, folder, environment)) for command, _ in block.promised]
            played.append((block, answers))
    return played


def _answer(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    text = done.stdout.replace(str(folder), FOLDER)
    here = re.escape(socket.gethostname())
    text = re.sub(rf"node\.{here}\.", f"node.{HOST}.", text)
    text = re.sub(rf"(process \d+ on ){here}", rf"\g<1>{HOST}", text)
    text = re.sub(rf"{here}-(\d+) on {here}", rf"{HOST}-\g<1> on {HOST}", text)
    text = re.sub(rf"by \S+ on {here}", f"by {USER} on {HOST}", text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def main(path: Path) -> None:
    """Write the answers anew."""
    guide = path.read_text()
    with tempfile.TemporaryDirectory() as folder:
        for session, answers in reversed(play(guide, Path(folder))):
            typed = "".join(f"$ {command}\n{answer}" for command, answer in answers)
            guide = guide[: session.begin] + typed + guide[session.end :]
    path.write_text(guide)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
