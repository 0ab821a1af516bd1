"""The folders of jobs, and what a job leaves in them: run here as a scheduler would run it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from gangline.backends.batch.endings import attempt_of_loss, needs_a_cause
from gangline.backends.batch.orders import order_of
from gangline.backends.batch.runs import Run
from gangline.backends.batch.system import Cause, Phase, Sight
from gangline.errors import Unpicklable, UsageError
from gangline.messages import Status, TaskId
from gangline.remote.resources import NOTHING_ASKED, Resources
from tests.unit.backends.batch.by_hand import NAMES, attempt, begin, order, run_alone

# What a job leaves ----------------------------------------------------------------------------------------------------


def test_the_records_of_a_job(run: Run) -> None:
    one = order("cat; echo $COLOUR $SLURM_JOB_ID; echo why >&2; exit 3", input=b"in\n", env={"COLOUR": "red"})
    submission, code = run_alone(run, one)
    assert code == 3  # so that the scheduler's books are right
    assert submission.newly_begun() == [1]
    assert submission.newly_begun() == []
    assert submission.ended() == [1]
    begun, ended = submission.how_it_began(1), submission.how_it_ended(1)
    assert begun is not None
    assert ended is not None
    assert (begun["job"], begun["host"]) == ("77", os.uname().nodename)
    assert (ended["exit_code"], ended["signal"], ended["heard"]) == (3, "", [])
    assert ended["ended_at"] >= ended["began_at"] == begun["at"]
    how = attempt(one, submission)
    assert how.status is Status.ERROR
    assert (how.extras or {})["stdout"] == "in\nred 77\n"
    assert (how.value.ename, how.value.error.exit_code, how.value.error.stderr_tail) == ("CommandFailed", 3, ("why",))


def test_an_array_runs_each_of_its_orders(run: Run) -> None:
    orders = [order(f"echo {number} > {number}.made; exit {number % 2}") for number in range(1, 6)]
    submission, request = run.prepare(orders, [(n, "uuid") for n in range(5)], NAMES)
    assert request.count == 5
    jobs = [begin(request, number) for number in range(1, 6)]
    assert [job.wait() for job in jobs] == [1, 0, 1, 0, 1]
    assert submission.ended() == [1, 2, 3, 4, 5]
    assert all(Path(f"{number}.made").read_text() == f"{number}\n" for number in range(1, 6))
    for number in range(1, 5):
        submission.forget(number)
    assert submission.ended() == [5]
    assert submission.folder.exists()
    submission.forget(5)
    assert not submission.folder.exists()


def test_a_signal_and_its_number_are_told_apart(run: Run) -> None:
    killed, code = run_alone(run, order("kill -KILL $$"))
    record = killed.how_it_ended(1)
    assert code == -signal.SIGKILL
    assert record is not None
    assert (record["exit_code"], record["signal"]) == (None, "SIGKILL")
    assert needs_a_cause(record)
    honest, code = run_alone(run, order("exit 137"))
    record = honest.how_it_ended(1)
    assert record is not None
    assert (record["exit_code"], record["signal"]) == (137, "")


def test_a_shell_whose_command_was_ended_may_have_lost_it_to_the_scheduler(run: Run) -> None:
    """It says 128 and the signal's number, and so may a program of its own accord."""
    one = order("sh -c 'kill -KILL $$'; exit $?")
    submission, _ = run_alone(run, one)
    record = submission.how_it_ended(1)
    assert record is not None
    assert needs_a_cause(record)
    for cause, kind in (
        (Cause.MEMORY, "CommandOutOfMemory"),
        (Cause.TIME_LIMIT, "CommandTimedOut"),
        (Cause.EXIT, "CommandFailed"),
        (Cause.HOST, "CommandFailed"),
    ):
        value = attempt(one, submission, sight=Sight(Phase.ENDED, cause)).value
        assert (value.ename, value.error.exit_code) == (kind, 137)
    other, _ = run_alone(run, order("exit 7"))
    record = other.how_it_ended(1)
    assert record is not None
    assert not needs_a_cause(record)


def test_a_scheduler_that_ends_a_job_lets_it_say_so(run: Run) -> None:
    """The signal reaches the command, which may clean up; the record knows of it."""
    one = order("trap 'echo cleaned; exit 5' TERM; echo up > up; sleep 60 & wait")
    submission, request = run.prepare([one], [(0, "uuid")], NAMES)
    job = begin(request)
    while not Path("up").exists():
        time.sleep(0.01)
    job.send_signal(signal.SIGTERM)
    assert job.wait(60) == 5
    record = submission.how_it_ended(1)
    assert record is not None
    assert record["heard"] == ["SIGTERM"]
    assert needs_a_cause(record)
    os.killpg(job.pid, signal.SIGKILL)
    for cause, kind, text in (
        (Cause.TIME_LIMIT, "CommandTimedOut", "ran longer than"),
        (Cause.MEMORY, "CommandOutOfMemory", "more memory than it may have"),
        (Cause.CANCELLED, "JobLost", "somebody removed the job"),
        (Cause.HOST, "JobLost", "its host failed"),
        (Cause.UNSAID, "CommandFailed", "exit code 5"),
    ):
        value = attempt(one, submission, sight=Sight(Phase.ENDED, cause)).value
        assert value.ename == kind
        assert text in value.evalue


def test_what_cannot_be_started(run: Run, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    for one, kind in (
        (order(["no-such-program"]), "not found"),
        (order([str(tmp_path / "plain")]), "not executable"),
        (order("true", cwd="/no/such/folder"), "no such folder"),
    ):
        submission, code = run_alone(run, one)
        assert code == 127
        error = attempt(one, submission).value.error
        assert (type(error).__name__, error.kind) == ("CommandNotStarted", kind)


def test_a_job_that_is_run_twice_does_its_work_once(run: Run) -> None:
    submission, request = run.prepare([order("echo line >> lines; exit 4")], [(0, "uuid")], NAMES)
    assert begin(request).wait() == 4
    assert begin(request).wait() == 0
    assert Path("lines").read_text() == "line\n"
    assert submission.how_it_ended(1) is not None


def test_a_job_that_nobody_wants_any_more_does_nothing(run: Run) -> None:
    submission, request = run.prepare([order("echo line >> lines")], [(0, "uuid")], NAMES)
    script = Path(request.script).read_text()  # a scheduler keeps a copy
    submission.discard()
    assert subprocess.run(["sh", "-c", script]).returncode == 0
    assert not Path("lines").exists()


def test_much_output_comes_as_a_whole_and_very_much_from_its_end(run: Run) -> None:
    for size, is_cut in ((3_000_000, False), (70_000_000, True)):
        one = order(f"yes | head -c {size}; echo end; yes n | tr -d '\\n' | head -c 100000 >&2; exit 1")
        submission, _ = run_alone(run, one)
        how = attempt(one, submission)
        text = (how.extras or {})["stdout"]
        assert text.endswith("y\nend\n")
        assert text.startswith("[") == is_cut
        assert len(text) < 68_000_000
        assert len(how.value.evalue) < 20_000


def test_a_call(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    def work(number: int, *, more: int) -> int:
        print("printed")
        logging.getLogger("work").warning("logged")
        return number + more

    one = order_of(work, (40,), {"more": 2}, NOTHING_ASKED)
    submission, code = run_alone(run, one)
    assert code == 0
    how = attempt(one, submission)
    assert (how.status, how.value) == (Status.OK, 42)
    assert (how.extras or {})["stdout"] == "printed\n"
    assert "logged" in caplog.text


def test_a_call_that_fails_and_one_that_ends_its_process(run: Run) -> None:
    def fail() -> None:
        raise KeyError("here")

    one = order_of(fail, (), {}, NOTHING_ASKED)
    submission, _ = run_alone(run, one)
    how = attempt(one, submission)
    assert (how.status, how.value.ename) == (Status.ERROR, "KeyError")
    assert "in fail" in how.value.traceback
    one = order_of(os._exit, (0,), {}, NOTHING_ASKED)
    submission, _ = run_alone(run, one)
    assert "ended without a result" in attempt(one, submission).value.evalue


def test_what_cannot_travel_is_refused_here() -> None:
    with pytest.raises(Unpicklable, match="the call of print cannot be pickled"):
        order_of(print, (threading.Lock(),), {}, NOTHING_ASKED)


def test_commands_that_a_job_cannot_be() -> None:
    with pytest.raises(UsageError, match="to read on while it runs"):
        order("cat", open_input=True)


# Fingerprints -------------------------------------------------------------------------------------------------------


def test_fingerprints_tell_orders_apart() -> None:
    orders = [
        order("a"),
        order("b"),
        order("a", env={"A": "b"}),
        order("a", input=b"x"),
        order("a", key="k"),
        order("a", resources={"cores": 2}),
        order("a", cwd="/tmp"),
        order_of(len, ("abc",), {}, NOTHING_ASKED),
        order_of(len, ("abcd",), {}, NOTHING_ASKED),
        order_of(len, ("abc",), {}, Resources(cores=2)),
    ]
    assert len({each.fingerprint for each in orders}) == len(orders)
    assert order("a", env={"A": "b", "C": "d"}).fingerprint == order("a", env={"C": "d", "A": "b"}).fingerprint
    assert order("a", name="x").fingerprint == order("a").fingerprint


# Jobs without a record ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sight", "kind", "text"),
    [
        (Sight(Phase.ENDED, Cause.TIME_LIMIT), "CommandTimedOut", "longer than 60 s"),
        (Sight(Phase.ENDED, Cause.MEMORY, host="n7"), "CommandOutOfMemory", "host n7"),
        (Sight(Phase.ENDED, Cause.CANCELLED), "JobLost", "somebody removed the job"),
        (Sight(Phase.ENDED, Cause.HOST, reason="NODE_FAIL"), "JobLost", "its host failed (NODE_FAIL)"),
        (Sight(Phase.ENDED, Cause.EXIT, exit_code=0), "JobLost", "is the folder seen by all hosts?"),
        (Sight(Phase.UNKNOWN), "JobLost", "does not know the job any more"),
    ],
)
def test_what_a_job_that_left_no_record_is_said_to_be(sight: Sight, kind: str, text: str) -> None:
    one = order("true", resources={"wall_time": 60})
    how = attempt_of_loss(TaskId(1), one, "9", None, sight, "its log")
    assert how.value.ename == kind
    assert text in how.value.evalue
    assert how.value.evalue.endswith("its log")
    assert "job 9" in how.value.evalue
    assert json.loads(json.dumps(how.extras)) == {"data": {"job": "9"}}
