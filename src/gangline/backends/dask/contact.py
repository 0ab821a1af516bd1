"""The connections to a Dask cluster: to its scheduler, which says what workers there are, and to each of them.

They live on an event loop of their own, on a thread of its own. What happens is handed on from there.
"""

from __future__ import annotations

import asyncio
import logging
import math
import pickle
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from typing import Any, NamedTuple, TypeVar

from distributed import Client
from distributed.comm import connect

from gangline.backends.dask import wire
from gangline.backends.dask.link import Link
from gangline.backends.dask.load import REPEAT_S, TOPIC, Load
from gangline.backends.dask.relay import install, versions
from gangline.backends.dask.wire import Message, read_messages
from gangline.errors import ClusterUnreachable
from gangline.messages import EngineId

__all__ = ["Asked", "Contact", "Linked", "News", "Overdue", "Parted", "Refused", "Told"]

T = TypeVar("T")

_LOOK_AGAIN_S = 5.0
"""The scheduler tells of workers that join; should a word of it be lost, we look ourselves."""
_RECONNECT_S = 0.5
_LOAD_S = 0.5
_STOP_GRACE_S = 3.0
_END_S = 30.0
"""How long the loop may take to end: it has nothing more to do, but this process may have stood still."""
_FLUSH_S = 0.02

_log = logging.getLogger(__name__)


class Linked(NamedTuple):
    """There is a worker that can be used."""

    link: Link


class Refused(NamedTuple):
    """There is a worker that cannot be used, and why. It never can when it `differs`; else it cannot be reached."""

    address: str
    name: Any
    reason: str
    differs: bool


class Told(NamedTuple):
    """A relay has said something."""

    link: Link
    messages: list[Message]


class Parted(NamedTuple):
    """The connection to a worker has ended, and why."""

    link: Link
    reason: str


class Overdue(NamedTuple):
    """Time has passed since an engine was to be killed."""

    engine: EngineId


class Asked(NamedTuple):
    """The cluster is to know what load there is: that is to be reported."""


News = Linked | Refused | Told | Parted | Overdue | Asked


class _UnusableError(Exception):
    """A worker that was reached and is not one for us."""


class Contact:
    """Keeps in touch with one cluster.

    Args:
        tell: Takes what happens; called on the contact's own thread.
        follows_path: Whether the workers are this client's own.
    """

    def __init__(self, tell: Callable[[News], None], *, follows_path: bool) -> None:
        self._tell = tell
        self._follows_path = follows_path
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gangline-dask", daemon=True)
        self._client: Any = None
        self._links: dict[str, Link] = {}
        self._opening: set[str] = set()
        self._unusable: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timeout_s = 10.0
        self._closing = False
        self._away = False
        self._reported: tuple[float, Load] | None = None
        self._address = ""
        self._security: dict[str, Any] = {}

    def open(self, address: str, security: Any, timeout_s: float) -> list[Refused]:
        """Reach the scheduler and all workers that it knows.

        Returns:
            The workers that cannot be used.

        Raises:
            ClusterUnreachable: the scheduler, within the time. What there is must be closed all the same.
        """
        self._timeout_s = timeout_s
        self._thread.start()
        try:
            return self._run(self._open(address, security), 2 * timeout_s + _STOP_GRACE_S)
        except Exception as exc:  # whatever Dask raises for what is not a scheduler, or not one for us
            raise ClusterUnreachable(f"the Dask scheduler at {address} cannot be reached: {_in_words(exc)}") from exc

    def close(self, timeout_s: float) -> None:
        """End all engines, gently within that time, and all connections."""
        try:
            self._run(self._close(timeout_s), timeout_s + 3 * _STOP_GRACE_S)
        except TimeoutError:
            _log.warning("a Dask cluster has not let go of its client within %.0f s", timeout_s + 3 * _STOP_GRACE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END_S)
        if not self._thread.is_alive():
            self._loop.close()

    def remind(self, engine: EngineId, delay_s: float) -> None:
        """Tell `Overdue` of an engine after some time."""
        self._loop.call_soon_threadsafe(self._loop.call_later, delay_s, self._tell, Overdue(engine))

    def report(self, load: Load) -> None:
        """Tell the cluster, if it does not know that yet."""
        self._loop.call_soon_threadsafe(self._begin_report, load)

    def cut(self, link: Link) -> None:
        """Give up a connection on which nothing is heard any more."""
        self._loop.call_soon_threadsafe(link.comm.abort)

    def _run(self, coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        for _ in range(math.ceil(timeout_s)):  # second by second: a process that stood still has lost one of them only
            if wait([future], 1.0).done:
                break
        return future.result(0.0)

    def _begin(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # On the loop ---------------------------------------------------------------------------------------------------

    async def _open(self, address: str, security: Any) -> list[Refused]:
        self._address, self._security = address, {} if security is None else {"security": security}
        await self._register()
        refused = await self._look()
        self._begin(self._look_again())
        if not self._follows_path:  # a cluster of the client's own has the engines that it was told to have
            self._begin(self._ask_again())
        return refused

    async def _register(self) -> None:
        """Be known to the scheduler, so that it tells what happens."""
        self._client = Client(
            self._address,
            asynchronous=True,
            set_as_default=False,
            name="gangline",
            timeout=self._timeout_s,
            **self._security,
        )
        await self._client
        self._client.subscribe_topic("all", self._on_topic)

    def _on_topic(self, event: Any) -> None:
        _, what = event
        if isinstance(what, dict) and what.get("action") == "add-worker":
            self._begin(self._look_after(0.0))

    async def _look_again(self) -> None:
        while True:
            await self._look_after(_LOOK_AGAIN_S)

    async def _ask_again(self) -> None:
        while True:
            await asyncio.sleep(_LOAD_S)
            self._tell(Asked())

    def _begin_report(self, load: Load) -> None:
        now = self._loop.time()
        if not self._closing and (
            self._reported is None or self._reported[1] != load or now - self._reported[0] > REPEAT_S
        ):
            self._reported = (now, load)
            self._begin(self._report(load))

    async def _report(self, load: Load) -> None:
        try:
            await self._client.log_event(TOPIC, load.to_message(self._client.id))
        except Exception:  # whatever Dask raises while the scheduler is away, which is told elsewhere
            self._reported = None

    async def _look_after(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        if self._closing:
            return
        try:
            if self._client.status == "closed":  # it has tried for a while, and given up; we do not
                await self._register()
            await self._look()
        except Exception as exc:  # whatever Dask raises while the scheduler is away
            if not self._away:
                _log.warning("the Dask scheduler at %s does not answer: %s", self._address, _in_words(exc))
            self._away = True
        else:
            self._away = False

    async def _look(self) -> list[Refused]:
        """Connect to workers that are new; gives those that cannot be used."""
        if self._closing:
            return []
        workers: dict[str, Any] = (await self._client.scheduler.identity())["workers"]
        self._unusable &= workers.keys()
        new = [each for each in workers if each not in self._links and each not in self._opening | self._unusable]
        self._opening.update(new)
        outcomes = await asyncio.gather(*(self._link(address, workers[address]["name"]) for address in new))
        return [outcome for outcome in outcomes if outcome is not None]

    async def _link(self, address: str, name: Any) -> Refused | None:
        try:
            comm = await self._reach(address)
        except _UnusableError as exc:
            self._unusable.add(address)
            refused = Refused(address, name, str(exc), True)
        except Exception as exc:  # whatever Dask raises; the worker may have ended meanwhile
            refused = Refused(address, name, f"cannot be reached from here: {_in_words(exc)}", False)
        else:
            if self._closing:
                comm.abort()
                return None
            link = Link(address, name, comm, self._loop, follows_path=self._follows_path)
            self._links[address] = link
            self._tell(Linked(link))
            self._begin(self._listen(link))
            return None
        finally:
            self._opening.discard(address)
        self._tell(refused)
        return refused

    async def _reach(self, address: str) -> Any:
        """A connection that the worker has handed over to its relay."""
        comm = await connect(address, timeout=self._timeout_s, **self._client.connection_args)
        comm.allow_offload = False  # what we send is bytes already
        try:
            await comm.write({"op": "run", "function": pickle.dumps(install)})
            answer = await comm.read()
            if answer.get("status") != "OK":
                raise _UnusableError(f"has no Gangline that could be used: {_in_words(answer.get('exception'))}")
            theirs, ours = tuple(answer["result"]), versions()
            if theirs != ours:
                raise _UnusableError(
                    "has Python {} and Gangline {}, but this client has Python {} and Gangline {}".format(
                        *theirs, *ours
                    )
                )
            await comm.write({"op": wire.OPERATION, "reply": False})
        except BaseException:
            comm.abort()
            raise
        return comm

    async def _listen(self, link: Link) -> None:
        reason = "the connection was closed"
        try:
            while True:
                self._tell(Told(link, list(read_messages(await link.comm.read()))))
        except OSError as exc:
            reason = _in_words(exc)
        finally:
            link.comm.abort()
            self._links.pop(link.address, None)
            self._tell(Parted(link, reason))
        await self._look_after(_RECONNECT_S)

    async def _close(self, timeout_s: float) -> None:
        self._closing = True
        for link in self._links.values():
            link.order(wire.STOP, timeout_s)
        deadline = self._loop.time() + timeout_s + _STOP_GRACE_S
        while self._links and self._loop.time() < deadline:
            await asyncio.sleep(0.005)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            if self._client.status == "running":
                self._client.unsubscribe_topic("all")
                await asyncio.sleep(_FLUSH_S)  # else the scheduler tells of the client's end on a closed connection
            await self._client.close()
            await asyncio.sleep(_FLUSH_S)  # Dask's own coroutines come to their ends
        await self._loop.shutdown_default_executor()


def _in_words(error: Any) -> str:
    name = type(error).__name__
    return f"{name}: {error}" if str(error) else name
