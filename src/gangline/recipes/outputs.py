"""What a node script hands back beside its exit status: a dict, as JSON."""

from __future__ import annotations

import os

from gangline.recipes.records import LINE_MAX_BYTES, encode

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would take a fifth of the time that is left to a node script's start
    from typing import Any

__all__ = ["BadOutputs", "as_json"]

_MOST_BYTES = LINE_MAX_BYTES - 1_000


class BadOutputs(ValueError):
    """The outputs cannot be handed back; the message names the key."""


def as_json(outputs: object) -> dict[str, Any]:
    """The outputs as values that JSON can express, the same at the other end except that tuples are lists there.

    Arrays and scalars of numpy become lists and numbers, paths become texts; NaN and infinities stay what they are.

    Raises:
        BadOutputs: Something in it cannot be expressed, or all of it is too large.
    """
    if not isinstance(outputs, dict):
        raise BadOutputs(f"outputs must be a dict, not {type(outputs).__name__}")
    taken: dict[str, Any] = {}
    size = 0
    for key, value in outputs.items():
        if not isinstance(key, str):
            raise BadOutputs(f"the key {key!r} of outputs is no text")
        try:
            taken[key] = _plain(value)
            size += len(encode({key: taken[key]}))
        except RecursionError:
            raise BadOutputs(f"outputs[{key!r}] holds itself, or is nested too deeply") from None
        except (TypeError, ValueError) as exc:
            raise BadOutputs(f"outputs[{key!r}] cannot be written as JSON: {exc}") from exc
        if size > _MOST_BYTES:
            raise BadOutputs(
                f"outputs are too large: with outputs[{key!r}] they have more than {_MOST_BYTES} bytes; write it into "
                "a file and hand back its name"
            )
    return taken


def _plain(value: object) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"its key {key!r} is no text")
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, os.PathLike):
        return _plain(os.fspath(value))
    to_list = getattr(value, "tolist", None)
    if callable(to_list):
        return _plain(to_list())
    raise TypeError(f"{type(value).__name__} is no value that JSON has")
