"""Cookies: a small document for each class of jobs, which lasts between its runs and is shared by all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gangline.errors import UsageError
from gangline.queue import arguments
from gangline.store.jobs.port import CookieAction, JobStore

__all__ = ["Cookie"]


class Cookie:
    """The cookie of a class. Every change is atomic, whoever makes one at the same time.

    Args:
        store: Where it is kept.
        name: The class, as "module.Class".
    """

    def __init__(self, store: JobStore, name: str) -> None:
        self._store = store
        self.name = name

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or the default if there is none."""
        return self._store.cookie(self.name).get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Keep a value.

        Raises:
            UsageError: JSON cannot say it.
        """
        self._change("set", key, value)

    def inc(self, key: str, value: float = 1) -> Any:
        """Add to a number, which is 0 if it is not there; returns the sum."""
        return self._change("inc", key, _number("inc", key, value))

    def max(self, key: str, value: float) -> Any:
        """Keep the greater one of the number that is there and this one; returns it."""
        return self._change("max", key, _number("max", key, value))

    def min(self, key: str, value: float) -> Any:
        """Keep the smaller one of the number that is there and this one; returns it."""
        return self._change("min", key, _number("min", key, value))

    def delete(self, key: str | None = None) -> None:
        """Forget a value, or all of them. One that is not there is no error."""
        self._store.delete_cookie(self.name, key)

    def has_key(self, key: str) -> bool:
        """Whether there is such a value."""
        return key in self

    def to_dict(self) -> dict[str, Any]:
        """All values."""
        return self._store.cookie(self.name)

    def _change(self, action: CookieAction, key: str, value: Any) -> Any:
        if not isinstance(key, str) or not key:
            raise UsageError(f"a cookie's key is a text, not {key!r}")
        text = arguments.encode({key: value}, f"the cookie of {self.name}", "the value")
        return self._store.change_cookie(self.name, action, key, json.loads(text)[key])

    def __contains__(self, key: object) -> bool:
        return key in self._store.cookie(self.name)

    def __getitem__(self, key: str) -> Any:
        return self._store.cookie(self.name)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.set(key, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.cookie(self.name))

    def __len__(self) -> int:
        return len(self._store.cookie(self.name))

    def __repr__(self) -> str:
        return f"<cookie of {self.name}>"


def _number(action: str, key: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"cookie.{action}({key!r}, ...) takes a number, not {value!r}")
    return value
