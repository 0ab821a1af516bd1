"""Which queue is meant when none is named."""

from __future__ import annotations

import os
from urllib.parse import quote

from gangline.errors import UsageError
from gangline.queue import configuration
from gangline.queue.configuration import Configuration
from gangline.queue.current import running

__all__ = ["find_place"]

_IN_FILE = "sqlite:///"


def find_place(url: str | None, parent: int | None, given: Configuration | None) -> tuple[str, int | None]:
    """Where the queue is, and whose children jobs are that are entered into it.

    Args:
        url: What was said; None is the queue of the job that runs here, or the usual one.
        parent: What was said; None is the job that runs here, if it is of that queue.
        given: The configuration, if it was read already.

    Raises:
        UsageError: The URL is none.
    """
    job = running.get()
    if url is None and job is not None and job._about.url:
        url = job._about.url
    if job is not None and parent is None and url == job._about.url:
        parent = job.id
    if url is None:
        url = os.environ.get(configuration.URL_VARIABLE, "")
        url = url or (given or configuration.load()).url or configuration.default_url()
    if not isinstance(url, str) or not url:
        raise UsageError(f"the queue's URL is {url!r}, but must be a text such as 'sqlite:///jobs.db'")
    return _absolute(url), parent


def _absolute(url: str) -> str:
    """The same for other processes, which may be in another folder."""
    if "://" not in url:
        return os.path.abspath(url)
    path = url.removeprefix(_IN_FILE)
    return url if path == url or not path or path.startswith("/") else f"{_IN_FILE}{quote(os.getcwd())}/{path}"
