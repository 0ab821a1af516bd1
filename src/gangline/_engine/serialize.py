"""Pickling of calls and values.

Two picklers. The quick one is the C pickler with a hook that only looks at functions and classes; it declines
whatever the other side could not import. Then the full one (`by_value`) takes over, which costs an import of
cloudpickle.
"""

from __future__ import annotations

import io
import pickle
from types import FunctionType
from typing import Any

from gangline._engine.importable import is_importable

__all__ = ["OUT_OF_BAND_BYTES", "dumps", "full_dumps", "loads"]

OUT_OF_BAND_BYTES = 256 * 1024
"""Buffers from this size on may travel beside the pickle instead of in it."""

loads = pickle.loads


class _ByValueNeededError(Exception):
    """The quick pickler has met something that must travel by value."""


class _QuickPickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (FunctionType, type)) and not is_importable(obj):
            raise _ByValueNeededError
        return NotImplemented


def dumps(obj: Any, buffers: list[memoryview] | None = None) -> bytes:
    """Pickle a value of any kind.

    Args:
        obj: The value.
        buffers: Where large contiguous buffers are put, in order, instead of into the pickle.

    Raises:
        Exception: whatever the value's own code or the pickler raises.
    """
    file = io.BytesIO()
    try:
        _QuickPickler(file, 5, buffer_callback=_collector(buffers)).dump(obj)
    except Exception:  # the full pickler knows more; where it fails too, its error is the one that counts
        if buffers is not None:
            buffers.clear()
        return full_dumps(obj, buffers)
    return file.getvalue()


def full_dumps(obj: Any, buffers: list[memoryview] | None = None) -> bytes:
    """As `dumps`, with functions and classes by value where the other side could not import them."""
    from gangline._engine.by_value import FullPickler  # cloudpickle takes 30 ms to import: not before it is needed

    file = io.BytesIO()
    FullPickler(file, protocol=5, buffer_callback=_collector(buffers)).dump(obj)
    return file.getvalue()


def _collector(buffers: list[memoryview] | None) -> Any:
    if buffers is None:
        return None

    def in_band(buffer: pickle.PickleBuffer) -> bool:
        with memoryview(buffer) as view:
            if view.nbytes < OUT_OF_BAND_BYTES or not view.contiguous:
                return True
        buffers.append(buffer.raw())
        return False

    return in_band
