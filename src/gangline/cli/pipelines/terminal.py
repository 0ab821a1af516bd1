"""A live block at the foot of a terminal, while others go on writing to it.

Jobs, their commands and the program itself may write to the terminal at any time, past Python, and would break the
block. So their descriptors lead into a pipe meanwhile, and what comes out of it is put above the block, line by line.
All drawing is done by one thread: where a line goes depends on how high the block is that was drawn last.
"""

from __future__ import annotations

import os
import re
import selectors
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from rich.console import COLOR_SYSTEMS, Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

__all__ = ["LiveBlock", "coloured", "is_lively"]

_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_REFRESH_S = 0.2
_PIECE_BYTES = 65536
_PAUSE_S = 0.03
_PATIENCE_S = 0.2
"""How long a line may stay without its end before it is shown, as questions do."""


def is_lively(console: Console) -> bool:
    """Whether a block can be redrawn where a console prints."""
    return console.is_terminal and not console.is_dumb_terminal and sys.stderr.isatty()


def coloured(line: Text, console: Console) -> str:
    """A line as it is sent to a terminal. To print it costs ten times as much, and there may be many."""
    system = COLOR_SYSTEMS.get(console.color_system or "")
    whole = console.get_style(line.style)
    parts = []
    for text, style, _ in line.render(console):
        shown = whole if style is None else whole + style
        parts.append((shown.without_color if console.no_color else shown).render(text, color_system=system))
    return "".join(parts)


class _AsItIs:
    """Text that is written without being looked at."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text + "\n")


class LiveBlock:
    """A block that is drawn anew all the time, until `close`.

    Args:
        console: Prints to the terminal.
        draw: Gives the block.
    """

    def __init__(self, console: Console, draw: Callable[[], RenderableType]) -> None:
        self._console = console
        self._terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace")
        self._caught = _Caught(self._put_above, self._refresh)
        # What is said here takes the way of everything else, so that it stands where it belongs.
        self._way = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace")
        console.file = self._terminal
        self._live = Live(
            get_renderable=draw,
            console=console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)
        self._caught.begin()

    def say(self, line: str) -> None:
        """Put a line above the block, after all that was written before; see `coloured`."""
        _flush()
        self._way.write(line + "\n")
        self._way.flush()

    def _put_above(self, text: str) -> None:
        harmless = _CONTROL.search(_COLOURS.sub("", text)) is None
        above = _AsItIs(text) if harmless else Text.from_ansi(text, no_wrap=True, overflow="ignore")
        self._console.print(above, crop=False, soft_wrap=True)

    def _refresh(self) -> None:
        self._live.refresh()

    def close(self) -> None:
        """Take the block away; everything that was written stands above where it was."""
        self._way.close()
        self._caught.release()
        self._live.stop()
        self._console.file = sys.stderr
        self._terminal.close()


class _Caught:
    """Those of the descriptors 1 and 2 that are terminals lead into a pipe, until `release`.

    Args:
        take: Is called with each line, by a thread that `begin` starts.
        tick: Is called by that thread now and then.
    """

    def __init__(self, take: Callable[[str], None], tick: Callable[[], None]) -> None:
        self._take = take
        self._tick = tick
        _flush()
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        self._wake_read, self._wake_write = os.pipe()
        self._saved = {number: os.dup(number) for number in (1, 2) if os.isatty(number)}
        for number in self._saved:
            os.dup2(write, number)
        os.close(write)
        self._thread = threading.Thread(target=self._pass_on, name="gangline-terminal", daemon=True)

    def begin(self) -> None:
        """Pass on what is written from now on, and what was written since they lead elsewhere."""
        self._thread.start()

    def release(self) -> None:
        """Give the descriptors back, and pass on what has been written."""
        _flush()
        for number, saved in self._saved.items():
            os.dup2(saved, number)
            os.close(saved)
        os.close(self._wake_write)
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._read)

    def _pass_on(self) -> None:
        rest = b""
        due = heard_at = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._read, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            ending = False
            while not ending:
                ready = {key.fd for key, _ in selector.select(max(0.0, due - time.monotonic()))}
                ending = self._wake_read in ready
                now = time.monotonic()
                if now >= due:
                    due = now + _REFRESH_S
                    with suppress(OSError):  # the terminal is gone; the run goes on
                        self._tick()
                if ready:
                    heard_at = now
                *lines, rest = (rest + self._read_all()).split(b"\n")
                if rest and (ending or now - heard_at >= _PATIENCE_S):
                    lines, rest = [*lines, rest], b""
                if lines:
                    with suppress(OSError):
                        self._take("\n".join(line.decode("utf-8", "replace").rstrip("\r") for line in lines))
                    if not ending:  # the more comes at once, the less often all is drawn
                        time.sleep(_PAUSE_S)

    def _read_all(self) -> bytes:
        pieces = []
        with suppress(BlockingIOError):
            while piece := os.read(self._read, _PIECE_BYTES):
                pieces.append(piece)
        return b"".join(pieces)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
