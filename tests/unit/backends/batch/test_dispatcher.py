"""Jobs between tasks and a scheduler that has its moods; it runs them on this host."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from gangline.backends.batch import dispatcher as dispatching
from gangline.backends.batch import submitting
from gangline.backends.batch.dispatcher import Dispatcher
from gangline.backends.batch.jobs import Job
from gangline.backends.batch.system import NoRoom, Phase, Request, Sight
from gangline.errors import BackendError
from gangline.messages import Attempt, EngineId, Status, TaskId
from tests.unit.backends.batch.by_hand import Names, order

PATIENCE_S = 60.0


class Here(Names):
    """A scheduler without a queue, which answers as it is told to.

    Attributes:
        most: How many jobs it has room for.
        away: Whether it does not answer.
        holds: Whether it lets jobs wait that come now.
        on_submission: Called before a job is started.
        submissions: How many it has taken.
        removals: How often it was asked to remove jobs.
        removed: Which ones, each time that it did.
        asked: How often it was asked for anything.
    """

    array_max = 10

    def __init__(self) -> None:
        super().__init__("here")
        self.most = 100
        self.away = False
        self.holds = False
        self.on_submission: Callable[[Request], None] = lambda request: None
        self.submissions = 0
        self.removals = 0
        self.removed: list[list[str]] = []
        self.asked = 0
        self._waiting: set[str] = set()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def submit(self, request: Request) -> Sequence[str]:
        self._answer()
        self.on_submission(request)
        if request.count + sum(job.poll() is None for job in self._running.values()) > self.most:
            raise NoRoom("there is no room")
        self.submissions += 1
        jobs = [self.job_number(str(self.submissions), index, request.count) for index in range(1, request.count + 1)]
        if self.holds:
            self._waiting.update(jobs)
            return jobs
        for index, job in enumerate(jobs, 1):
            environment = os.environ | {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_JOB_ID": job}
            self._running[job] = subprocess.Popen([request.script], env=environment, start_new_session=True)
        return jobs

    def look(self, jobs: Collection[str]) -> Mapping[str, Sight]:
        self._answer()
        return {job: Sight(self._phase(job)) for job in jobs}

    def _phase(self, job: str) -> Phase:
        if job in self._waiting:
            return Phase.WAITING
        return Phase.RUNNING if job in self._running and self._running[job].poll() is None else Phase.ENDED

    def cancel(self, jobs: Collection[str]) -> None:
        self.removals += 1
        self._answer()
        self.removed.append(sorted(jobs))
        for job in jobs:
            self._waiting.discard(job)
            if self._phase(job) is Phase.RUNNING:
                os.killpg(self._running[job].pid, 9)
                self._running[job].wait()

    def close(self) -> None:
        for job in self._running.values():
            job.wait()

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise BackendError("it does not answer")


class Desk:
    """Gives jobs to a dispatcher, and keeps what it says of them."""

    def __init__(self, system: Here, folder: Path) -> None:
        self.attempts: dict[int, Attempt] = {}
        self._changed = threading.Condition()
        self._count = 0
        self.dispatcher = Dispatcher(system, folder, self._on_end)

    def _on_end(self, job: Job, attempt: Attempt) -> None:
        with self._changed:
            assert job.task not in self.attempts
            self.attempts[job.task] = attempt
            self._changed.notify_all()

    def submit(self, *scripts: str) -> list[Job]:
        first, self._count = self._count, self._count + len(scripts)
        jobs = [Job(EngineId(n), "u", TaskId(n), order(script)) for n, script in enumerate(scripts, first)]
        self.dispatcher.submit(jobs)
        return jobs

    def wait(self) -> list[Attempt]:
        """All of them, when they have ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.attempts) == self._count, PATIENCE_S), self.attempts
        return [self.attempts[task] for task in sorted(self.attempts)]


@pytest.fixture
def system() -> Here:
    return Here()


@pytest.fixture
def desk(system: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    desk = Desk(system, tmp_path / "jobs")
    yield desk
    system.away = False
    desk.dispatcher.close(5)
    assert list((tmp_path / "jobs").iterdir()) == []


def errors(attempts: Sequence[Attempt]) -> list[str]:
    return ["" if attempt.status is Status.OK else attempt.value.ename for attempt in attempts]


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_jobs_whose_numbers_cannot_be_written_down(system: Here, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """They run, and are heard of: a disk that is full must not make them unknown."""
    system.on_submission = lambda request: (Path(request.script).parent / "jobs.json.new").mkdir()
    desk.submit("echo 1", "exit 3", "echo 2")
    assert errors(desk.wait()) == ["", "CommandFailed", ""]
    assert "cannot be written down" in caplog.text


def test_an_answer_that_nobody_has_foreseen(system: Here, desk: Desk) -> None:
    """It is the error of those jobs; those of the same moment that went well are watched as ever."""

    def answer(request: Request) -> None:
        if request.name == "false":
            raise ZeroDivisionError("strange")

    system.on_submission = answer
    good = [Job(EngineId(n), "u", TaskId(n), order(["true"])) for n in (0, 1)]
    bad = Job(EngineId(2), "u", TaskId(2), order(["false"]))
    desk._count = 3
    desk.dispatcher.submit([good[0], bad, good[1]])
    assert errors(desk.wait()) == ["", "", "BackendError"]
    assert "ZeroDivisionError: strange" in str(desk.attempts[2].value.error)


def test_a_scheduler_that_has_no_room_is_waited_for(system: Here, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as it takes: others' jobs may run for days."""
    monkeypatch.setattr(submitting, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(submitting, "_RESUBMIT_S", (0.05, 0.2))
    system.most = 2
    desk.submit(*["sleep 0.3"] * 6)
    assert errors(desk.wait()) == [""] * 6


def test_a_trouble_that_is_over_is_forgotten(system: Here, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "_PATIENCE_S", 0.5)
    tries = []

    def answer(request: Request) -> None:
        tries.append(request)
        if len(tries) <= 2:
            raise BackendError("not now")

    system.on_submission = answer
    monkeypatch.setattr(submitting, "_RESUBMIT_S", (60, 60))
    (job,) = desk.submit("true")
    until(lambda: tries)
    desk.dispatcher.call_off(job)
    desk.wait()
    time.sleep(0.6)
    monkeypatch.setattr(submitting, "_RESUBMIT_S", (0.05, 0.05))
    desk.submit("true")
    assert errors(desk.wait()) == ["TaskCancelled", ""]


def test_a_removal_that_is_not_answered_is_asked_for_again_but_not_all_the_time(
    system: Here, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "_REMOVE_AGAIN_S", 3600.0)
    (job,) = desk.submit("sleep 300")
    until(lambda: job.begun)
    system.away = True
    desk.dispatcher.call_off(job)
    until(lambda: system.removals == 1)
    asked = system.asked
    until(lambda: system.asked > asked)  # a turn in which it could have been
    assert system.removals == 1
    system.away = False
    desk.dispatcher._remove_again_at = 0.0  # the time has passed
    assert errors(desk.wait()) == ["TaskCancelled"]
    assert system.removals == 2


def test_of_jobs_that_are_removed_together_those_that_wait_go_first(
    system: Here, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else some of them would begin where others have ended."""
    monkeypatch.setattr(dispatching, "_REMOVE_AGAIN_S", 0.05)
    running = desk.submit("sleep 300", "sleep 300")
    until(lambda: all(job.begun for job in running))
    system.holds = True
    waiting = desk.submit("sleep 300", "sleep 300")
    until(lambda: all(job.id for job in waiting))
    system.away = True
    for job in (running[0], waiting[0], running[1], waiting[1]):
        desk.dispatcher.call_off(job)
    until(lambda: len(desk.dispatcher._unremoved) == 4)
    system.away = False
    assert errors(desk.wait()) == ["TaskCancelled"] * 4
    assert system.removed == [[job.id for job in jobs] for jobs in (waiting, running)]


def test_the_end_removes_those_that_wait_first(system: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have begun without anybody having noticed are no such."""
    monkeypatch.chdir(tmp_path)
    desk = Desk(system, tmp_path / "jobs")
    running = desk.submit("sleep 300", "sleep 300")
    until(lambda: all(job.begun for job in running))
    system.holds = True
    waiting = desk.submit("sleep 300", "sleep 300")
    until(lambda: all(job.id for job in waiting))
    running[1].begun = None
    desk.dispatcher.close(PATIENCE_S)
    assert system.removed == [[job.id for job in jobs] for jobs in (waiting, running)]


def test_a_cause_that_nobody_tells_is_not_waited_for_for_ever(
    system: Here, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "_CAUSE_S", 0.5)
    (job,) = desk.submit("until [ -e go ]; do sleep 0.02; done; kill -9 $$")
    until(lambda: job.begun)
    system.away = True
    Path("go").touch()
    assert errors(desk.wait()) == ["CommandFailed"]
    assert desk.attempts[0].value.error.signal == "SIGKILL"


@pytest.mark.parametrize("record", ["{}", "[1", '{"signal": "", "heard": [], "exit_code": 0}'])
def test_a_record_that_is_none(desk: Desk, record: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file system that loses what was written; nobody waits for ever."""
    monkeypatch.setitem(dispatching._LATE_S, dispatching.Cause.UNSAID, 0.5)
    (job,) = desk.submit("until [ -e go ]; do sleep 0.02; done; rm go")
    until(lambda: job.begun)
    assert job.submission is not None
    (job.submission.folder / "ended" / "1").write_text(record)
    Path("go").touch()
    assert errors(desk.wait()) in (["ResultUnreadable"], ["JobLost"])


def test_a_folder_that_is_removed_meanwhile(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dispatching._LATE_S, dispatching.Cause.UNSAID, 0.5)
    desk.submit("touch up; until [ -e go ]; do sleep 0.02; done; rm go")
    until(Path("up").exists)  # nothing is written to the folder any more
    shutil.rmtree(tmp_path / "jobs")
    Path("go").touch()
    assert errors(desk.wait()) == ["JobLost"]
    desk.submit("true")
    assert errors(desk.wait()) == ["JobLost", "BackendError"]
    (tmp_path / "jobs").mkdir()
