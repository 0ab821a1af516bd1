"""What goes to the master. What the connection does not take at once is kept; while that is much, sources are held."""

from __future__ import annotations

import os

from gangline.remote.agent.loop import Loop

_MUCH_BYTES = 2**20
_LITTLE_BYTES = _MUCH_BYTES // 4


class Outgoing:
    """The way to the master.

    Args:
        loop: Whose sources are held while much is kept.
        fd: Where to write; it does not block.
    """

    def __init__(self, loop: Loop, fd: int) -> None:
        self._loop = loop
        self._fd = fd
        self._kept = bytearray()
        self._broken = False

    @property
    def empty(self) -> bool:
        """Whether all has been written."""
        return not self._kept

    def send(self, frame: bytes) -> None:
        """Write a frame, now or as soon as that can be."""
        if self._broken:
            return
        if self._kept:
            self._kept += frame
        else:
            written = self._write(frame)
            if written < len(frame) and not self._broken:
                self._kept += frame[written:]
                self._loop.on_writable(self._fd, self._on_writable)
        if len(self._kept) > _MUCH_BYTES:
            self._loop.hold()

    def give_up(self) -> None:
        """Nobody reads any more: drop everything from now on."""
        if self._kept:
            self._kept.clear()
            self._loop.forget(self._fd)
        self._broken = True
        self._loop.release()

    def _on_writable(self) -> None:
        written = self._write(self._kept)
        if self._broken:
            return
        del self._kept[:written]
        if not self._kept:
            self._loop.forget(self._fd)
        if len(self._kept) <= _LITTLE_BYTES:
            self._loop.release()

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError:  # nobody reads any more; that the way in is closed is seen there
            self.give_up()
            return 0
