"""What files say about the queue: where it is, and the properties of classes of jobs.

`gangline.toml` in the current folder has it under `[queue]`; `.gangline/queue.toml` says the same without that heading,
and wins. The variable GANGLINE_QUEUE_CONFIG names another file of the second kind, which is then the only one.

    [queue]
    url = "postgresql://user@host/database"
    [queue.defaults]
    attempts = 3
    [queue.jobs."shop.Invoices"]
    priority = 5
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gangline.errors import UsageError
from gangline.queue.properties import CHECKS, check_all
from gangline.queue.words import meant

__all__ = ["CONFIG_VARIABLE", "URL_VARIABLE", "Configuration", "default_url", "load"]

URL_VARIABLE = "GANGLINE_QUEUE_URL"
CONFIG_VARIABLE = "GANGLINE_QUEUE_CONFIG"
_SHARED_FILE = "gangline.toml"
_OWN_FILE = os.path.join(".gangline", "queue.toml")
_SECTIONS = ("url", "defaults", "jobs")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the files say.

    Attributes:
        url: Where the queue is; empty if they do not say it.
        defaults: Properties in place of the usual defaults; what a class says of itself wins over them.
        jobs: Properties by class ("module.Class"); they win over what the class says of itself.
        files: Where it was read.
    """

    url: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    def of(self, name: str) -> Mapping[str, Any]:
        """The properties that it gives to a class."""
        return self.jobs.get(name, {})


def load(folder: str | None = None) -> Configuration:
    """Read the configuration.

    Args:
        folder: Where the files are looked for; the current folder if it is not given.

    Raises:
        UsageError: A file cannot be read, or says something that makes no sense; names the file and the place.
    """
    folder = folder or os.getcwd()
    named = os.environ.get(CONFIG_VARIABLE, "")
    if named:
        return _combine([_read(named, parse_file(named, f"{CONFIG_VARIABLE} names it, but "))])
    found = []
    shared, own = os.path.join(folder, _SHARED_FILE), os.path.join(folder, _OWN_FILE)
    if os.path.isfile(shared):
        section = parse_file(shared).get("queue", {})
        if not isinstance(section, dict):
            raise UsageError(f"{shared}: queue is {section!r}, but must be a table, [queue]")
        found.append(_read(shared, section))
    if os.path.isfile(own):
        found.append(_read(own, parse_file(own)))
    return _combine(found)


def parse_file(path: str, why: str = "") -> dict[str, Any]:
    """A TOML file as a dict.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    except OSError as error:
        raise UsageError(f"{path}: {why}it cannot be read: {error.strerror}") from error


def default_url() -> str:
    """The queue of this folder."""
    return f"sqlite:///{quote(os.path.abspath(os.path.join('.gangline', 'queue.db')))}"


def _combine(found: list[Configuration]) -> Configuration:
    if not found:
        return Configuration()
    *_, last = found
    jobs: dict[str, dict[str, Any]] = {}
    for one in found:
        for name, said in one.jobs.items():
            jobs[name] = {**jobs.get(name, {}), **said}
    defaults = {name: value for one in found for name, value in one.defaults.items()}
    url = last.url or found[0].url
    return Configuration(url, defaults, jobs, tuple(file for one in found for file in one.files))


def _read(path: str, section: dict[str, Any]) -> Configuration:
    for key in section:
        if key not in _SECTIONS:
            raise UsageError(f"{path}: the queue has no setting {key!r}; {meant(key, _SECTIONS)}")
    url = section.get("url", "")
    if not isinstance(url, str):
        raise UsageError(f"{path}: url is {url!r}, but must be a text such as 'sqlite:///jobs.db'")
    for key in ("defaults", "jobs"):
        if not isinstance(section.get(key, {}), dict):
            raise UsageError(f"{path}: {key} is {section[key]!r}, but must be a table, [{key}]")
    defaults = check_all(section.get("defaults", {}), f"{path}, [defaults]")
    jobs: dict[str, dict[str, Any]] = {}
    for name, said in _flatten(path, section.get("jobs", {}), ()):
        jobs.setdefault(name, {}).update(check_all(said, f"{path}, [jobs.{name!r}]"))
    return Configuration(url, defaults, jobs, (path,))


def _flatten(path: str, table: dict[str, Any], at: tuple[str, ...]) -> list[tuple[str, dict[str, Any]]]:
    """Sections by class: `[jobs."shop.Invoices"]` and `[jobs.shop.Invoices]` mean the same."""
    found = []
    said = {key: value for key, value in table.items() if not isinstance(value, dict)}
    if said:
        name = ".".join(at)
        if "." not in name:
            known = next(iter(said))
            where = f"[jobs.{name}]" if name else "[jobs]"
            advice = " or [defaults]" if known in CHECKS else ""
            raise UsageError(f'{path}, {where}: {known} belongs below a class, [jobs."module.Class"]{advice}')
        found.append((name, said))
    for key, value in table.items():
        if isinstance(value, dict):
            found += _flatten(path, value, (*at, key))
    return found
