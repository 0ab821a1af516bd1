"""Who keeps a cluster: has its scheduler and its engines run, and notices which of them end.

Rules:
    All processes of a cluster are commands of the keeper: they end with it, on every host, also when it is killed.
    `_changed` guards the engines; callbacks come from the threads of the connections.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.connection import ClusterConnection
from gangline.errors import BackendError, HostUnreachable, MissingExtra, RemoteError
from gangline.remote.command import Command, CommandResult
from gangline.remote.connection import ConnectionOptions, HostConnection
from gangline.remote.hosts import is_this_host
from gangline.remote.job import RemoteJob
from gangline.remote.ssh import SshOptions

__all__ = ["EngineReport", "Keeper"]

_LAST_LINES = 5
_SCHEDULER_S = 30.0

EngineState = Literal["starting", "up", "failed", "ended"]


@dataclass(slots=True)
class EngineReport:
    """One engine of a cluster.

    Attributes:
        name: As the scheduler has it: host and number.
        host: Where it is.
        state: "starting", "up", "failed" (it never came up) or "ended".
        pid: Its process there.
        reason: Why it is not up, with the last lines that it wrote.
    """

    name: str
    host: str
    state: EngineState = "starting"
    pid: int = 0
    reason: str = ""


@dataclass(eq=False, slots=True)
class _Engine:
    report: EngineReport
    connection: HostConnection
    job: RemoteJob | None = None
    unwanted: bool = False
    last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))


@dataclass(eq=False, slots=True)
class _Host:
    name: str
    connection: HostConnection
    cores: int = 1
    scheduler: str = ""
    own_address: str | None = None
    engines: list[_Engine] = field(default_factory=list)


class _Ear:
    """Hears what a process of the cluster says."""

    def __init__(self, last: deque[str], on_word: Callable[[Mapping[str, Any]], None]) -> None:
        self._last = last
        self._on_word = on_word

    def on_line(self, stream: str, line: str) -> None:
        """A line of JSON is for us, any other is kept for people."""
        if stream == "stdout" and line.startswith("{"):
            try:
                self._on_word(json.loads(line))
                return
            except ValueError:
                pass
        if line.strip():
            self._last.append(line)

    def on_message(self, message: Mapping[str, Any]) -> None:
        """None is sent."""


class Keeper:
    """A cluster that lasts as long as this object is open.

    Args:
        configuration: What it is made of.

    Attributes:
        connection: How it is reached, once `start` has returned.
    """

    def __init__(self, configuration: ClusterConfiguration) -> None:
        self.configuration = configuration
        self.connection: ClusterConnection | None = None
        self._changed = threading.Condition()
        self._options = ConnectionOptions(
            ssh=SshOptions(program=configuration.ssh, config=configuration.ssh_config),
            keepalive_s=configuration.keepalive_s,
        )
        self._home = HostConnection("localhost", self._options)
        self._hosts: dict[str, _Host] = {}
        self._keys: dict[str, str] = {}
        self._port = 0
        self._scheduler_end = ""
        self._closed = False

    # Starting -----------------------------------------------------------------------------------------------------

    def start(self) -> list[EngineReport]:
        """Bring everything up.

        Returns:
            All engines, also those that have not come up, if there are enough without them.

        Raises:
            BackendError: Too few engines have come up in time; names those that have not, and why.
            MissingExtra: A package is not installed.
        """
        deadline = time.monotonic() + self.configuration.start_timeout_s
        try:
            self._keys = _make_keys()
            self._start_scheduler()
            self._connect_all()
            with self._changed:
                self._changed.wait_for(self._is_settled, max(deadline - time.monotonic(), 0.0))
                reports = self._give_up_on_late_ones()
            self._check_enough(reports)
        except BaseException:
            self.close()
            raise
        return reports

    def _start_scheduler(self) -> None:
        self._home.connect()
        last: deque[str] = deque(maxlen=_LAST_LINES)
        order = {"host": "127.0.0.1" if self._is_alone() else "0.0.0.0", **self._keys}
        self._home.run(
            self._command("gangline.cluster.scheduler", order),
            _Ear(last, self._on_scheduler_up),
            self._on_scheduler_end,
        )
        with self._changed:
            self._changed.wait_for(lambda: self._port or self._scheduler_end, _SCHEDULER_S)
        if not self._port:
            why = self._scheduler_end or f"it said nothing for {_SCHEDULER_S:g} s"
            raise BackendError("\n    ".join([f"the scheduler of the cluster has not come up: {why}", *last]))
        self.connection = ClusterConnection(
            self.configuration.name, f"tls://127.0.0.1:{self._port}", self._keys["ca"], self._keys["certificate"],
            self._keys["key"], os.getpid(), time.time(), tuple(host for host, _ in self.configuration.hosts),
        )  # fmt: skip

    def _on_scheduler_up(self, word: Mapping[str, Any]) -> None:
        with self._changed:
            self._port = int(word["port"])
            self._changed.notify_all()

    def _on_scheduler_end(self, how: CommandResult | RemoteError) -> None:
        with self._changed:
            self._scheduler_end = _in_words(how)
            self._changed.notify_all()

    def _connect_all(self) -> None:
        for name, engines in self.configuration.hosts:
            connection = self._home if is_this_host(name) else HostConnection(name, self._options)
            host = self._hosts[name] = _Host(name, connection)
            # One that stands for the host, until it is known how many there will be.
            host.engines = [self._new_engine(host, number) for number in range(engines or 1)]
            threading.Thread(target=self._bring_up, args=(host, engines), name=f"gangline-{name}", daemon=True).start()

    def _bring_up(self, host: _Host, engines: int | None) -> None:
        try:
            if host.connection is not self._home:
                host.cores = host.connection.connect().cores
                self._find_addresses(host)
            else:
                host.cores = len(os.sched_getaffinity(0))
                # Engines on other hosts want to reach those here, too.
                host.scheduler, host.own_address = "127.0.0.1", "127.0.0.1" if self._is_alone() else None
        except HostUnreachable as error:
            with self._changed:
                for engine in host.engines:
                    engine.report.state, engine.report.reason = "failed", str(error)
                self._changed.notify_all()
            return
        with self._changed:
            more = range(len(host.engines), host.cores if engines is None else engines)
            host.engines += [self._new_engine(host, number) for number in more]
            starting = list(host.engines)
        for engine in starting:
            self._launch(host, engine)

    def _is_alone(self) -> bool:
        return all(is_this_host(host) for host, _ in self.configuration.hosts)

    def _find_addresses(self, host: _Host) -> None:
        """By which addresses this host and that one know each other: those of the connection that there is."""
        said: list[str] = []
        ended = threading.Event()
        listener = _Lines(said)
        host.connection.run(Command(("sh", "-c", 'echo "$SSH_CONNECTION"')), listener, lambda _: ended.set())
        ended.wait(self.configuration.keepalive_s)
        here, _, there, *_ = (*" ".join(said).split(), "", "", "")
        host.scheduler = self.configuration.address or here
        host.own_address = there or None

    def _new_engine(self, host: _Host, number: int) -> _Engine:
        return _Engine(EngineReport(f"{host.name}-{number}", host.name), host.connection)

    def _launch(self, host: _Host, engine: _Engine) -> None:
        order = {
            "address": f"tls://{host.scheduler or '127.0.0.1'}:{self._port}",
            "name": engine.report.name,
            "host": host.own_address,
            **self._keys,
        }
        command = self._command("gangline.cluster.engine", order, away=host.connection is not self._home)
        engine.job = host.connection.run(
            command, _Ear(engine.last, lambda word: self._on_engine_up(engine, word)),
            lambda how: self._on_engine_end(engine, how),
        )  # fmt: skip

    def _command(self, module: str, order: Mapping[str, Any], *, away: bool = False) -> Command:
        python = self.configuration.python or ("python" if away else sys.executable)
        folders = [*self.configuration.pythonpath, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        found = os.pathsep.join(folder for folder in folders if folder)
        return Command(
            (python, "-m", module), env={"PYTHONPATH": found} if found else {}, input=json.dumps(order).encode(),
            path=(os.path.dirname(sys.executable),),
        )  # fmt: skip

    def _on_engine_up(self, engine: _Engine, word: Mapping[str, Any]) -> None:
        with self._changed:
            if engine.report.state == "starting":
                engine.report.state, engine.report.pid = "up", int(word["pid"])
            self._changed.notify_all()

    def _on_engine_end(self, engine: _Engine, how: CommandResult | RemoteError) -> None:
        with self._changed:
            report = engine.report
            report.state = "ended" if report.state == "up" else "failed"
            report.reason = "it was stopped" if engine.unwanted else "\n    ".join([_in_words(how), *engine.last])
            self._changed.notify_all()

    def _is_settled(self) -> bool:
        return bool(self._scheduler_end) or all(report.state != "starting" for report in self._reports())

    def _give_up_on_late_ones(self) -> list[EngineReport]:
        for host in self._hosts.values():
            for engine in host.engines:
                if engine.report.state == "starting":
                    said = "\n    ".join(engine.last)
                    limit = f"it was not up after {self.configuration.start_timeout_s:g} s"
                    engine.report.state = "failed"
                    engine.report.reason = f"{limit}; it has written:\n    {said}" if said else limit
                    if engine.job is not None:
                        engine.connection.kill(engine.job)
        return self._reports()

    def _check_enough(self, reports: list[EngineReport]) -> None:
        up = sum(report.state == "up" for report in reports)
        wanted = len(reports) if self.configuration.min_engines is None else self.configuration.min_engines
        if up < wanted:
            bad = [f"  {report.name}: {report.reason}" for report in reports if report.state != "up"]
            raise BackendError(
                "\n".join([f"{up} of {len(reports)} engines of the cluster have come up, {wanted} are needed:", *bad])
            )

    # While it runs ------------------------------------------------------------------------------------------------

    def engines(self) -> list[EngineReport]:
        """All engines, as they are at this moment."""
        with self._changed:
            return [EngineReport(**asdict(report)) for report in self._reports()]

    def _reports(self) -> list[EngineReport]:
        return [engine.report for host in self._hosts.values() for engine in host.engines]

    @property
    def trouble(self) -> str:
        """Why the cluster is of no use any more; empty while it is."""
        return self._scheduler_end

    def scale(self, engines: int) -> list[EngineReport]:
        """Have so many engines on each host: new ones are started, those above it end.

        Raises:
            BackendError: New ones have not come up in time.
        """
        new: list[_Engine] = []
        with self._changed:
            for host in self._hosts.values():
                host.engines = [each for each in host.engines if each.report.state in ("starting", "up")]
                for engine in host.engines[engines:]:
                    engine.unwanted = True
                    if engine.job is not None:
                        engine.connection.end(engine.job)
                del host.engines[engines:]
                numbers = {int(engine.report.name.rpartition("-")[2]) for engine in host.engines}
                free = (number for number in range(engines * 2 + 1) if number not in numbers)
                added = [self._new_engine(host, next(free)) for _ in range(engines - len(host.engines))]
                host.engines += added
                new += added
        for engine in new:
            self._launch(self._hosts[engine.report.host], engine)
        with self._changed:
            self._changed.wait_for(self._is_settled, self.configuration.start_timeout_s)
            self._give_up_on_late_ones()
            bad = [f"  {each.report.name}: {each.report.reason}" for each in new if each.report.state != "up"]
        if bad:
            raise BackendError("\n".join([f"{len(bad)} of {len(new)} new engines have not come up:", *bad]))
        return self.engines()

    # Ending -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End everything, on every host."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            connections = [self._home, *(host.connection for host in self._hosts.values())]
            for host in self._hosts.values():
                for engine in host.engines:
                    engine.unwanted = True
        for connection in connections:
            connection.leave()
        for connection in connections:
            connection.close()


class _Lines:
    """Keeps what a command writes."""

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def on_line(self, stream: str, line: str) -> None:
        """One line."""
        if stream == "stdout":
            self._said.append(line)

    def on_message(self, message: Mapping[str, Any]) -> None:
        """None is sent."""


def _make_keys() -> dict[str, str]:
    """A certificate for this cluster alone, and its key."""
    try:
        from distributed import Security  # takes a second to import

        security = Security.temporary()
    except ImportError as error:
        raise MissingExtra("a cluster needs more packages: pip install 'gangline[dask]'") from error
    return {
        "ca": security.tls_ca_file,
        "certificate": security.tls_scheduler_cert,
        "key": security.tls_scheduler_key,
    }


def _in_words(how: CommandResult | RemoteError) -> str:
    if isinstance(how, RemoteError):
        return str(how)
    return f"it was ended by {how.signal}" if how.signal else f"it ended with exit code {how.exit_code}"
