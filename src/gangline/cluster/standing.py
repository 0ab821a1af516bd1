"""Clusters that stand for many runs: started, asked after, scaled and stopped by their names."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import gangline.errors
from gangline.cluster.configuration import DEFAULT_NAME, SCHEDULER_S, ClusterConfiguration
from gangline.cluster.connection import Place
from gangline.cluster.hosts import EngineReport
from gangline.errors import BackendError, GanglineError, UsageError

__all__ = ["ClusterStatus", "scale", "start", "status", "stop"]

_ASK_S = 10.0
_STOP_S = 30.0
"""How long a cluster has to end everything before its keeper is ended by force."""

_SCALE_S = 3600.0
_DIE_S = 5.0
_LOOK_S = 0.02
_LOG_LINES = 5


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """A cluster that stands.

    Attributes:
        name: What it is called.
        state: "starting" or "running".
        pid: The process that keeps it.
        address: Its scheduler's.
        started_at: When it was up, in seconds since the epoch; 0.0 before.
        engines: Its engines.
    """

    name: str
    state: str
    pid: int
    address: str
    started_at: float
    engines: tuple[EngineReport, ...]


def start(configuration: ClusterConfiguration) -> tuple[ClusterStatus, bool]:
    """Start a cluster that lasts until it is stopped; returns when its engines can be used.

    Returns:
        The cluster, and whether it was started now; False: it was there already.

    Raises:
        BackendError: Too few engines have come up; nothing is left running.
        UsageError: There is no permission.
        MissingExtra: A package is not installed.
    """
    place = Place(configuration.name)
    place.make()
    while (lock := place.take()) is None:
        if found := _wait_until_up(configuration):
            return found, False
    place.sign(lock)
    try:
        answer = _start_keeper(configuration, place, lock)
    finally:
        os.close(lock)  # the keeper holds it, or nobody
    if "error" in answer:
        _wait_until_gone(place, _STOP_S)
        raise _error_of(answer)
    found = status(configuration.name)
    if found is None:
        raise BackendError(f"the cluster {configuration.name} has ended at once; {_log_of(place)}")
    return found, True


def _start_keeper(configuration: ClusterConfiguration, place: Place, lock: int) -> dict[str, Any]:
    order = {"configuration": asdict(configuration), "lock": lock}
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        keeper = subprocess.Popen(
            [sys.executable, "-P", "-m", "gangline.cluster.keeping"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, pass_fds=(lock,), start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(log)
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            keeper.stdin.write(json.dumps(order).encode() + b"\n")
            keeper.stdin.close()
        line = keeper.stdout.readline()
    except BaseException:  # an interrupt: what has begun must not go on unseen
        keeper.terminate()
        keeper.wait()
        raise
    finally:
        keeper.stdout.close()
    if not line:
        keeper.wait()
        return {"error": f"the keeper of the cluster has not come up; {_log_of(place)}", "kind": "BackendError"}
    answer: dict[str, Any] = json.loads(line)
    keeper.returncode = 0  # it goes on, and is nobody's child from here on
    return answer


def _wait_until_up(configuration: ClusterConfiguration) -> ClusterStatus | None:
    """The cluster that somebody else has started, perhaps at this moment; None: it was just ending, and has."""
    deadline = time.monotonic() + configuration.start_timeout_s + SCHEDULER_S + _ASK_S
    while True:
        found = status(configuration.name)
        if found is not None and found.state == "running":
            return found
        if not Place(configuration.name).is_kept():
            return None
        if time.monotonic() > deadline:
            pid, _ = Place(configuration.name).keeper()
            raise BackendError(
                f"the cluster {configuration.name} is kept by process {pid}, but does not come up; "
                f"`gangline cluster stop --profile {configuration.name}` ends it"
            )
        time.sleep(_LOOK_S)


def status(name: str = DEFAULT_NAME) -> ClusterStatus | None:
    """How a cluster is; None: it is not running.

    Raises:
        UsageError: It is kept on another host.
        BackendError: It does not answer.
    """
    answer = _ask(Place(name), {"do": "status"}, _ASK_S)
    return None if answer is None else _status_of(answer)


def scale(engines: int, name: str = DEFAULT_NAME) -> ClusterStatus | None:
    """Have so many engines on each host of a cluster; None: it is not running.

    Raises:
        UsageError: The number is below 1.
        BackendError: New engines have not come up, or the cluster does not answer.
    """
    answer = _ask(Place(name), {"do": "scale", "engines": engines}, _SCALE_S)
    return None if answer is None else _status_of(answer)


def stop(name: str = DEFAULT_NAME) -> bool:
    """End a cluster; returns when nothing of it runs any more.

    Returns:
        Whether it was running.

    Raises:
        UsageError: It is kept on another host.
        BackendError: It cannot be ended.
    """
    place = Place(name)
    if not place.is_kept():
        _sweep(place)
        return False
    place.check_here()
    asked = time.monotonic()
    with contextlib.suppress(BackendError):  # it hangs; then there is the other way
        _ask(place, {"do": "stop"}, _STOP_S / 3)
    if _wait_until_gone(place, max(asked + _STOP_S - time.monotonic(), 0.0)):
        return True
    keeper, _ = place.keeper()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if keeper:
            os.kill(keeper, signal.SIGKILL)  # its agents end everything, on every host
    if not _wait_until_gone(place, _DIE_S):
        raise BackendError(f"the cluster {name} cannot be ended; it is kept by process {keeper}")
    place.clear()
    return True


def _sweep(place: Place) -> None:
    """See to what clusters of jobs have left that were killed with all their helpers."""
    if any(place.folder.glob("*.jobs")):
        subprocess.run(
            [sys.executable, "-P", "-m", "gangline.cluster.submitting", "sweep", str(place.folder)], check=False
        )


def _wait_until_gone(place: Place, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while place.is_kept():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
    return True


def _ask(place: Place, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any] | None:
    """Have the keeper of a cluster answer; None: there is none, or it ends at this moment."""
    if not place.is_kept():
        return None
    place.check_here()
    try:
        with _connected(place, timeout_s) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = connection.makefile("rb").readline()
    except TimeoutError as error:
        raise BackendError(
            f"the cluster {place.name} has not answered for {timeout_s:g} s; "
            f"`gangline cluster stop --profile {place.name}` ends it"
        ) from error
    except OSError:
        return None
    if not line:
        return None
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise _error_of(answer)
    return answer


@contextmanager
def _connected(place: Place, timeout_s: float) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection, place.at_socket() as path:
        connection.settimeout(timeout_s)
        connection.connect(path)
        yield connection


def _status_of(answer: Mapping[str, Any]) -> ClusterStatus:
    engines = tuple(EngineReport(**each) for each in answer["engines"])
    return ClusterStatus(**{**answer, "engines": engines})


def _error_of(answer: Mapping[str, Any]) -> GanglineError:
    kind = getattr(gangline.errors, answer["kind"], BackendError)
    return (
        kind(answer["error"]) if kind in (UsageError, gangline.errors.MissingExtra) else BackendError(answer["error"])
    )


def _log_of(place: Place) -> str:
    try:
        lines = place.log.read_text("utf-8", "replace").strip().splitlines()[-_LOG_LINES:]
    except OSError:
        lines = []
    return "\n    ".join([f"its log is {place.log}", *lines])
