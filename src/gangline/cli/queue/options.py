"""What the commands about a queue share: which queue, and how arguments are written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import click

from gangline.errors import UsageError
from gangline.queue.configuration import URL_VARIABLE, default_url, load
from gangline.queue.facade import Queue

__all__ = ["look_here", "pairs", "queue_option", "span"]

Command = TypeVar("Command", bound=Callable[..., Any])
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def queue_option(*, makes: bool = False) -> Callable[[Command], Command]:
    """Give a command the option ``--queue``; it gets a `Queue` as the argument `queue`.

    Args:
        makes: A queue in a file is made if it is not there; otherwise that is an error.
    """

    def decorate(command: Command) -> Command:
        @click.option(
            "--queue",
            "url",
            metavar="URL",
            help=f"The queue: sqlite:///FILE or postgresql://...  [default: {URL_VARIABLE}, else as configured]",
        )
        @wraps(command)
        def call(*args: Any, url: str | None, **kwargs: Any) -> Any:
            if not makes:
                _refuse_absent(url)
            with Queue(url or None) as queue:
                return command(*args, queue=queue, **kwargs)

        return call  # type: ignore[return-value]  # the same but for the option

    return decorate


def _refuse_absent(url: str | None) -> None:
    """What only reads or gives orders must not make a queue where a name was mistyped."""
    url = url or os.environ.get(URL_VARIABLE) or load().url or default_url()
    if "://" not in url:
        path = url
    elif url.startswith("sqlite:///"):
        path = unquote(urlsplit(url).path[1:])
    else:
        return
    if not os.path.exists(path):
        raise UsageError(
            f"there is no queue in {os.path.abspath(path)}; name it with --queue URL or {URL_VARIABLE}, "
            "or make it by entering a job: gangline queue enqueue module.Class"
        )


def pairs(words: Iterable[str], what: str) -> dict[str, Any]:
    """Arguments that are written NAME=VALUE; a value is JSON, and a text if it is not.

    Args:
        words: As they were typed.
        what: What one of them is called in messages.

    Raises:
        UsageError: One is not written so, or a name stands twice.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise UsageError(f"{what} {word!r}: write NAME=VALUE, such as size=100 or name=text")
        if name in found:
            raise UsageError(f"{what} {name!r} is given twice")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def span(text: str) -> float:
    """A span of time: `90`, `90s`, `15min`, `12h`, `7d`, in seconds.

    Raises:
        UsageError: It is none.
    """
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    try:
        return float(number) * _UNITS[text[len(number) :].strip() or "s"]
    except (ValueError, KeyError):
        raise UsageError(f"{text!r} is no span of time; write 90s, 15min, 12h, 7d or 2w") from None


def look_here() -> None:
    """Find classes in modules of the current folder, as `python` does."""
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
