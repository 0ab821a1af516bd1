"""What a node script on this host hands in, as frames in a file of its job.

As `onnode` this runs on the host of a job, where only the standard library is and the modules of the agent, which are
carried there with it (see `carried`). Python 3.7 on.
"""

from __future__ import annotations

import os
import threading
import time

from gangline.remote.agent.logport import HOST, LogPort
from gangline.remote.agent.loop import Loop
from gangline.remote.agent.outgoing import Outgoing

_JOB = 1
_LAST_RECORDS_S = 1.0
"""How long connections may stay open when the command has ended."""
_TELL_S = 0.5
"""How long a file system may keep to itself what was written."""
_TRIES = 5


class _File(Outgoing):
    """Frames go to a file instead of a connection; as wholes, or not at all."""

    def __init__(self, loop: Loop, path: str) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        super().__init__(loop, fd)
        self.trouble = ""
        self._file = fd
        self._size = 0
        self._telling = False

    def send(self, frame: bytes) -> None:
        """Write a frame; a full or slow file system is tried again."""
        for left in range(_TRIES, 0, -1):
            if self.trouble:
                return
            try:
                self._write_whole(frame)
                break
            except OSError as exc:
                if left == 1:
                    self.trouble = str(exc)
                else:
                    time.sleep(1)
        if not self._telling:
            self._telling = True
            self._loop.after(_TELL_S, self.tell)

    def _write_whole(self, frame: bytes) -> None:
        done = 0
        while done < len(frame):
            done += os.pwrite(self._file, frame[done:], self._size + done)
        self._size += len(frame)

    def tell(self) -> None:
        """Have other hosts see it."""
        self._telling = False
        try:
            os.fsync(self._file)
        except OSError as exc:
            self.trouble = self.trouble or str(exc)

    def close(self) -> None:
        """Nothing more comes."""
        try:
            os.ftruncate(self._file, self._size)  # without a part of a frame for which there was no room
        except OSError as exc:
            self.trouble = self.trouble or str(exc)
        self.tell()
        os.close(self._file)


class Messages:
    """Takes in, on a thread of its own, what comes from those who know the token.

    Args:
        path: The file.
        token: What they know.

    Attributes:
        address: Where they are awaited: the host and the port, as texts.

    Raises:
        OSError: There can be no port, or no file.
    """

    def __init__(self, path: str, token: str) -> None:
        self._token = token
        self._loop = Loop()
        self._file = _File(self._loop, path)
        self._port = LogPort(self._loop, self._file, self._on_drained)
        self._port.expect(token, _JOB)
        self._ending = self._over = False
        reading, self._writing = os.pipe()
        self._loop.on_readable(reading, lambda: self._on_ending(reading))
        self.address = [HOST, str(self._port.port)]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> str:
        """Wait for the last ones, but not for long; "" if all is in the file, else why it is not."""
        os.write(self._writing, b"x")
        self._thread.join()
        return self._file.trouble

    def _serve(self) -> None:
        while not self._over:
            self._loop.turn()
        self._file.close()

    def _on_ending(self, reading: int) -> None:
        self._loop.forget(reading)
        left = self._port.open_connections(_JOB)
        self._ending = True  # not before: the port is in use until it has told
        if left:
            self._loop.after(_LAST_RECORDS_S, self._on_last_moment)
        else:
            self._conclude()

    def _on_last_moment(self) -> None:
        """Take in what has come meanwhile, of which this process has read nothing if it stood still."""
        self._ending = False
        self._port.take_in(_JOB)
        self._conclude()

    def _on_drained(self, job: int) -> None:
        if self._ending:
            self._conclude()

    def _conclude(self) -> None:
        if not self._over:
            self._over = True
            self._port.forget(self._token, _JOB)
