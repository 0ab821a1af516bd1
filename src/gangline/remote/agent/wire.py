"""How master and agent speak: frames of a length, a kind, a job's number and a payload. Used on both sides."""

from __future__ import annotations

import json
import struct
from typing import Any

MAGIC = b"\0gangline-agent\n"
"""What the agent says first. Whatever came before it was written by the shell that started it."""

# Master to agent
RUN, INPUT, END, KILL, SIGNAL, PING, BYE = 1, 2, 3, 4, 5, 6, 7
# Agent to master
HELLO, STARTED, STDOUT, STDERR, LOG, ENDED, NOT_STARTED, PONG, WARNING = 16, 17, 18, 19, 20, 21, 22, 23, 24

CHUNK_BYTES = 65536
"""How much of a job's input or output one frame carries at most."""

MAX_PAYLOAD_BYTES = 64 * 2**20

_HEADER = struct.Struct(">IBI")


class FrameError(ValueError):
    """What came is no frame."""


def pack(kind: int, job: int = 0, payload: bytes = b"") -> bytes:
    """A frame.

    Raises:
        FrameError: The payload is too large.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise FrameError(f"a frame of {len(payload)} bytes is too large; the most is {MAX_PAYLOAD_BYTES}")
    return _HEADER.pack(len(payload), kind, job) + payload


def pack_json(kind: int, job: int, value: Any) -> bytes:
    """A frame whose payload is JSON; in ASCII, so that text of any kind arrives as it is.

    Raises:
        FrameError: The payload is too large.
    """
    return pack(kind, job, json.dumps(value, separators=(",", ":")).encode("ascii"))


class Decoder:
    """Takes in bytes and gives out frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """The frames that are complete with this: kind, job, payload.

        Raises:
            FrameError: This is no sequence of frames.
        """
        buffer, start, frames = self._buffer, 0, []
        buffer += data
        while len(buffer) - start >= _HEADER.size:
            length, kind, job = _HEADER.unpack_from(buffer, start)
            if length > MAX_PAYLOAD_BYTES:
                raise FrameError(f"a frame announces {length} bytes, which is too many")
            end = start + _HEADER.size + length
            if end > len(buffer):
                break
            frames.append((kind, job, bytes(buffer[start + _HEADER.size : end])))
            start = end
        del buffer[:start]
        return frames
