"""Where a running cluster is: a file that only its user can read, and the cluster that a program has started itself.

Imports nothing that takes time: every client looks here.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gangline.errors import UsageError

__all__ = ["ClusterConnection", "Place", "current", "find", "using"]

_VARIABLE = "GANGLINE_CLUSTERS"
_LOOK_S = 0.3
"""For longer than this nobody holds the lock who only looks whether it is held."""


@dataclass(frozen=True, slots=True)
class ClusterConnection:
    """How a cluster is reached.

    Attributes:
        name: What it is called.
        address: Of its scheduler, from this host.
        ca: Who signs for it; `certificate` and `key` are the client's own; all PEM.
        pid: The process that keeps it.
        started_at: When it was started, in seconds since the epoch.
        hosts: Its hosts.
    """

    name: str
    address: str
    ca: str
    certificate: str
    key: str
    pid: int
    started_at: float
    hosts: tuple[str, ...]

    @property
    def scheduler_address(self) -> str:
        """Its scheduler's address, as objects of Dask have it."""
        return self.address

    @property
    def security(self) -> Any:
        """The same as Dask has it."""
        from distributed import Security  # takes a second to import

        return Security(
            tls_ca_file=self.ca, tls_client_cert=self.certificate, tls_client_key=self.key, require_encryption=True
        )


class Place:
    """The files of one cluster: who keeps it holds `lock`, and listens at `socket`.

    Args:
        name: What the cluster is called.
    """

    def __init__(self, name: str) -> None:
        self.folder = Path(os.environ.get(_VARIABLE) or os.path.expanduser("~/.gangline/clusters"))
        self.name = name
        self.file = self.folder / f"{name}.json"
        self.lock = self.folder / f"{name}.lock"
        self.socket = self.folder / f"{name}.socket"
        self.log = self.folder / f"{name}.log"

    def make(self) -> None:
        """Have the folder, for nobody else to look into. What lies in it is what gives the right to use a cluster.

        Raises:
            UsageError: It cannot be made.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = self.folder.stat()
        except OSError as error:
            raise UsageError(f"{self.folder} cannot be made: {error.strerror}") from error
        if about.st_uid != os.geteuid() or about.st_mode & 0o022:
            raise UsageError(f"{self.folder} must be yours, and nobody else may write there: chmod 700 {self.folder}")

    def take(self) -> int | None:
        """Become who keeps the cluster, for as long as the descriptor is open; None: somebody else keeps it.

        Raises:
            UsageError: No permission.
        """
        try:
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"{self.lock} cannot be opened: {error.strerror}") from error
        deadline = time.monotonic() + _LOOK_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # or somebody only looks, for a moment
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    return None
                time.sleep(0.01)
            else:
                return descriptor

    def sign(self, lock: int) -> None:
        """Leave word of who keeps the cluster: this process."""
        about = f"{os.getpid()} {os.uname().nodename}".encode()
        os.pwrite(lock, about, 0)
        os.ftruncate(lock, len(about))

    def keeper(self) -> tuple[int, str]:
        """The process that keeps the cluster, and the host where it does; 0 and "" if that is not known.

        Hosts that share their home folders see each other's clusters.
        """
        try:
            pid, host = self.lock.read_text("utf-8").split()
            return int(pid), host
        except (OSError, ValueError):
            return 0, ""

    def check_here(self) -> None:
        """See that the cluster, if it is kept at all, is kept on this host.

        Raises:
            UsageError: It is not.
        """
        _, host = self.keeper()
        if host not in ("", os.uname().nodename) and self.is_kept():
            raise UsageError(f"the cluster {self.name} is kept on host {host}, and can be reached from there only")

    @contextmanager
    def at_socket(self) -> Iterator[str]:
        """The path of the socket, short enough for the system wherever the folder is."""
        descriptor = os.open(self.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{descriptor}/{self.socket.name}"
        finally:
            os.close(descriptor)

    def is_kept(self) -> bool:
        """Whether a process keeps the cluster at this moment."""
        try:
            descriptor = os.open(self.lock, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def write(self, connection: ClusterConnection) -> None:
        """Leave word of the cluster, whole or not at all."""
        new = self.file.with_suffix(f".{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            json.dump(asdict(connection), stream)
        new.replace(self.file)

    def read(self) -> ClusterConnection | None:
        """What was left; None if there is no such cluster running.

        Raises:
            UsageError: The file is damaged, or the cluster is kept on another host.
        """
        if not self.is_kept():
            return None
        self.check_here()
        try:
            fields = json.loads(self.file.read_text("utf-8"))
            return ClusterConnection(**{**fields, "hosts": tuple(fields["hosts"])})
        except FileNotFoundError:  # it is just being started or stopped
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UsageError(
                f"{self.file} is damaged; `gangline cluster stop --profile {self.name}` ends that cluster"
            ) from error

    def clear(self) -> None:
        """Leave nothing but the log."""
        for file in (self.file, self.socket):
            with suppress(FileNotFoundError):
                file.unlink()


_here: list[ClusterConnection] = []


@contextmanager
def using(connection: ClusterConnection) -> Iterator[None]:
    """Have clients that are made in this block use this cluster."""
    _here.append(connection)
    try:
        yield
    finally:
        _here.remove(connection)


def find(name: str) -> ClusterConnection:
    """A cluster that is running, by its name.

    Raises:
        UsageError: There is none.
    """
    found = Place(name).read()
    if found is None:
        folder = Place(name).folder
        running = sorted(file.stem for file in folder.glob("*.json") if Place(file.stem).is_kept())
        others = f"; there is {', '.join(running)}" if running else ""
        how = f"`gangline cluster start --profile {name}` starts one"
        raise UsageError(f"no cluster of the profile {name!r} is running{others}; {how}")
    return found


def current(*, only_ours: bool = False) -> ClusterConnection | None:
    """The cluster that this program is in: of the innermost `with cluster()`, else the one called "default", if any.

    Args:
        only_ours: Only one that this program has started itself.
    """
    if _here:
        return _here[-1]
    place = Place("default")
    if only_ours or place.keeper()[1] not in ("", os.uname().nodename):
        return None
    return place.read()
