"""Who keeps a cluster: has its scheduler and its engines run, and notices which of them end.

Rules:
    All processes of a cluster belong to commands of the keeper: they end with it, on every host, also if it is killed.
    `_changed` guards all state; callbacks come from the threads of the connections, and nothing that waits is done
    while it is held.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from gangline.cluster.configuration import SCHEDULER_S, ClusterConfiguration
from gangline.cluster.connection import ClusterConnection
from gangline.cluster.hosts import Engine, EngineReport, Host, Nursery, find_addresses, find_own_address, is_loopback
from gangline.cluster.jobs import SiteJobs
from gangline.cluster.keys import make_keys
from gangline.cluster.naming import named, not_up
from gangline.errors import BackendError, HostUnreachable, UsageError
from gangline.remote.connection import ConnectionOptions, HostConnection
from gangline.remote.hosts import is_this_host
from gangline.remote.ssh import SshOptions

__all__ = ["EngineReport", "Keeper"]

_SCHEDULER = "scheduler"
_LEAVE_S = 4.0
"""How long other hosts have to end everything; those that are cut off do so by themselves."""

_LEAVE_HERE_S = 20.0
"""How long this one has, which does so within a second or two unless the machine is very busy."""

_LAST_WORDS_S = 2.0
"""How long engines that are to end have for that, and for saying why they did not come up in time."""


_QUEUE_S = 10.0
"""How long a job may take to be more than one that waits in a queue."""


class Keeper:
    """A cluster that lasts as long as this object is open. Every method may be called from any thread.

    Args:
        configuration: What it is made of.

    Attributes:
        connection: How it is reached, once `start` has returned.
        trouble: Why the cluster is of no use any more; empty while it is.
    """

    def __init__(self, configuration: ClusterConfiguration) -> None:
        self.configuration = configuration
        self.connection: ClusterConnection | None = None
        self.trouble = ""
        self._changed = threading.Condition()
        self._scaling = threading.Lock()  # one after the other
        self._options = ConnectionOptions(
            ssh=SshOptions(program=configuration.ssh, config=configuration.ssh_config),
            keepalive_s=configuration.keepalive_s,
        )
        self._bounds = configuration.bounds
        self._jobs = None
        if configuration.jobs is not None:
            self._jobs = SiteJobs(configuration, configuration.jobs, self._changed, self._on_trouble)
        here = is_loopback(configuration.address) if self._jobs else True
        self._is_alone = here and all(is_this_host(name) for name, _ in configuration.hosts)
        self._home = self._new_nursery("localhost")
        self._hosts = [
            Host(name, self._home if is_this_host(name) else self._new_nursery(name)) for name, _ in configuration.hosts
        ]
        self._engines: dict[str, Engine] = {}
        self._keys: dict[str, str] = {}
        self._scheduler_last = Engine(EngineReport(_SCHEDULER, "localhost")).last
        self._port = 0
        self._closing = False
        self._closed = threading.Event()

    def _new_nursery(self, host: str) -> Nursery:
        nursery = Nursery(
            HostConnection(host, self._options), self._on_word, lambda why: self._on_nursery_end(nursery, why)
        )
        return nursery

    # Starting -----------------------------------------------------------------------------------------------------

    def start(self) -> list[EngineReport]:
        """Bring everything up.

        Returns:
            All engines, also those that have not come up, if there are enough without them.

        Raises:
            BackendError: Too few engines have come up in time; names those that have not, and why.
            MissingExtra: A package is not installed.
        """
        try:
            with self._changed:
                for number, (host, (_, engines)) in enumerate(zip(self._hosts, self.configuration.hosts, strict=True)):
                    if self._bounds is None:
                        self._have(host, engines or 1)  # one stands for the host, until it is known how many there are
                    else:
                        self._have(host, len(range(number, self._bounds.minimum, len(self._hosts))))
            self._home.connection.connect()
            self._home.start(self.configuration, away=False)  # Dask is being imported there, while we go on here
            self._keys = make_keys()
            self._greet(self._home)
            listens = "127.0.0.1" if self._is_alone else "0.0.0.0"
            bounds = None if self._bounds is None else asdict(self._bounds)
            order = {"do": "start", "as": "scheduler", "name": _SCHEDULER, "host": listens, "bounds": bounds}
            self._home.say(order)
            for host in self._hosts:
                if host.nursery is self._home:
                    self._bring_up_here(host)
                else:
                    name = f"gangline-{host.name}"
                    threading.Thread(target=self._bring_up_there, args=(host,), name=name, daemon=True).start()
            if self._jobs is not None:
                self._jobs.open(self._keys, self.configuration.keepalive_s)
            reports = self._wait_for_all()
        except HostUnreachable as error:  # this one: there are no processes to be had
            self.close()
            raise BackendError(f"the scheduler of the cluster cannot be started: {error}") from error
        except BaseException:
            self.close()
            raise
        self.connection = ClusterConnection(
            self.configuration.name, f"tls://127.0.0.1:{self._port}", self._keys["ca"], self._keys["certificate"],
            self._keys["key"], os.getpid(), time.time(), tuple(host.name for host in self._hosts),
        )  # fmt: skip
        return reports

    def _greet(self, nursery: Nursery) -> None:
        nursery.say({**self._keys, "keepalive_s": self.configuration.keepalive_s})

    def _bring_up_here(self, host: Host) -> None:
        host.cores = len(os.sched_getaffinity(0))
        # Engines on other hosts want to reach those here, too.
        host.own_address = "127.0.0.1" if self._is_alone else self.configuration.address
        self._on_ready(host)

    def _bring_up_there(self, host: Host) -> None:
        connection = host.nursery.connection
        try:
            host.cores = connection.connect().cores
            host.nursery.start(self.configuration, away=True)
            self._greet(host.nursery)
            here, there = find_addresses(connection, self.configuration.keepalive_s)
            host.scheduler, host.own_address = self.configuration.address or here or "127.0.0.1", there or None
        except Exception as error:
            # The edge of a thread: whatever it is, the host is of no use, and who waits for it is to know.
            self._on_nursery_end(host.nursery, str(error))
            return
        self._on_ready(host)

    def _on_ready(self, host: Host) -> None:
        with self._changed:
            if host.nursery.ended:
                return
            host.ready = True
            if self._bounds is None:
                self._have(host, dict(self.configuration.hosts)[host.name] or host.cores)
            self._order(host)

    def _have(self, host: Host, count: int) -> list[Engine]:
        new = host.have(count)
        self._engines.update((engine.report.name, engine) for engine in new)
        return new

    def _order(self, host: Host) -> None:
        """Have the engines of a host started that are not, as soon as there is a scheduler."""
        if not (host.ready and self._port):
            return
        for engine in host.engines:
            if not engine.ordered and engine.lives:
                engine.ordered = True
                address = f"tls://{host.scheduler}:{self._port}"
                host.nursery.say({
                    "do": "start", "as": "engine", "name": engine.report.name, "address": address,
                    "host": host.own_address,
                })  # fmt: skip

    def _wait_for_all(self) -> list[EngineReport]:
        with self._changed:
            self._changed.wait_for(lambda: self._port or self._closing or self.trouble, SCHEDULER_S)
            if self._port:
                if self._jobs is not None:
                    self._jobs.begin(f"tls://{self.configuration.address or find_own_address()}:{self._port}")
                self._changed.wait_for(self._is_settled, self.configuration.start_timeout_s)
            if self._closing:
                raise BackendError("the cluster was stopped while it was starting")
            if not self._port or self.trouble:
                limit = f"it was not up after {SCHEDULER_S:g} s"
                why = self.trouble or "\n    ".join([limit, *self._scheduler_last, *self._home.last])
                raise BackendError(f"the scheduler of the cluster has not come up: {why}")
            if self._jobs is None or self.configuration.min_engines is None:
                self._give_up_on_late_ones()
            reports = self._reports()
        up = sum(report.state == "up" for report in reports)
        wanted = len(reports) if self.configuration.min_engines is None else self.configuration.min_engines
        if self._bounds is not None:
            wanted = min(wanted, self._bounds.minimum)
        if up < wanted:
            first = f"{up} of {len(reports)} engines of the cluster have come up, {wanted} are needed:"
            raise BackendError("\n".join([first, *named(report for report in reports if report.state != "up")]))
        return reports

    def _is_settled(self) -> bool:
        engines = [*self._engines.values(), *(self._jobs.engines() if self._jobs is not None else ())]
        if self._jobs is not None and self.configuration.min_engines is not None:
            up = sum(engine.report.state == "up" for engine in engines)
            starting = up < self.configuration.min_engines and any(
                engine.report.state == "starting" for engine in engines
            )
        elif self._jobs is not None and self._jobs.is_hopeless():
            starting = False
        elif self._bounds is not None and not all(host.ready or host.nursery.ended for host in self._hosts):
            starting = True  # they have no engines yet that would tell
        else:
            starting = any(engine.report.state == "starting" for engine in engines)
        return self._closing or bool(self.trouble) or not starting

    def _give_up_on_late_ones(self) -> None:
        """What is not up by now is ended; it has a moment to say what it was about."""
        reason = f"it was not up after {self.configuration.start_timeout_s:g} s"
        if self._jobs is not None:
            self._jobs.give_up(reason)
        late = [(host, each) for host in self._hosts for each in host.engines if each.report.state == "starting"]
        for host, engine in late:
            if engine.ordered:
                host.nursery.say({"do": "stop", "name": engine.report.name, "hard": True})
            else:
                engine.over(reason)
        self._changed.wait_for(lambda: not any(engine.lives for _, engine in late), _LAST_WORDS_S)
        for host, engine in late:
            if engine.report.reason != reason:
                engine.report.state = "failed"
                engine.report.reason = "\n    ".join([reason, *(engine.last or host.nursery.last)])

    # What the hosts say, on the threads of the connections ----------------------------------------------------------

    def _on_word(self, word: Mapping[str, Any]) -> None:
        name, up, line, ended = word["name"], word.get("up"), word.get("line"), word.get("ended")
        with self._changed:
            if name == _SCHEDULER:
                if up is not None:
                    self._on_word_of_scheduler(up)
                elif line is not None:
                    self._scheduler_last.append(str(line))
                elif ended is not None:
                    self.trouble = "\n    ".join([f"the scheduler: {ended}", *self._scheduler_last])
            elif engine := self._engines.get(name):
                if up is not None and engine.report.state == "starting":
                    engine.report.state, engine.report.pid = "up", int(word["pid"])
                elif line is not None:
                    engine.last.append(str(line))
                elif ended is not None:
                    engine.over(str(ended))
                    self._replace(engine)
            self._changed.notify_all()

    def _on_word_of_scheduler(self, word: Mapping[str, Any]) -> None:
        match word:
            case {"port": port}:
                self._port = int(port)
                for host in self._hosts:
                    self._order(host)
            case {"wanted": engines} if not self._closing:
                self._adapt(engines)
            case {"dismissed": name}:
                self._on_dismissed(name)
            case {"joined": name, "pid": pid, "host": host} if self._jobs is not None:
                self._jobs.on_joined(name, pid, host)
            case {"left": name} if self._jobs is not None:
                self._jobs.on_left(name)

    def _adapt(self, engines: int) -> None:
        """Have so many engines in all, where there is most room for them. Those that are too many end by themselves."""
        if self._jobs is not None:
            self._jobs.adapt(engines)
            return
        for _ in range(engines - sum(engine.lives for host in self._hosts for engine in host.engines)):
            if ready := [host for host in self._hosts if host.ready]:
                host = min(ready, key=lambda host: sum(engine.lives for engine in host.engines) / host.cores)
                self._have(host, len(host.engines) + 1)
                self._order(host)

    def _on_dismissed(self, name: str) -> None:
        """An engine is about to end, since it is not needed."""
        if self._jobs is not None:
            self._jobs.on_dismissed(name)
        elif engine := self._engines.pop(name, None):
            for host in self._hosts:
                host.engines = [each for each in host.engines if each is not engine]

    def _replace(self, lost: Engine) -> None:
        for host in self._hosts:
            if not self._closing and (successor := host.replace(lost, time.monotonic())):
                del self._engines[lost.report.name]
                self._engines[successor.report.name] = successor
                self._order(host)

    def _on_trouble(self, why: str) -> None:
        self.trouble = self.trouble or why

    def _on_nursery_end(self, nursery: Nursery, why: str) -> None:
        with self._changed:
            nursery.ended = nursery.ended or why
            if nursery is self._home:
                self.trouble = self.trouble or f"the processes of this host: {why}"
            for host in self._hosts:
                if host.nursery is nursery:
                    host.ready = False
                    if not host.engines:  # somebody has to tell
                        self._have(host, 1)
                    for engine in host.engines:
                        engine.over(why)
            self._changed.notify_all()

    # While it runs ------------------------------------------------------------------------------------------------

    def engines(self) -> list[EngineReport]:
        """All engines, as they are at this moment."""
        with self._changed:
            return self._reports()

    def _reports(self) -> list[EngineReport]:
        engines = [engine for host in self._hosts for engine in host.engines]
        return [replace(each.report) for each in (*engines, *(self._jobs.engines() if self._jobs is not None else ()))]

    def wait(self) -> str:
        """Wait until the cluster is of no use any more; gives why."""
        with self._changed:
            self._changed.wait_for(lambda: self.trouble or self._closing)
            return self.trouble

    def scale(self, engines: int) -> list[EngineReport]:
        """Have so many engines on each host that is there, or so many jobs: new ones are started, those above it end.

        Raises:
            UsageError: The number is below 1.
            BackendError: New ones have not come up in time.
        """
        if engines < 1:
            raise UsageError(f"each host must have 1 engine or more, not {engines}; `gangline cluster stop` ends all")
        new: list[Engine] = []
        superfluous: list[Engine] = []
        if (bounds := self._bounds) is not None:
            how = f"{bounds.minimum} to {bounds.maximum} engines"
            raise UsageError(f"the cluster {self.configuration.name} scales by itself, between {how}")
        with self._scaling, self._changed:
            if self._jobs is not None:
                return self._scale_jobs(self._jobs, engines)
            for host in self._hosts:
                if host.ready:
                    living = [engine for engine in host.engines if engine.lives]
                    superfluous += living[engines:]
                    for engine in living[engines:]:
                        host.nursery.say({"do": "stop", "name": engine.report.name, "hard": False})
                    host.engines = living[:engines]
                    new += self._have(host, engines)
                    self._order(host)
            self._changed.wait_for(self._is_settled, self.configuration.start_timeout_s)
            self._changed.wait_for(lambda: not any(engine.lives for engine in superfluous), _LAST_WORDS_S)
            self._give_up_on_late_ones()
            if bad := [each.report for each in new if each.report.state != "up"]:
                raise not_up(bad, new)
            return self._reports()

    def _scale_jobs(self, jobs: SiteJobs, count: int) -> list[EngineReport]:
        """Those that have to wait in the queue are not waited for."""
        new = jobs.have(count)
        timeout_s = self.configuration.start_timeout_s
        self._changed.wait_for(
            lambda: self._closing or not any(each.report.state == "starting" for each in new), min(_QUEUE_S, timeout_s)
        )
        self._changed.wait_for(lambda: self._closing or not jobs.are_starting(new), timeout_s)
        if bad := [each.report for each in new if each.report.state == "failed"]:
            raise not_up(bad, new)
        return self._reports()

    # Ending -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End everything, on every host; returns when all has ended, whoever has begun that."""
        with self._changed:
            first, self._closing = not self._closing, True
            self._changed.notify_all()
        if not first:
            self._closed.wait()
            return
        try:
            if self._jobs is not None:
                self._jobs.close()
            connections = {host.nursery.connection for host in self._hosts} | {self._home.connection}
            for connection in connections:
                connection.leave()
            begun = time.monotonic()  # for all
            for connection in connections:
                limit_s = _LEAVE_HERE_S if connection is self._home.connection else _LEAVE_S
                connection.close(max(begun + limit_s - time.monotonic(), 0.0))
        finally:
            self._closed.set()
