"""What section remote of a configuration says about jobs of a site's scheduler."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gangline.errors import UsageError
from gangline.recipes.words import meant
from gangline.remote.resources import Resources

__all__ = ["BATCH_OPTIONS", "METHOD", "BatchOptions", "check_batch_option", "read_batch_options"]

METHOD = "batch"
"""The method of section remote that means jobs of a site's scheduler."""

_HOST = "{host}"

BATCH_OPTIONS: Mapping[str, str] = {
    "system": "slurm, sge or drmaa",
    "queue": "a text of one line",
    "account": "a text of one line",
    "cores": "a whole number, 1 or more",
    "memory": "a number of bytes, or a text like 4 GB",
    "wall_time": "seconds, or a text like 90 min or 1:30:00",
    "options": "options as they stand on the command line that submits",
    "host_options": f"options as they stand on the command line that submits, with {_HOST} in them",
    "folder": "a folder that all hosts see",
    "max_jobs": "a whole number, 1 or more",
}
"""The options that have a meaning then, and what their values must be."""

_ASKED = ("queue", "account", "memory", "wall_time", "options")


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How jobs go to a site's scheduler.

    Args:
        system: Which it is; None: what this host has.
        folder: For what jobs are to run and leave; all hosts see it.
        max_jobs: How many it has at once, whether they wait or run; None: as the backend sees fit.
        resources: What jobs ask for, if they do not say it themselves.
        host_options: What has the scheduler run a job on a certain host; empty: it chooses itself.
    """

    system: str | None
    folder: str
    max_jobs: int | None
    resources: Resources
    host_options: tuple[str, ...] = ()

    def resources_on(self, host: str) -> Resources:
        """What has a job run on a host, if that is wanted at all."""
        return Resources(words=tuple(word.replace(_HOST, host) for word in self.host_options))


def check_batch_option(name: str, text: str) -> Any:
    """The value of an option.

    Raises:
        ValueError: It makes no sense.
    """
    if name in ("cores", "max_jobs"):
        number = int(text)
        if number < 1:
            raise ValueError(f"{number} is too small")
        return number
    if name == "system":
        from gangline.backends.batch.detect import NAMES

        if text.lower() not in NAMES:
            raise ValueError(meant(text, NAMES))
        return text.lower()
    if name == "host_options":
        words = tuple(shlex.split(text))
        if not any(_HOST in word for word in words):
            raise ValueError(f"there is no {_HOST} in it")
        return words
    if name in _ASKED:
        value: Any = float(text) if name in ("memory", "wall_time") and _is_number(text) else text
        Resources.read({name: value})
        return value
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_batch_options(texts: Mapping[str, str], runtime_directory: str) -> BatchOptions:
    """Make them of what a configuration says.

    Args:
        texts: The options of its section that have values.
        runtime_directory: Where the jobs' folder is, if nothing else is said.

    Raises:
        UsageError: A value makes no sense.
    """
    values: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            values[name] = check_batch_option(name, text)
        except ValueError as error:
            raise UsageError(
                f"[remote] {name} of the configuration must be {BATCH_OPTIONS[name]}, not {text!r}"
            ) from error
    folder = os.path.expanduser(values.pop("folder", os.path.join(".gangline", "batch")))
    return BatchOptions(
        system=values.pop("system", None),
        folder=os.path.abspath(os.path.join(os.path.expanduser(runtime_directory), folder)),
        max_jobs=values.pop("max_jobs", None),
        host_options=values.pop("host_options", ()),
        resources=Resources.read(values),
    )
