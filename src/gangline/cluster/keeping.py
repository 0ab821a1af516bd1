"""The process that keeps a cluster for many runs: on its own, until it is told to stop.

Who starts it hands over the lock and, on standard input, the configuration. It says on standard output how that went,
then nothing any more; its messages go to the cluster's log. At its socket it takes requests, a line of JSON each.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any, NoReturn

from gangline.cluster.adapting import Bounds
from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.connection import Place
from gangline.cluster.hosts import EngineReport
from gangline.cluster.keeper import Keeper
from gangline.cluster.launchers import JobShape
from gangline.errors import GanglineError

__all__ = ["main"]

_log = logging.getLogger("gangline.cluster")
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_REQUEST_BYTES = 65536
_REQUEST_S = 10.0


class _Stopped(BaseException):
    """It was told to end."""


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # once is enough
    raise _Stopped


def main() -> None:
    """Keep a cluster until a signal, a request, or the end of its scheduler."""
    order = json.loads(sys.stdin.readline())
    configuration = _configuration(order["configuration"])
    lock: int = order["lock"]
    os.set_inheritable(lock, False)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    place = Place(configuration.name)
    place.sign(lock)
    keeper = Keeper(configuration)
    try:
        for number in _SIGNALS:
            signal.signal(number, _stop)
        place.clear()  # what one that was killed has left
        with _listening(place) as listener:
            threading.Thread(target=_serve, args=(listener, keeper), name="gangline-requests", daemon=True).start()
            _keep(keeper, place)
    except _Stopped:
        _log.info("the cluster %s was told to stop", place.name)
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        place.clear()  # first of all: nobody is to find what is about to end
        keeper.close()


def _keep(keeper: Keeper, place: Place) -> None:
    try:
        engines = keeper.start()
    except GanglineError as error:
        _log.error("%s", error)
        _answer({"error": str(error), "kind": type(error).__name__})
        return
    assert keeper.connection is not None
    place.write(keeper.connection)
    _log.info("the cluster %s is up at %s", place.name, keeper.connection.address)
    _answer({"engines": [asdict(each) for each in engines]})
    trouble = keeper.wait()
    if trouble:
        _log.error("the cluster %s ends: %s", place.name, trouble)


def _answer(what: dict[str, Any]) -> None:
    """Say how it went, and be silent from then on."""
    with contextlib.suppress(OSError):  # who has started it is gone
        os.write(1, json.dumps(what).encode() + b"\n")
    os.dup2(2, 1)


def _configuration(fields: dict[str, Any]) -> ClusterConfiguration:
    hosts = tuple((name, engines) for name, engines in fields["hosts"])
    jobs = None if fields["jobs"] is None else JobShape.from_json(fields["jobs"])
    bounds = None if fields["bounds"] is None else Bounds(**fields["bounds"])
    return ClusterConfiguration(
        **{**fields, "hosts": hosts, "pythonpath": tuple(fields["pythonpath"]), "jobs": jobs, "bounds": bounds}
    )


# Requests -----------------------------------------------------------------------------------------------------------


@contextmanager
def _listening(place: Place) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener, place.at_socket() as path:
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen(16)
        yield listener


def _serve(listener: socket.socket, keeper: Keeper) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # it was closed
            return
        threading.Thread(target=_serve_one, args=(connection, keeper), name="gangline-request", daemon=True).start()


def _serve_one(connection: socket.socket, keeper: Keeper) -> None:
    with connection, contextlib.suppress(OSError):
        connection.settimeout(_REQUEST_S)
        line = connection.makefile("rb").readline(_REQUEST_BYTES)
        try:
            answer = _obey(json.loads(line), keeper)
        except GanglineError as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        except (ValueError, LookupError, TypeError) as error:
            answer = {"error": f"this is no request: {error}", "kind": "UsageError"}
        connection.sendall(json.dumps(answer).encode() + b"\n")


def _obey(request: dict[str, Any], keeper: Keeper) -> dict[str, Any]:
    match request["do"]:
        case "status":
            return _status(keeper, keeper.engines())
        case "scale":
            _log.info("so many engines on each host, or so many jobs, from now on: %d", request["engines"])
            return _status(keeper, keeper.scale(int(request["engines"])))
        case "stop":
            os.kill(os.getpid(), signal.SIGTERM)
            return {}
        case other:
            raise LookupError(other)


def _status(keeper: Keeper, engines: list[EngineReport]) -> dict[str, Any]:
    connection = keeper.connection
    return {
        "name": keeper.configuration.name,
        "state": "starting" if connection is None else "running",
        "pid": os.getpid(),
        "address": "" if connection is None else connection.address,
        "started_at": 0.0 if connection is None else connection.started_at,
        "engines": [asdict(each) for each in engines],
    }


if __name__ == "__main__":
    main()
