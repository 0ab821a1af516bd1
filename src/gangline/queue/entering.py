"""From what users say to the entries that a store takes."""

from __future__ import annotations

import getpass
import json
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gangline.errors import UsageError
from gangline.queue import arguments, naming
from gangline.queue.configuration import Configuration
from gangline.queue.described import Described, locate
from gangline.queue.naming import Location
from gangline.queue.properties import NAMES, Properties, as_json, check_all, check_property, take
from gangline.store.jobs.port import Lane, NewJob

__all__ = ["Entrance", "JobClass", "Said", "split"]

JobClass = type[Described] | str
"""A class of jobs, or its name as "module.Class"."""

_log = logging.getLogger("gangline.queue")
_OF_SCHEDULES = ("schedule", "timezone", "missed")
_RESERVED = frozenset(NAMES) | {"args", "delay", "parent"}


class Said(NamedTuple):
    """What a call of `enqueue` says.

    Attributes:
        args: The arguments of the job.
        properties: Properties, checked.
        delay_s: Seconds until it may start.
        parent: The job that enters it.
    """

    args: Mapping[str, Any]
    properties: Mapping[str, Any]
    delay_s: float = 0.0
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """All of an entry but the arguments."""

    lane: Lane
    properties: Properties
    kept: Mapping[str, Any]
    entry: NewJob

    def entry_of(self, said: Said) -> NewJob:
        """An entry whose arguments are to be filled in."""
        if said.parent is None and not said.delay_s:
            return self.entry
        return self.entry._replace(parent=said.parent, wait_s=said.delay_s)


class Many:
    """Entries that differ in their arguments only; see `Alike`.

    Args:
        like: An entry without arguments.
        args: The arguments of each.
    """

    def __init__(self, like: NewJob, args: Sequence[Mapping[str, Any]]) -> None:
        self.like = like
        self._args = args

    def __len__(self) -> int:
        return len(self._args)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        name = self.like.lane.name
        encode, digest = arguments.encode, arguments.digests_of(name)
        for args in self._args:
            text = encode(args, name)
            yield text, digest(text)


def split(where: str, given: dict[str, Any]) -> Said:
    """Tell the properties in a call from the arguments of the job.

    Args:
        where: Whose call it is; the beginning of messages.
        given: All keyword arguments; `args` holds arguments whose names are those of properties.

    Raises:
        UsageError: A property cannot have its value, or makes no sense here.
    """
    if _RESERVED.isdisjoint(given):
        return Said(given, {})
    args = {name: value for name, value in given.items() if name not in _RESERVED}
    more = given.get("args", {})
    if not isinstance(more, Mapping) or not all(isinstance(name, str) for name in more):
        raise UsageError(f"{where}: args is {more!r}, but must be a dict of the job's arguments by name")
    for name in more:
        if name in args:
            raise UsageError(f"{where}: the argument {name} is given twice, once in args")
    said = {name: value for name, value in given.items() if name in NAMES}
    for name in _OF_SCHEDULES:
        if name in said:
            raise UsageError(f"{where}: {name} is not for one job; enter it again and again with queue.schedule(...)")
    delay_s = given.get("delay", 0.0)
    if delay_s:
        delay_s = _check_delay(delay_s, where)
    parent = given.get("parent")
    if parent is not None and (type(parent) is not int or parent < 1):
        raise UsageError(f"{where}: parent is {parent!r}, but must be the id of a job")
    return Said({**args, **more}, check_all(said, where), delay_s, parent)


def _check_delay(value: Any, where: str) -> float:
    try:
        return float(check_property("defer_time", value, where))
    except UsageError as error:
        raise UsageError(str(error).replace("defer_time", "delay", 1)) from None


class Entrance:
    """Makes entries. What a class says is worked out once, and again only when it has changed.

    Args:
        configuration: What files say about classes.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[type, tuple[tuple[Any, ...], Template]] = {}
        self._host = socket.gethostname()
        self._user = _user()

    def entry(self, job: JobClass, said: Said) -> NewJob:
        """One entry.

        Raises:
            UsageError: No worker could import the class, a property or an argument is not possible.
        """
        return _filled(self.template(job, said.properties).entry_of(said), said.args)

    def many(self, job: JobClass, args: Sequence[Mapping[str, Any]], said: Said) -> Many:
        """Entries that differ in their arguments only, those of `said` being left aside.

        Raises:
            UsageError: As `entry`; that an argument is not possible is seen when they are gone through.
        """
        return Many(self.template(job, said.properties).entry_of(said), args)

    def template(self, job: JobClass, said: Mapping[str, Any]) -> Template:
        """What holds for all jobs of a class, with what a call says of them.

        Raises:
            UsageError: As `entry`.
        """
        if isinstance(job, str):
            found = naming.find_class(naming.check_name(job))
            if found is None:
                return self._template_by_name(Location(job), said)
            job = found
        if not isinstance(job, type) or said:
            return self._make(locate(job), _said_by(job), said)
        known = self._known.get(job)
        now = take(job) if issubclass(job, Described) else ()
        if known is None or known[0] != now:
            known = self._known[job] = (now, self._make(locate(job), _said_by(job), said))
        return known[1]

    def chained(self, kept: Mapping[str, Any], parent: int | None) -> tuple[NewJob, ...]:
        """The entries that follow on a job.

        Args:
            kept: What the job's row keeps of its properties.
            parent: The job.
        """
        made = []
        for spec in kept.get("chain", ()):
            location = Location(spec["name"], spec.get("folder", ""))
            said = check_all(spec.get("properties", {}), location.name)
            template = self._template_anyhow(location, said)
            entry = template.entry_of(Said({}, {}, spec.get("delay", 0.0), parent))
            made.append(_filled(entry, spec.get("args", {})))
        return tuple(made)

    def _template_anyhow(self, location: Location, said: Mapping[str, Any]) -> Template:
        try:
            cls = naming.load_class(location.name, location.folder)
        except Exception:  # the module is the user's; a worker tells in the job what is wrong with it
            return self._template_by_name(location, said)
        return self._make(locate(cls), _said_by(cls), said)

    def _template_by_name(self, location: Location, said: Mapping[str, Any]) -> Template:
        template = self._make(location, {}, said)
        if not (template.lane.python or template.lane.folder):
            _log.warning(
                "%s cannot be imported here; it is entered by its name, as the configuration and the call describe it",
                location.name,
            )
        return template

    def _make(self, location: Location, of_class: Mapping[str, Any], said: Mapping[str, Any]) -> Template:
        over = {**self._configuration.of(location.name), **said}
        properties = Properties(**{**self._configuration.defaults, **of_class, **over})
        folder, python = _environment(properties, location.folder)
        lane = Lane(
            location.name, properties.worker, python, folder, properties.force,
            properties.max_parallel, properties.max_parallel_total,
        )  # fmt: skip
        kept = as_json(properties, {**self._configuration.defaults, **over})
        if properties.chain:
            kept["chain"] = [self._spec(one, lane) for one in properties.chain]
        needs = tuple(one for one in properties.dependency if isinstance(one, int))
        classes = tuple(_name_of(one) for one in properties.dependency if not isinstance(one, int))
        entry = NewJob(
            lane, "", b"", unique=properties.unique, priority=properties.priority, attempts=properties.attempts,
            properties=json.dumps(kept), needs=needs, needs_classes=classes, host=self._host, user=self._user,
            tag=properties.tag, author=properties.author, hidden=properties.hidden,
        )  # fmt: skip
        return Template(lane, properties, kept, entry)

    def _spec(self, one: Any, after: Lane) -> dict[str, Any]:
        """A job of a chain as it is kept until the one before it, which runs in this lane, is complete."""
        job, given = one if isinstance(one, (tuple, list)) else (one, {})
        found = naming.find_class(naming.check_name(job)) if isinstance(job, str) else job
        # What cannot be imported here is where the one before it is.
        location = Location(job, after.folder) if found is None else locate(found)
        where = f"{location.name} in the chain of {after.name}"
        said = split(where, dict(given))
        arguments.encode(said.args, where)
        chosen = dict(said.properties)
        if after.python and found is None:
            chosen.setdefault("python", after.python)
        spec: dict[str, Any] = {"name": location.name, "folder": location.folder, "args": dict(said.args)}
        if said.delay_s:
            spec["delay"] = said.delay_s
        if chosen:
            spec["properties"] = {key: _plain(value) for key, value in chosen.items()}
        return spec


def _filled(entry: NewJob, args: Mapping[str, Any]) -> NewJob:
    """An entry with its arguments."""
    text = arguments.encode(args, entry.lane.name)
    return entry._replace(args=text, digest=arguments.digests_of(entry.lane.name)(text))


def _plain(value: Any) -> Any:
    """A property of a chained job as JSON; classes become names, and chains of chains stay chains."""
    if isinstance(value, type):
        return locate(value).name
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value


def _name_of(job: JobClass) -> str:
    if not isinstance(job, str):
        return locate(job).name
    found = naming.find_class(naming.check_name(job))
    return job if found is None else locate(found).name


def _said_by(cls: Any) -> dict[str, Any]:
    """The properties that a class, or one that it is made of, says something about."""
    if not isinstance(cls, type) or not issubclass(cls, Described):
        return {}
    said = set()
    for base in cls.__mro__:
        if base.__module__.startswith("gangline.queue.") and issubclass(base, Described):
            break
        said |= vars(base).keys() & set(NAMES)
    return check_all({name: getattr(cls, name) for name in said}, f"class {cls.__qualname__}")


def _environment(properties: Properties, folder: str) -> tuple[str, str]:
    """The folder and the interpreter of a job."""
    python = properties.python
    if properties.project:
        folder = properties.project
        for place in (".venv", "venv"):
            candidate = os.path.join(folder, place, "bin", "python")
            if not python and os.path.exists(candidate):
                python = candidate
    if python and os.path.isdir(python):
        python = os.path.join(python, "bin", "python")
    return folder, python


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        return str(os.getuid())
