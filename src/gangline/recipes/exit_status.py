"""What the end of a node script's `run` says: its exit status, and how it is to be told apart from others."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would take a fifth of the time that is left to a node script's start
    from typing import Literal

    VerdictKind = Literal["ok", "exit", "raised", "bad_value", "bad_outputs"]

__all__ = ["Judgement", "of_exception", "of_exit", "of_value"]

_SHOWN_MAX = 1_000


class Judgement:
    """What became of `run`.

    Attributes:
        status: The exit status, 0 to 255.
        kind: "ok": it gave an exit status; "exit": it called `sys.exit` with a text; "raised"; "bad_value": it returned
            what is no exit status; "bad_outputs": they cannot be written as JSON.
        message: In words; empty if there is nothing to say.
    """

    __slots__ = ("kind", "message", "status")

    def __init__(self, status: int, kind: VerdictKind = "ok", message: str = "") -> None:
        self.status = status
        self.kind = kind
        self.message = message


def of_value(value: object) -> Judgement:
    """What the value says that `run` returned.

    None is success, a whole number from 0 to 255 is the status. A bool is neither: for some, True is success, for the
    system, 1 is failure.
    """
    if value is None:
        return Judgement(0)
    if isinstance(value, bool):
        return Judgement(1, "bad_value", f"run returned {value}; return 0 for success, another number for failure")
    try:
        status = value.__index__()  # type: ignore[attr-defined]  # an int, or a number such as numpy's
    except (AttributeError, TypeError):
        text = f"run returned {_shown(value)} ({type(value).__name__}), which is no exit status"
        return Judgement(1, "bad_value", text)
    return _of_number(status, "run returned")


def of_exit(code: object) -> Judgement:
    """What `sys.exit` says that `run` called: nothing is success, a text is failure."""
    if code is None:
        return Judgement(0)
    if isinstance(code, int):
        return _of_number(int(code), "run called sys.exit with")
    return Judgement(1, "exit", f"run called sys.exit: {_shown(code, plain=True)}")


def of_exception(exc: BaseException) -> Judgement:
    """What an exception says that came out of `run`."""
    text = _shown(exc, plain=True)
    name = type(exc).__name__
    return Judgement(1, "raised", f"run raised {name}: {text}" if text else f"run raised {name}")


def _of_number(status: int, who: str) -> Judgement:
    if 0 <= status <= 255:
        return Judgement(status)
    return Judgement(1, "bad_value", f"{who} {_shown(status)}, but an exit status is a number from 0 to 255")


def _shown(value: object, *, plain: bool = False) -> str:
    try:
        text = str(value) if plain else repr(value)
    except Exception as exc:  # it is the user's
        text = f"<{type(value).__name__} that cannot be shown: {type(exc).__name__}>"
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
