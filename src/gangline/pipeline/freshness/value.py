"""What a history says of one output, and how it stands in the file.

The file is shared with Ruffus: a value is a pickle of its class `JobHistoryChecksum` with four attributes. It is read
without running anything that a pickle could ask for: the bytes that both programs write are taken apart by position,
everything else goes through an unpickler that knows this one class and nothing more.
"""

from __future__ import annotations

import io
import pickle
import struct
from typing import Any, NamedTuple

from gangline.errors import StoreError

__all__ = ["CLASS_NAME", "Value", "decode", "decode_time", "encode"]

CLASS_NAME = "JobHistoryChecksum"
_MODULES = ("ruffus.ruffus_utility", "gangline.pipeline.ruffus_utility")

# The end of a value: time, checksum of the parameters, checksum of the function, in the opcodes of protocol 4.
_TIME = b"\x8c\x05mtime\x94G"
_PARAMS = b"\x8c\x0dchksum_params\x94\x8c\x20"
_FUNCTION = b"\x94\x8c\x0bchksum_func\x94\x8c\x20"
_END = b"\x94ub."
_TAIL = struct.Struct(f">{len(_TIME)}sd{len(_PARAMS)}s32s{len(_FUNCTION)}s32s{len(_END)}s")
_TIME_ONLY = struct.Struct(f">{len(_TIME)}sd{len(_PARAMS)}s32x{len(_FUNCTION)}s32x{len(_END)}s")
_HEAD = (
    b"\x80\x04\x8c\x15ruffus.ruffus_utility\x94\x8c\x12JobHistoryChecksum\x94\x93\x94)\x81\x94}\x94(\x8c\x07outfile\x94"
)


class Value(NamedTuple):
    """What is known of an output; checksums are 32 hexadecimal digits.

    Attributes:
        mtime: When it was made, in seconds since the epoch.
        params: Checksum of the parameters that it was made with.
        function: Checksum of the function that made it.
    """

    mtime: float
    params: str
    function: str


def encode(key: str, value: Value) -> bytes:
    """The bytes of a value, as Ruffus reads and writes them."""
    name = key.encode("utf-8", "surrogatepass")
    size = b"\x8c" + struct.pack("<B", len(name)) if len(name) < 256 else b"X" + struct.pack("<I", len(name))
    checksums = (value.params.encode("ascii"), value.function.encode("ascii"))
    tail = _TAIL.pack(_TIME, value.mtime, _PARAMS, checksums[0], _FUNCTION, checksums[1], _END)
    return _HEAD + size + name + b"\x94" + tail


def decode(data: Any) -> Value:
    """The value that stands in a history.

    Raises:
        StoreError: It is no value of a history.
    """
    if isinstance(data, bytes) and len(data) > _TAIL.size:
        time, mtime, params, params_sum, function, function_sum, end = _TAIL.unpack_from(data, len(data) - _TAIL.size)
        if time == _TIME and params == _PARAMS and function == _FUNCTION and end == _END:
            return Value(mtime, params_sum.decode("latin-1"), function_sum.decode("latin-1"))
    return _decode_any(data)


def decode_time(data: Any) -> float:
    """The time of a value that stands in a history: `decode(data).mtime` at less cost.

    Raises:
        StoreError: It is no value of a history.
    """
    if isinstance(data, bytes) and len(data) > _TAIL.size:
        time, mtime, params, function, end = _TIME_ONLY.unpack_from(data, len(data) - _TAIL.size)
        if time == _TIME and params == _PARAMS and function == _FUNCTION and end == _END:
            return float(mtime)
    return _decode_any(data).mtime


class _Checksum:
    """Takes the attributes of a pickled value."""

    mtime: Any = None
    chksum_params: Any = None
    chksum_func: Any = None


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name == CLASS_NAME and module in _MODULES:
            return _Checksum
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a history")


def _decode_any(data: Any) -> Value:
    try:
        found = _Reader(io.BytesIO(bytes(data))).load()
    except Exception as error:  # damaged bytes make an unpickler raise almost anything
        raise StoreError(f"an entry cannot be read ({error})") from error
    if not isinstance(found, _Checksum):
        raise StoreError(f"an entry holds {type(found).__name__} instead of the checksums of a file")
    try:
        return Value(float(found.mtime), str(found.chksum_params), str(found.chksum_func))
    except (TypeError, ValueError) as error:
        raise StoreError(f"an entry has no time ({found.mtime!r})") from error
