"""The same backend below a session, which is how it is used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.errors import EngineError, TaskCancelled, UnmetDependency, Unpicklable
from gangline.messages import EngineId, Terms
from gangline.testing.conformance.base import Part
from gangline.testing.conformance.lifecycle import Traces
from gangline.testing.conformance.stage import PATIENCE_S, Gate
from gangline.testing.conformance.traits import Interrupts
from gangline.testing.probes.sessions import die_unless_there_is, only_on, where

__all__ = ["Sessions"]


class Sessions(Part):
    """The same backend below a session, which is how it is used."""

    @pytest.fixture
    def session(self) -> Iterator[Session]:
        """A session with two engines, which have joined."""
        with Session(self.make_backend(), engines=2) as session:
            assert session.wait_for(lambda: len(session.engines) == 2, PATIENCE_S)
            yield session

    def _value(self, handle: Handle) -> Any:
        assert handle.session.wait([handle], PATIENCE_S), f"{handle.name} has not ended"
        assert handle.status == "ok", handle.failure
        return handle.value

    def _error(self, handle: Handle) -> BaseException:
        assert handle.session.wait([handle], PATIENCE_S), f"{handle.name} has not ended"
        assert handle.failure is not None
        return handle.failure.error

    def _while_running(self, session: Session, action: Callable[[Handle], None], terms: Terms) -> Handle:
        """Do something while a task runs; the task goes on afterwards. As `Driver.while_running`."""
        if not self.traits.concurrent:
            return self._within_task(session, action, terms)
        gate = Gate(self.client_host)
        try:
            handle = session.submit(gate.door.enter, terms=terms)
            gate.let_in()
            action(handle)
        finally:
            gate.open()
        return handle

    def _within_task(self, session: Session, action: Callable[[Handle], None], terms: Terms) -> Handle:
        errors: list[BaseException] = []

        def act() -> str:
            try:
                action(next(each for each in session.handles if each.name == "act"))
            except BaseException as error:
                errors.append(error)
            return "let go"

        handle = session.submit(act, terms=terms)
        session.wait([handle], PATIENCE_S)
        if errors:
            raise errors[0]
        return handle

    def test_many_tasks_on_all_engines(self, session: Session) -> None:
        """Each has its own result, and tells which engine it ran on."""
        handles = session.submit_many([(lambda i=i: (i, i * i), (), {}) for i in range(500)])
        assert [self._value(handle) for handle in handles] == [(i, i * i) for i in range(500)]
        for engine in session.engines:
            handle = session.submit(where, terms=Terms(targets=frozenset({engine})))
            assert self._value(handle) == handle.engine == engine

    def test_refused_task_is_tried_elsewhere(self, session: Session) -> None:
        """It ends where it may run, and fails where it may run nowhere."""
        for engine in session.engines:
            assert self._value(session.submit(only_on, (engine,))) == engine
        assert isinstance(self._error(session.submit(only_on, (-1,))), UnmetDependency)

    def test_call_that_cannot_be_pickled(self, session: Session) -> None:
        """It is refused, nothing was submitted, and the session goes on."""
        if self.traits.copies:
            with pytest.raises(Unpicklable, match="argument 1"):
                session.submit(type, (threading.Lock(),))
            assert session.handles == []
        else:
            assert "lock" in repr(self._value(session.submit(type, (threading.Lock(),))))
        assert self._value(session.submit(abs, (-1,))) == 1

    def test_killed_engine_loses_only_what_it_ran(self, session: Session) -> None:
        """That task fails and says why; what waited there is done by others; another engine comes."""
        victim = next(iter(session.engines))
        waiting: list[Handle] = []

        def act(handle: Handle) -> None:
            waiting.extend(session.submit_many([(abs, (-i,), {}) for i in range(50)]))
            session.kill_engine(victim, "it was time")
            if self.traits.concurrent:
                session.wait([handle, *waiting], PATIENCE_S)

        handle = self._while_running(session, act, Terms(targets=frozenset({victim})))
        error = self._error(handle)
        assert isinstance(error, EngineError)
        assert error.engine_id == victim
        assert "it was time" in str(error)
        assert [self._value(each) for each in waiting] == list(range(50))
        assert session.wait_for(lambda: len(session.engines) == 2, PATIENCE_S)
        assert victim not in session.engines

    def test_retry_after_the_engine_was_lost(self, session: Session, tmp_path: Any) -> None:
        """The second attempt runs on another engine."""
        terms = Terms(retries=1)
        if self.traits.own_processes:
            handle = session.submit(die_unless_there_is, (str(tmp_path / "died"),), terms=terms)
            assert self._value(handle) == "survived"
        else:
            killed: list[EngineId] = []

            def act() -> str:
                if not killed:
                    killed.append(EngineId(where()))
                    session.kill_engine(killed[0], "it was time")
                return f"survived {where() not in killed}"

            handle = session.submit(act, terms=terms)
            assert self._value(handle) == "survived True"
        assert [type(failure.error) for failure in handle.earlier] == [EngineError]

    def test_cancelling(self, session: Session) -> None:
        """What waits is cancelled; what runs is so where it can be interrupted."""
        engine = next(iter(session.engines))
        there = Terms(targets=frozenset({engine}))
        waiting: list[Handle] = []
        cancelled: list[bool] = []

        def act(handle: Handle) -> None:
            if self.traits.concurrent:
                waiting.extend(session.submit(abs, (1,), terms=there) for _ in range(3))
                cancelled.extend(session.cancel(each) for each in waiting)
            interrupt = self.traits.interrupts is Interrupts.ANYWHERE
            cancelled.append(session.cancel(handle, interrupt=interrupt))
            if interrupt:
                session.wait([handle], PATIENCE_S)

        handle = self._while_running(session, act, there)
        if self.traits.interrupts is Interrupts.ANYWHERE:
            assert isinstance(self._error(handle), TaskCancelled)
            assert cancelled == [True] * 4
        else:
            assert self._value(handle) == "let go"
            assert cancelled == [True] * len(waiting) + [False]
        assert all(isinstance(self._error(each), TaskCancelled) for each in waiting)
        assert self._value(session.submit(abs, (-1,), terms=there)) == 1

    def test_engines_come_and_go(self, session: Session) -> None:
        """One more, two less; what is asked of the rest is done."""
        first, second = session.engines
        session.add_engines(1)
        assert session.wait_for(lambda: len(session.engines) == 3, PATIENCE_S)
        session.stop_engine(first)
        session.stop_engine(second)
        assert session.wait_for(lambda: len(session.engines) == 1, PATIENCE_S)
        handles = session.submit_many([(where, (), {})] * 20)
        assert {self._value(handle) for handle in handles} == set(session.engines)

    def test_output_shows_on_the_handle(self, session: Session) -> None:
        """Complete when the task is done."""
        handle = session.submit(print, ("written",))
        assert self._value(handle) is None
        assert handle.extras == {"stdout": "written\n"}

    def test_closing_with_work_under_way(self) -> None:
        """What has not ended is cancelled, nothing is left, and the next session is as good as the first."""
        self._open_and_close()
        before = Traces()
        for _ in range(2):
            handles = self._open_and_close()
            assert all(handle.status is not None for handle in handles)
            ended = [handle.failure.error for handle in handles if handle.failure is not None]
            assert all(isinstance(error, TaskCancelled) for error in ended)
            before.check_that_nothing_is_new()

    def _open_and_close(self) -> list[Handle]:
        handles: list[Handle] = []

        def act(handle: Handle) -> None:
            handles.append(handle)
            handles.extend(session.submit_many([(abs, (1,), {})] * 30))
            session.close()

        session = Session(self.make_backend(), engines=1)
        with session:
            assert self._value(session.submit(abs, (-1,))) == 1
            if self.traits.concurrent:
                self._while_running(session, act, Terms())
        return handles
