"""A small loop of its own, so that backends are tested without the runtime."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gangline.backends.processes import ProcessesBackend
from gangline.messages import (
    Attempt,
    BackendEvent,
    EngineId,
    EngineInfo,
    EngineJoined,
    EngineLost,
    Finished,
    Output,
    Returned,
    TaskId,
)
from gangline.ports import Backend

PATIENCE_S = 60.0


class TestInbox:
    """An inbox with a selector, turned by hand."""

    __test__ = False

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._events: deque[BackendEvent] = deque()
        self._engines = 0

    def put(self, event: BackendEvent) -> None:
        self._events.append(event)

    def watch(self, fd: int, on_readable: Callable[[], Sequence[BackendEvent]]) -> None:
        self._selector.register(fd, selectors.EVENT_READ, on_readable)

    def unwatch(self, fd: int) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def new_engine_id(self) -> EngineId:
        self._engines += 1
        return EngineId(self._engines - 1)

    def waiting(self) -> int:
        return 0

    def step(self, timeout_s: float) -> list[BackendEvent]:
        for key, _ in self._selector.select(0 if self._events else timeout_s):
            if key.fd in self._selector.get_map():
                self._events.extend(key.data())
        events = list(self._events)
        self._events.clear()
        return events

    @property
    def watched(self) -> int:
        return len(self._selector.get_map())


class Driver:
    """Drives one backend and keeps what it tells."""

    def __init__(self, backend: Backend, engines: int) -> None:
        self.backend: Any = backend
        self.inbox = TestInbox()
        self.engines: dict[EngineId, EngineInfo] = {}
        self.done: dict[TaskId, Attempt] = {}
        self.finished: list[TaskId] = []
        self.returned: list[TaskId] = []
        self.lost: list[EngineLost] = []
        self.outputs: list[Output] = []
        self.resends = True
        self._payloads: dict[TaskId, Any] = {}
        self._tasks = 0
        self.backend.start(self.inbox, engines)

    def until(self, happened: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < end, f"it never happened; done: {self.done}, lost: {self.lost}"
            for event in (*self.inbox.step(0.02), *self.backend.turn()):
                self._take(event)

    def _take(self, event: BackendEvent) -> None:
        match event:
            case EngineJoined(engine, info):
                self.engines[engine] = info
            case EngineLost(engine):
                self.engines.pop(engine, None)
                self.lost.append(event)
            case Finished(_, attempts):
                for attempt in attempts:
                    assert attempt.task not in self.done, "a task has two results"
                    self.done[attempt.task] = attempt
                    self.finished.append(attempt.task)
            case Returned(engine, tasks):
                self.returned.extend(tasks)
                if self.resends:
                    self.backend.send(engine, [(task, self._payloads[task]) for task in tasks])
            case Output():
                self.outputs.append(event)

    def join(self, engines: int = 1) -> EngineId:
        self.until(lambda: len(self.engines) >= engines)
        return next(iter(self.engines))

    def number(self) -> TaskId:
        self._tasks += 1
        return TaskId(self._tasks - 1)

    def send(self, function: Callable[..., Any], *args: Any, engine: int | None = None, **kwargs: Any) -> TaskId:
        return self.send_all([(function, args, kwargs)], engine=engine)[0]

    def send_all(
        self, calls: Sequence[tuple[Any, tuple[Any, ...], dict[str, Any]]], engine: int | None = None
    ) -> list[TaskId]:
        target = self.join() if engine is None else engine
        tasks = [(self.number(), self.backend.prepare(*call)) for call in calls]
        self._payloads.update(tasks)
        self.backend.send(target, tasks)
        return [task for task, _ in tasks]

    def run(self, function: Callable[..., Any], *args: Any, engine: int | None = None, **kwargs: Any) -> Attempt:
        task = self.send(function, *args, engine=engine, **kwargs)
        self.until(lambda: task in self.done)
        return self.done[task]

    def value(self, function: Callable[..., Any], *args: Any, engine: int | None = None, **kwargs: Any) -> Any:
        attempt = self.run(function, *args, engine=engine, **kwargs)
        assert attempt.status.value == "ok", attempt.value.traceback
        return attempt.value


@pytest.fixture
def drive() -> Iterator[Callable[..., Driver]]:
    """Start a backend (one engine process unless told otherwise); it is stopped at the end."""
    drivers: list[Driver] = []

    def start(backend: Backend | None = None, engines: int = 1) -> Driver:
        driver = Driver(backend or ProcessesBackend(), engines)
        drivers.append(driver)
        return driver

    yield start
    for driver in drivers:
        driver.backend.stop(0.5)
        assert driver.inbox.watched == 0


class Gate:
    """Lets a task say that it is running, and holds it until it is told to go on. Travels to engines by its path."""

    def __init__(self, path: Path) -> None:
        self.started = str(path / "started")
        self.go_on = str(path / "go-on")

    def enter(self) -> None:
        """In the task."""
        Path(self.started).write_text("x")
        Path(self.go_on).read_text()

    def wait(self) -> None:
        """In the test: until the task is there."""
        Path(self.started).read_text()

    def open(self) -> None:
        """In the test: let the task go on."""
        Path(self.go_on).write_text("x")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    import os

    made = Gate(tmp_path)
    os.mkfifo(made.started)
    os.mkfifo(made.go_on)
    return made


@pytest.fixture
def main_code() -> Callable[[str], dict[str, Any]]:
    """Run source code as a user's script does: its functions belong to ``__main__``."""

    def run(source: str) -> dict[str, Any]:
        scope: dict[str, Any] = {"__name__": "__main__"}
        exec(source, scope)
        return scope

    return run
