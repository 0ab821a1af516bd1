"""Data that jobs share: values by key, kept by the queue until they are deleted."""

from __future__ import annotations

import json
from typing import Any

from gangline.errors import UsageError
from gangline.queue import arguments
from gangline.store.jobs.port import JobStore

__all__ = ["Values"]

_BYTES, _JSON = b"b", b"j"


class Values:
    """The key-value store of a queue. A value is `bytes`, or anything that JSON can say.

    Args:
        store: Where it is kept.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or the default if there is none."""
        data = self._store.read_value(_checked(key))
        return default if data is None else _unpack(data)

    def set(self, key: str, value: Any) -> None:
        """Keep a value.

        Raises:
            UsageError: It is neither bytes nor JSON.
        """
        self._store.write_value(_checked(key), _pack(key, value))

    def set_if(self, key: str, value: Any, expect: Any) -> bool:
        """Keep a value, if the old one is still what is expected; `None` stands for "there is none".

        Returns:
            Whether it was done.
        """
        expected = None if expect is None else _pack(key, expect)
        return self._store.write_value(_checked(key), _pack(key, value), expect=expected)

    def add(self, key: str, value: Any) -> bool:
        """Keep a value, if there is none yet; whether it was done."""
        return self.set_if(key, value, None)

    def delete(self, key: str) -> bool:
        """Forget a value; False if there was none."""
        there = self._store.read_value(_checked(key)) is not None
        self._store.write_value(key, None)
        return there

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin so, sorted."""
        return self._store.keys(prefix)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._store.read_value(_checked(key)) is not None

    def __getitem__(self, key: str) -> Any:
        data = self._store.read_value(_checked(key))
        if data is None:
            raise KeyError(key)
        return _unpack(data)

    def __setitem__(self, key: str, value: Any) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __repr__(self) -> str:
        return f"<values of {self._store.url}>"


def _checked(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise UsageError(f"a key is a text, not {key!r}")
    return key


def _pack(key: str, value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _BYTES + bytes(value)
    text = arguments.encode({key: value}, "the queue's store", "the value of")
    return _JSON + json.dumps(json.loads(text)[key]).encode()


def _unpack(data: bytes) -> Any:
    return data[1:] if data[:1] == _BYTES else json.loads(data[1:])
