"""Which hosts a cluster has: cluster descriptions as LOFAR has them, and plain lists of hosts."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from gangline.cluster.parameters import Entry, ParameterError, expand, parse_parameters, read_text, split, unquoted
from gangline.errors import UsageError

__all__ = ["ClusterDesc", "ClusterError", "get_compute_nodes", "get_head_node"]

COMPUTE, HEAD, NAME, SUB = "Compute.Nodes", "Head.Nodes", "ClusterName", "SubClusters"

_DEPTH_MAX = 50
_PARAMETER = re.compile(r"\s*[^\s=#]+\s*=")
_NO_HOST = "[](){}'\"*,;=\\"
_SLOTS = ("slots", "cpu", "max_slots", "max-slots")


class ClusterError(UsageError):
    """A description of a cluster makes no sense, or does not say what was asked; the message names file and line."""


@dataclass(frozen=True, slots=True)
class _Trail:
    """The files that lead to a subcluster, and all that have been read: each is read once, though named twice."""

    above: tuple[Path, ...] = ()
    read: set[Path] = field(default_factory=set)

    def to(self, path: Path) -> _Trail:
        """The trail with one more file."""
        here = Path(os.path.realpath(path))
        if here in self.above:
            chain = " -> ".join(str(each) for each in [*self.above[self.above.index(here) :], here])
            raise ClusterError(f"the cluster contains itself: {chain}")
        if len(self.above) >= _DEPTH_MAX:
            raise ClusterError(f"{path}: there are more than {_DEPTH_MAX} clusters within clusters")
        self.read.add(here)
        return _Trail((*self.above, here), self.read)

    def is_behind(self, path: str) -> bool:
        """Whether the file has been read, and does not lead here."""
        here = Path(os.path.realpath(path))
        return here in self.read and here not in self.above


class ClusterDesc:
    """What a file says about a cluster.

    The file is either a cluster description, with parameters like ``Compute.Nodes = [node001..9]``, or a list of
    hosts, one a line, as MPI programs have it, with ``slots=4`` behind a host if one wants. The latter has the
    parameter Compute.Nodes only, and the file's name as its own.

    Args:
        filename: The file. Files of subclusters are sought beside it.

    Attributes:
        filename: The file.
        name: What the cluster is called.
        keylist: The names of its parameters.
        subclusters: The descriptions of its subclusters.
        slots: How many jobs a host is to run at once, for the hosts of which a list says so.

    Raises:
        ClusterError: The file cannot be read, a line makes no sense, or a subcluster contains itself.
    """

    def __init__(self, filename: str | os.PathLike[str], *, _trail: _Trail | None = None) -> None:
        self.filename = os.fspath(filename)
        self.subclusters: list[ClusterDesc] = []
        self.slots: dict[str, int] = {}
        self._entries: dict[str, Entry] = {}
        self._hosts: list[str] | None = None
        path = Path(self.filename)
        trail = (_trail or _Trail()).to(path)
        try:
            text = read_text(path)
            if _has_parameters(text):
                self._entries = parse_parameters(text, self.filename)
        except ParameterError as error:
            raise ClusterError(str(error)) from error
        if not self._entries:
            self.name = path.stem
            self._hosts, self.slots = _read_list(text, self.filename)
            return
        if NAME not in self._entries:
            raise ClusterError(f"{path}: there is no {NAME}")
        self.name = unquoted(self._entries[NAME].value)
        for each in self._own(SUB):
            self._add_subcluster(each, trail)

    def __str__(self) -> str:
        return f"Cluster: {self.name}"

    def __repr__(self) -> str:
        return f"<ClusterDesc {self.name!r} from {self.filename}>"

    @property
    def keylist(self) -> list[str]:
        """The names of its parameters, in their order."""
        return [COMPUTE] if self._hosts is not None else list(self._entries)

    def keys(self, recursive: bool = False) -> list[str]:
        """The names of its parameters; with `recursive`, also of those of its subclusters."""
        names = dict.fromkeys(self.keylist)
        if recursive:
            for each in self.subclusters:
                names.update(dict.fromkeys(each.keys(recursive=True)))
        return list(names)

    def get(self, key: str, recursive: bool = True) -> list[str]:
        """The values of a parameter: first its own, then those of its subclusters.

        Args:
            key: Its name.
            recursive: Whether the subclusters are asked, too.

        Raises:
            ClusterError: Nobody has such a parameter, or its value makes no sense.
        """
        values = self._own(key)
        if recursive:
            for each in self.subclusters:
                if key in each.keys(recursive=True):
                    values += each.get(key)
        if not values:
            known = ", ".join(self.keys(recursive=recursive))
            raise ClusterError(f"{self.filename}: the cluster {self.name} has no {key}; it has {known}")
        return values

    def _own(self, key: str) -> list[str]:
        if self._hosts is not None:
            return list(self._hosts) if key == COMPUTE else []
        entry = self._entries.get(key)
        if entry is None:
            return []
        try:
            return [each for element in split(entry.value) for each in expand(element)]
        except ParameterError as error:
            raise ClusterError(f"{self.filename}, line {entry.line}, {key}: {error}") from error

    def _add_subcluster(self, filename: str, trail: _Trail) -> None:
        path = os.path.join(os.path.dirname(self.filename), filename)
        if trail.is_behind(path):
            return
        try:
            sub = ClusterDesc(path, _trail=trail)
        except ClusterError as error:
            raise ClusterError(f"{error} (a subcluster in {self.filename}, line {self._entries[SUB].line})") from error
        self.subclusters.append(sub)
        for host, slots in sub.slots.items():
            self.slots[host] = self.slots.get(host, 0) + slots


def get_compute_nodes(clusterdesc: ClusterDesc) -> list[str]:
    """The hosts that compute, each once, those of the subclusters too.

    Raises:
        ClusterError: There are none, or one cannot be the name of a host.
    """
    return _hosts(clusterdesc, COMPUTE)


def get_head_node(clusterdesc: ClusterDesc) -> list[str]:
    """The hosts from which the cluster is ruled; most often there is one.

    Raises:
        ClusterError: There are none, or one cannot be the name of a host.
    """
    return _hosts(clusterdesc, HEAD)


def _hosts(cluster: ClusterDesc, key: str) -> list[str]:
    hosts = list(dict.fromkeys(cluster.get(key)))
    for host in hosts:
        _check_host(host, f"{cluster.filename}, {key}")
    return hosts


def _has_parameters(text: str) -> bool:
    """Whether its first line that says something is a parameter: then it is a description, else a list."""
    for line in text.splitlines():
        if line.split("#", 1)[0].strip():
            return _PARAMETER.match(line) is not None
    return False


def _read_list(text: str, filename: str) -> tuple[list[str], dict[str, int]]:
    """The hosts of a list, and how many slots those have of which it says so; of a host that comes twice, the sum."""
    hosts: dict[str, None] = {}
    slots: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = re.sub(r"\s*=\s*", "=", line.split("#", 1)[0]).split()
        if not words:
            continue
        where = f"{filename}, line {number}"
        try:
            names = expand(words[0])
        except ParameterError as error:
            raise ClusterError(f"{where}: {error}") from error
        for name in names:
            host, count = _host_and_slots(name, words[1:], where)
            hosts[host] = None
            if count is not None:
                slots[host] = slots.get(host, 0) + count
    if not hosts:
        raise ClusterError(f"{filename} names no host")
    return list(hosts), slots


def _host_and_slots(name: str, words: list[str], where: str) -> tuple[str, int | None]:
    host, colon, count = name.rpartition(":")
    given: dict[str, int] = {}
    if colon and ":" not in host and count.isdecimal():  # host:4; an address of IPv6 has more colons
        given["slots"] = int(count)
    else:
        host = name
    _check_host(host, where)
    for word in words:
        key, _, value = word.partition("=")
        if key not in _SLOTS or not value.isdecimal():
            raise ClusterError(f"{where}: {word!r} is not understood; behind a host may be slots=NUMBER")
        given[key] = int(value)
    if any(count < 1 for count in given.values()):
        raise ClusterError(f"{where}: a host has one slot or more")
    return host, min(given.values()) if given else None


def _check_host(host: str, where: str) -> None:
    wrong = any(letter.isspace() or not letter.isprintable() or letter in _NO_HOST for letter in host)
    if not host or host.startswith("-") or wrong:
        raise ClusterError(f"{where}: {host!r} cannot be the name of a host")
