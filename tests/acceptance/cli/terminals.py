"""A command on a terminal of its own, and what stands on it at the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import selectors
import struct
import termios
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

_CODE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")
_LIMIT_S = 120.0


class Ended(NamedTuple):
    """What became of a command.

    Attributes:
        code: Its exit code.
        raw: All that it has sent to the terminal.
        lines: What stands there at the end.
    """

    code: int
    raw: str
    lines: list[str]


def on_terminal(
    argv: list[str],
    environment: Mapping[str, str] | None = None,
    interrupt: Callable[[], bool] | None = None,
    watch: Callable[[str], None] = lambda shown: None,
) -> Ended:
    """Run a command on a new terminal.

    Args:
        argv: The command.
        environment: Variables to add.
        interrupt: Is asked all the time; as soon as it says so, Ctrl-C is typed.
        watch: Is shown all the time what the command has sent so far.
    """
    variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    variables |= {"TERM": "xterm", **(environment or {})}
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            os.execvpe(argv[0], argv, variables)
        finally:
            os._exit(127)
    sent = b""
    until = time.monotonic() + _LIMIT_S
    with selectors.DefaultSelector() as selector:
        selector.register(terminal, selectors.EVENT_READ)
        while time.monotonic() < until:
            if interrupt is not None and interrupt():
                os.write(terminal, b"\x03")
                interrupt = None
            if selector.select(0.05):
                try:
                    data = os.read(terminal, 65536)
                except OSError:  # the other end is closed
                    break
                sent += data
                watch(sent.decode(errors="replace"))
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    raw = sent.decode()
    return Ended(os.waitstatus_to_exitcode(status), raw, _lines(raw))


def _lines(raw: str) -> list[str]:
    """What stands on a terminal that has been sent that; knows no more than is needed here."""
    lines, row, column, place = [""], 0, 0, 0
    while place < len(raw):
        code = _CODE.match(raw, place)
        if code is not None:
            place = code.end()
            if code[2] == "A":
                row = max(0, row - int(code[1] or 1))
            elif code[2] == "K":
                lines[row] = "" if code[1] == "2" else lines[row][:column]
            continue
        letter = raw[place]
        place += 1
        if letter == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif letter == "\r":
            column = 0
        else:
            lines[row] = lines[row].ljust(column)[:column] + letter + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]
