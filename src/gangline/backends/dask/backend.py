"""Engines on a Dask cluster: one for each of its worker processes."""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, cast

from gangline.backends.calls import Call, Calls
from gangline.backends.dask import wire
from gangline.backends.dask.contact import Asked, Contact, Linked, News, Overdue, Parted, Refused, Told
from gangline.backends.dask.engine import DaskEngine
from gangline.backends.dask.holding import Holding
from gangline.backends.dask.link import Link
from gangline.backends.dask.load import Load
from gangline.backends.dask.own import OwnCluster, OwnWorker
from gangline.backends.dask.wire import Message
from gangline.backends.place import core_count
from gangline.errors import BackendError, ClusterUnreachable, UsageError
from gangline.messages import BackendEvent, EngineId, Payload, TaskId
from gangline.ports import Inbox

__all__ = ["DaskBackend"]

_CONNECT_TIMEOUT_S = 10.0
_KILL_TIMEOUT_S = 5.0
_MAX_FAILED_STARTS = 3

_log = logging.getLogger(__name__)


class DaskBackend:
    """The worker processes of a Dask cluster, each with one engine. Workers that join or leave are engines that do.

    Asked for a number of engines on a cluster that is there, it spreads them evenly over the workers, and leaves the
    cluster as it is. On a cluster of its own, which it starts without one, each engine has a worker for itself.

    Args:
        cluster: A scheduler's address such as ``tcp://host:8786``, a Dask cluster object, or a client of one. None: a
            cluster of its own on this host.
        security: The `distributed.Security` to connect with; None is that of the cluster object.
        connect_timeout_s: How long the scheduler, and each worker, may take to answer.

    Raises:
        UsageError: `cluster` is nothing of the kind.
    """

    name = "dask"

    def __init__(
        self, cluster: Any = None, *, security: Any = None, connect_timeout_s: float = _CONNECT_TIMEOUT_S
    ) -> None:
        self._cluster = cluster
        self._address, self._security = ("", security) if cluster is None else _where(cluster, security)
        self._timeout_s = connect_timeout_s
        self._calls = Calls(Holding())
        self.prepare: Callable[..., Payload] = self._calls.prepare
        self._engines: dict[EngineId, DaskEngine] = {}
        self._links: set[Link] = set()
        self._own: OwnCluster | None = None
        self._contact: Contact | None = None
        self._wanted: int | None = None
        self._failed_starts = 0
        self._news: deque[News] = deque()
        self._complained: set[str] = set()
        self._wishes: set[TaskId] = set()
        self._started = False

    @property
    def expected(self) -> int:
        """How many engines are to be expected as things are, and at least one."""
        planned = getattr(self._cluster, "plan", ())
        return max(1, len(self._links), len(planned)) if self._wanted is None else self._wanted

    # The engines as a whole ----------------------------------------------------------------------------------------

    def start(self, inbox: Inbox, engines: int | None) -> None:
        """Reach the cluster, which may take some time, and begin to bring up engines (None: one for each worker).

        Raises:
            ClusterUnreachable: the scheduler, or all workers.
            BackendError: there are workers with another Python or Gangline.
            MissingExtra: a cluster of its own needs a package that is not installed.
        """
        self._inbox = inbox
        self._started = True
        self._bell, self._ring = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._ring, False)
        inbox.watch(self._bell, self._on_bell)
        try:
            self._reach(spread=engines is not None)
        except BaseException:
            self.stop(0.0)
            raise
        if self._own is not None:
            self.add_engines(core_count() if engines is None else engines)
        elif engines is not None:
            self._wanted = engines
            self._place(engines)

    def _reach(self, *, spread: bool) -> None:
        if not self._address:
            self._own = OwnCluster()
            self._address, self._security = self._own.address, self._own.security
        self._wanted = 0 if spread or self._own is not None else None
        self._contact = Contact(self._tell, follows_path=self._own is not None)
        refused = self._contact.open(self._address, self._security, self._timeout_s)
        if different := [each for each in refused if each.differs]:
            raise BackendError(_of_refused(different))
        self._take_news()
        if refused and not self._links:
            raise ClusterUnreachable(_of_refused(refused))

    def add_engines(self, count: int) -> None:
        """Begin to bring up more: on new workers of its own, or where there are fewest.

        Raises:
            BackendError: the system starts no more processes.
        """
        self._failed_starts = 0
        if self._wanted is not None:
            self._wanted += count
        if self._own is None:
            self._place(count)
        else:
            for _ in range(count):
                self._launch(self._own)

    def _place(self, count: int) -> None:
        """Start engines on the workers that have fewest; without any, workers that join will get theirs."""
        for _ in range(count if self._links else 0):
            self._start_engine(min(self._links, key=lambda link: (len(link.engines), link.address)))

    def _launch(self, own: OwnCluster) -> None:
        worker = own.start_worker()
        engine = DaskEngine(self._inbox.new_engine_id(), None, worker)
        self._engines[engine.number] = engine
        self._inbox.watch(worker.death, partial(self._on_death, own, worker))

    def _start_engine(self, link: Link, worker: OwnWorker | None = None) -> None:
        engine = DaskEngine(self._inbox.new_engine_id(), link, worker)
        self._engines[engine.number] = engine
        self._bring_up(engine, link)

    def _bring_up(self, engine: DaskEngine, link: Link) -> None:
        engine.link = link
        link.engines.add(engine.number)
        engine.order(wire.START, {"log_level": logging.getLogger().getEffectiveLevel()})

    def stop_engine(self, engine: EngineId) -> None:
        """End one engine, gently if it is idle; it is not replaced."""
        found = self._engines.get(engine)
        if found is None:
            return
        found.replace = False
        if self._wanted:
            self._wanted -= 1
        if found.link is not None:
            found.order(wire.STOP_ENGINE)
        elif found.worker is not None:
            found.worker.end()

    def stop(self, timeout_s: float) -> None:
        """End all engines, those that are at work after that time by force, and a cluster of its own."""
        if not self._started:
            return
        self._started = False
        self._inbox.unwatch(self._bell)
        for engine in self._engines.values():
            if engine.worker is not None:
                self._inbox.unwatch(engine.worker.death)
        self._engines.clear()
        for link in self._links:
            link.lose("was not asked for before its client was closed")
        self._links.clear()
        if self._contact is not None:
            self._contact.close(timeout_s)
            self._contact = None
        if self._own is not None:
            self._own.close()
            self._own = None
        os.close(self._bell)
        os.close(self._ring)
        self._news.clear()

    # Tasks ---------------------------------------------------------------------------------------------------------

    def send(self, engine: EngineId, tasks: Sequence[tuple[TaskId, Payload]]) -> None:
        """Carry tasks to an engine, which runs them in this order."""
        if self._calls.forgotten:
            numbers = self._calls.forgotten.take()
            for link in self._links:
                link.forget(numbers)
        target = self._engines.get(engine)
        if tasks and target is not None and target.link is not None:  # else its end is about to be reported
            if self._wishes and (wished := [task for task, _ in tasks if task in self._wishes]):
                target.order(wire.KEEP, wished)
            target.on_sent(tasks)
            target.link.send(engine, cast(Sequence[tuple[TaskId, Call]], tasks))

    def keep(self, task: TaskId) -> None:
        """Have the result of a task stay with the worker until it is asked for, if it is large."""
        self._wishes.add(task)
        for engine in self._engines.values():
            if engine.has(task):
                engine.order(wire.KEEP, [task])

    def keep_no_more(self, task: TaskId) -> None:
        """The task has ended."""
        self._wishes.discard(task)

    def recall(self, engine: EngineId) -> Sequence[TaskId]:
        """Ask the worker for what its engine has not begun to read; that comes as `Returned`."""
        found = self._engines.get(engine)
        if found is not None and found.running is not None:
            found.order(wire.RECALL)
        return []

    def interrupt(self, engine: EngineId, task: TaskId) -> None:
        """Raise KeyboardInterrupt in the task if it is the one running there."""
        if found := self._engines.get(engine):
            found.order(wire.INTERRUPT, task)

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Send a signal to the engine's process."""
        if found := self._engines.get(engine):
            found.order(wire.SIGNAL, int(signum))

    def kill(self, engine: EngineId, reason: str) -> None:
        """End the engine by force with its whole process group; another one is started in its place."""
        found = self._engines.get(engine)
        if found is None:
            return
        found.kill_reason = reason
        if found.link is not None and self._contact is not None:
            found.order(wire.KILL, reason)
            self._contact.remind(engine, _KILL_TIMEOUT_S)
        elif found.worker is not None:
            found.worker.end()

    def running(self, engine: EngineId) -> TaskId | None:
        """The task that the engine runs, as far as is known here."""
        found = self._engines.get(engine)
        return None if found is None else found.running

    def turn(self) -> Sequence[BackendEvent]:
        """Nothing: these engines need no thread of ours."""
        return ()

    # What happens: noted on the contact's thread, taken in on the session's loop --------------------------------------

    def _tell(self, news: News) -> None:
        self._news.append(news)
        with contextlib.suppress(OSError):  # it rings already; or all is over
            os.write(self._ring, b"!")

    def _on_bell(self) -> Sequence[BackendEvent]:
        if not self._started:  # it rang before the end
            return ()
        try:
            os.read(self._bell, 65536)
        except BlockingIOError:
            return ()
        return self._take_news()

    def _take_news(self) -> list[BackendEvent]:
        events: list[BackendEvent] = []
        while self._news:
            match self._news.popleft():
                case Told(link, messages):
                    for message in messages:
                        events.extend(self._on_message(link, message))
                case Linked(link):
                    self._on_linked(link)
                case Parted(link, reason):
                    events.extend(self._on_parted(link, reason))
                case Refused() as refused:
                    self._on_refused(refused)
                case Overdue(number):
                    self._on_overdue(number)
                case Asked():
                    self._report_load()
        return events

    def _report_load(self) -> None:
        if self._contact is not None:
            busy = {each.link.address for each in self._engines.values() if each.link is not None and each.is_busy}
            busy |= {link.address for link in self._links if link.keeps}
            self._contact.report(Load(self._inbox.waiting(), frozenset(busy)))

    def _on_linked(self, link: Link) -> None:
        self._links.add(link)
        self._complained.discard(link.address)
        if self._own is not None:
            for engine in self._engines.values():
                if engine.worker is not None and engine.worker.name == link.name and engine.link is None:
                    self._bring_up(engine, link)
        elif self._wanted is None or len(self._engines) < self._wanted:
            self._start_engine(link)

    def _on_refused(self, refused: Refused) -> None:
        if refused.address not in self._complained:  # we shall try again and again
            self._complained.add(refused.address)
            _log.warning("%s", _of_refused([refused]))
        for engine in self._engines.values():
            if engine.worker is not None and engine.worker.name == refused.name:
                engine.worker.end()

    def _on_overdue(self, number: EngineId) -> None:
        """Nothing was heard of an engine that was to be killed: its worker does not work any more."""
        engine = self._engines.get(number)
        if engine is not None and engine.link is not None and self._contact is not None:
            self._contact.cut(engine.link)
            if engine.worker is not None:
                engine.worker.kill()

    def _on_message(self, link: Link, message: Message) -> Iterable[BackendEvent]:
        content, frames = message
        if content[0] == wire.LEAVING:
            self._links.discard(link)
            link.leaving = content[1]
            return ()
        if content[0] == wire.PARTS:
            link.on_parts(content[1], frames)
            return ()
        engine = self._engines.get(content[1])
        if engine is None:
            return ()
        if content[0] != wire.LOST:
            event = engine.take_in(content, frames)
            return () if event is None else (event,)
        _, _, reason, running, _ = content
        event = engine.lost(reason, frozenset(running))
        self._forget(engine)
        if link.leaving:
            self._replace_elsewhere(engine)
        elif engine.replace and self._may_start(engine):
            self._start_engine(link, engine.worker)
        elif engine.worker is not None:
            engine.worker.end()
        return (event,)

    def _on_parted(self, link: Link, reason: str) -> list[BackendEvent]:
        """A worker is gone, and its engines with it."""
        self._links.discard(link)
        link.lose(f"was lost with it ({link.leaving or reason})")
        events: list[BackendEvent] = []
        for engine in [self._engines[number] for number in sorted(link.engines)]:
            why = f"was lost with its Dask worker {link.name} at {link.address} ({link.leaving or reason})"
            events.append(engine.lost(f"{engine.kill_reason} ({why})" if engine.kill_reason else why))
            self._forget(engine)
            self._replace_elsewhere(engine)
        return events

    def _replace_elsewhere(self, engine: DaskEngine) -> None:
        """In the place of an engine whose worker is gone, or about to go."""
        if engine.worker is not None:
            engine.worker.end()
        if engine.replace and self._may_start(engine):
            self._make_up()

    def _on_death(self, own: OwnCluster, worker: OwnWorker) -> Sequence[BackendEvent]:
        """A worker of ours has ended. If it was never reached, its engine ends now; else with its connection."""
        if not self._started:  # `stop` has seen to it
            return ()
        self._inbox.unwatch(worker.death)
        reason = own.reap(worker)
        for engine in list(self._engines.values()):
            if engine.worker is worker and engine.link is None:
                self._forget(engine)
                if engine.replace and self._may_start(engine):
                    self._make_up()
                return (engine.lost(f"{engine.kill_reason} ({reason})" if engine.kill_reason else reason),)
        return ()

    def _forget(self, engine: DaskEngine) -> None:
        del self._engines[engine.number]
        if engine.link is not None:
            engine.link.engines.discard(engine.number)

    def _make_up(self) -> None:
        """Have a worker for each engine that is wanted; a cluster that is not ours sends another worker itself."""
        if self._own is not None:
            self._launch(self._own)
        elif self._wanted is not None:
            self._place(1)

    def _may_start(self, gone: DaskEngine) -> bool:
        """Whether to start an engine in the place of one that is gone: not when so many in a row could not start."""
        self._failed_starts = 0 if gone.joined else self._failed_starts + 1
        return self._failed_starts < _MAX_FAILED_STARTS


def _where(cluster: Any, security: Any) -> tuple[str, Any]:
    """The scheduler's address, and what to connect with."""
    if isinstance(cluster, str):
        return cluster, security
    address = getattr(cluster, "scheduler_address", None)
    if address is None:
        address = getattr(getattr(cluster, "scheduler", None), "address", None)  # a client
    if not isinstance(address, str) or not address:
        raise UsageError(f"{cluster!r} is neither the address of a Dask scheduler nor a Dask cluster that runs")
    return address, getattr(cluster, "security", None) if security is None else security


def _of_refused(refused: Iterable[Refused]) -> str:
    return "\n".join(f"the Dask worker {each.name} at {each.address} {each.reason}" for each in refused)
