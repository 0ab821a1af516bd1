"""Which hosts make up a cluster, and how its engines are started: from a file, or from what a program says."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gangline.cluster.adapting import IDLE_S, Bounds
from gangline.cluster.description import ClusterDesc, ClusterError, get_compute_nodes
from gangline.cluster.launchers import LAUNCHERS, JobShape
from gangline.errors import UsageError
from gangline.remote.resources import Resources

__all__ = [
    "DEFAULT_NAME",
    "JOB_KEYS",
    "JOB_START_S",
    "SCHEDULER_S",
    "TOML_KEYS",
    "ClusterConfiguration",
    "bounds_of",
    "configure",
    "configured_file",
    "read_configuration",
]

DEFAULT_NAME = "default"
SCHEDULER_S = 60.0
"""How long the scheduler may take to come up; only then the time of the engines begins."""

JOB_START_S = 600.0
"""How long jobs may take to come up if nothing else is said: a site may have to make room."""

_USUAL = "~/.pipeline.cfg"


@dataclass(frozen=True, slots=True)
class ClusterConfiguration:
    """Which hosts make up a cluster, and how its engines are started.

    Args:
        name: What the cluster is called: its profile.
        hosts: Their names, with how many engines each is to have; None: one for each core.
        min_engines: The cluster can be used if so many have come up; None: all.
        start_timeout_s: How long the engines may take to come up, once there is a scheduler, in seconds.
        address: By which address the hosts reach this one; None: the one from which they were logged in to.
        python: The Python on other hosts; None: "python", of the same folder as here where that is there.
        pythonpath: Folders for the engines to import from.
        ssh: The ssh program.
        ssh_config: Its configuration; None: the user's.
        keepalive_s: After how much silence a host is taken for lost.
        jobs: The jobs of a site's scheduler that it consists of instead; None: it consists of hosts.
        bounds: Between how many engines in all it scales with what there is to do; None: it has those that it has.

    Raises:
        UsageError: A value makes no sense.
    """

    name: str = DEFAULT_NAME
    hosts: tuple[tuple[str, int | None], ...] = (("localhost", None),)
    min_engines: int | None = None
    start_timeout_s: float = 60.0
    address: str | None = None
    python: str | None = None
    pythonpath: tuple[str, ...] = ()
    ssh: str = "ssh"
    ssh_config: str | None = field(default_factory=lambda: os.environ.get("GANGLINE_SSH_CONFIG") or None)
    keepalive_s: float = 10.0
    jobs: JobShape | None = None
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        if not self.name or not self.name.isprintable() or any(letter in self.name for letter in "/\0 "):
            raise UsageError(f"a cluster cannot be called {self.name!r}: its name must do for a file's name")
        if not self.hosts and self.jobs is None:
            raise UsageError("a cluster needs a host; the list is empty")
        seen: set[str] = set()
        for host, engines in self.hosts:
            if host in seen:
                raise UsageError(f"host {host} is in the cluster twice")
            seen.add(host)
            if engines is not None and (type(engines) is not int or engines < 1):
                raise UsageError(f"host {host} must have 1 engine or more, not {engines!r}")
        if not self.start_timeout_s > 0:
            raise UsageError(f"start_timeout must be seconds, more than 0, not {self.start_timeout_s!r}")
        if not 1 <= self.keepalive_s < float("inf"):
            raise UsageError(f"keepalive must be seconds, 1 or more, not {self.keepalive_s!r}")
        if self.min_engines is not None and self.min_engines < 1:
            raise UsageError(f"min_engines must be 1 or more, not {self.min_engines!r}")

    def with_engines(self, engines: int | None) -> ClusterConfiguration:
        """The same with so many engines on each host, or in each job; None changes nothing."""
        if engines is None:
            return self
        if self.jobs is not None:
            return replace(self, jobs=replace(self.jobs, engines=engines))
        return replace(self, hosts=tuple((host, engines) for host, _ in self.hosts))


_configured: list[str | None] = [None]


def configure(file: str | None) -> None:
    """From now on, `cluster()` without a configuration takes this file: what a pipeline was given with `--config`."""
    _configured[0] = file


def configured_file() -> str | None:
    """What `configure` was given last."""
    return _configured[0]


def read_configuration(file: str | os.PathLike[str] | None = None) -> ClusterConfiguration:
    """What a file says: TOML if it is called so, else in the form of the LOFAR framework's `pipeline.cfg`.

    Args:
        file: The file; None: `~/.pipeline.cfg` if there is one, else this host alone.

    Raises:
        ClusterError: It cannot be read, or says what makes no sense; names the file, and the key.
    """
    if file is None:
        file = os.path.expanduser(_USUAL)
        if not os.path.exists(file):
            return ClusterConfiguration()
    file = os.path.expanduser(os.fspath(file))
    try:
        if Path(file).suffix == ".toml":
            return _from_toml(file)
        return _from_pipeline_cfg(file)
    except ClusterError:
        raise
    except OSError as error:
        raise ClusterError(f"{file} cannot be read: {error.strerror}") from error
    except (UsageError, ConfigParserError, ValueError) as error:
        raise ClusterError(f"{file}: {error}") from error


TOML_KEYS: Mapping[str, tuple[type, ...]] = {
    "name": (str,), "hosts": (list, str), "engines": (int,), "min_engines": (int,), "start_timeout": (int, float),
    "address": (str,), "python": (str,), "pythonpath": (list,), "ssh": (str,), "ssh_config": (str,),
    "keepalive": (int, float), "minimum": (int,), "maximum": (int,), "idle_timeout": (int, float),
}  # fmt: skip
"""What a file in TOML may say about a cluster of hosts, and much of it about one of jobs."""

JOB_KEYS: Mapping[str, tuple[type, ...]] = {
    "launcher": (str,), "jobs": (int,), "cores": (int,), "memory": (str, int), "wall_time": (str, int, float),
    "queue": (str,), "account": (str,), "options": (dict,), "setup": (list,), "folder": (str,),
}  # fmt: skip
"""What it may say besides about a cluster of jobs."""

_HOST_KEYS = ("hosts", "ssh", "ssh_config")
"""What makes no sense there."""


def _from_toml(file: str) -> ClusterConfiguration:
    with open(file, "rb") as stream:
        table = tomllib.load(stream)
    known = {**TOML_KEYS, **JOB_KEYS}
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"there is no key {key!r}; {_nearest(key, list(known))}")
        if not isinstance(value, known[key]) or isinstance(value, bool):
            raise UsageError(f"{key} must be {' or '.join(each.__name__ for each in known[key])}, not {value!r}")
    for key, what in (("pythonpath", "folders"), ("setup", "lines of shell")):
        if not all(isinstance(each, str) for each in table.get(key, ())):
            raise UsageError(f"{key} must be a list of {what}, not {table[key]!r}")
    engines = table.get("engines")
    if "launcher" in table:
        return ClusterConfiguration(hosts=(), jobs=_jobs(table), **_general({"start_timeout": JOB_START_S} | table))
    if lonely := next((key for key in table if key in JOB_KEYS), None):
        raise UsageError(
            f"{lonely} is for jobs of a site's scheduler: it needs a launcher, one of {', '.join(LAUNCHERS)}"
        )
    if "hosts" not in table:
        hosts: tuple[tuple[str, int | None], ...] = (("localhost", engines),)
    elif isinstance(table["hosts"], str):  # a description of a cluster, or a list of hosts
        beside = os.path.join(os.path.dirname(os.path.abspath(file)), os.path.expanduser(table["hosts"]))
        hosts = _of_description(beside, engines)
    else:
        hosts = tuple(_host(each, engines) for each in table["hosts"])
    return ClusterConfiguration(hosts=hosts, **_general(table))


def _general(table: Mapping[str, Any]) -> dict[str, Any]:
    """What clusters of hosts and of jobs have in common."""
    more: dict[str, Any] = {
        "start_timeout_s": table.get("start_timeout"), "keepalive_s": table.get("keepalive"),
        "pythonpath": tuple(table.get("pythonpath", ())) or None,
        **{key: table.get(key) for key in ("name", "min_engines", "address", "python", "ssh", "ssh_config")},
    }  # fmt: skip
    more["bounds"] = bounds_of(table.get("minimum"), table.get("maximum"), table.get("idle_timeout"))
    return {key: value for key, value in more.items() if value is not None}


def bounds_of(minimum: int | None, maximum: int | None, idle_s: float | None = None) -> Bounds | None:
    """Between what a cluster scales; None: it does not.

    Raises:
        UsageError: A value makes no sense, or there is no maximum.
    """
    if maximum is None:
        if minimum is not None or idle_s is not None:
            raise UsageError("a cluster that scales by itself needs a maximum")
        return None
    return Bounds(minimum or 0, maximum, IDLE_S if idle_s is None else idle_s)


def _jobs(table: Mapping[str, Any]) -> JobShape:
    if "jobs" in table and "maximum" in table:
        raise UsageError("jobs says how many there always are, maximum that it depends: one of them is enough")
    if wrong := next((key for key in table if key in _HOST_KEYS), None):
        raise UsageError(f"{wrong} is for a cluster of hosts; this one consists of jobs, since it has a launcher")
    asked = {key: table[key] for key in ("cores", "memory", "wall_time", "queue", "account", "options") if key in table}
    return JobShape(
        table["launcher"], table.get("jobs", 1), table.get("engines"), Resources.read(asked),
        tuple(table.get("setup", ())), table.get("folder"),
    )  # fmt: skip


def _host(each: Any, engines: int | None) -> tuple[str, int | None]:
    match each:
        case str():
            return each, engines
        case {"name": str(name)}:
            unknown = sorted(each.keys() - {"name", "engines"})
            if unknown:
                raise UsageError(f"host {name} has an unknown key {unknown[0]!r}; {_nearest(unknown[0], ['engines'])}")
            own = each.get("engines", engines)
            if own is not None and (not isinstance(own, int) or isinstance(own, bool)):
                raise UsageError(f"host {name}: engines must be a whole number, not {own!r}")
            return name, own
        case _:
            raise UsageError(f'a host is a name, or {{name = "...", engines = 2}}, not {each!r}')


def _of_description(file: str, engines: int | None) -> tuple[tuple[str, int | None], ...]:
    description = ClusterDesc(file)
    slots: Mapping[str, int] = getattr(description, "slots", {})
    return tuple((host, slots.get(host, engines)) for host in get_compute_nodes(description))


def _from_pipeline_cfg(file: str) -> ClusterConfiguration:
    parser = ConfigParser({"cwd": os.getcwd().replace("%", "%%"), "runtime_directory": "%(cwd)s"})
    with open(file, encoding="utf-8") as stream:
        parser.read_file(stream, file)

    def text(section: str, option: str) -> str:
        return parser.get(section, option, fallback="").strip()

    description = os.path.expanduser(text("cluster", "clusterdesc"))
    hosts: tuple[tuple[str, int | None], ...] = (("localhost", None),)
    if description:
        hosts = _of_description(os.path.join(os.path.dirname(os.path.abspath(file)), description), None)
    more: dict[str, Any] = {}
    for key, option in (("ssh_config", "ssh_config"), ("ssh", "ssh"), ("python", "python")):
        if value := text("remote", option):
            more[key] = value
    if keepalive := text("remote", "keepalive"):
        more["keepalive_s"] = float(keepalive)
    if folders := text("deploy", "engine_ppath"):
        more["pythonpath"] = tuple(folders.split(os.pathsep))
    return ClusterConfiguration(hosts=hosts, **more)


def _nearest(word: str, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {found[0]!r}?" if found else f"there are {', '.join(known)}"
