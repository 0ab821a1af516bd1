"""`run_job` through a session that does as it is told."""

from __future__ import annotations

import itertools
import pickle
import threading
from pathlib import Path

import pytest

from gangline.pipeline.batch import drmaa_job, inflight
from gangline.pipeline.drmaa_wrapper import error_drmaa_job, run_job
from gangline.pipeline.stages.pipeline import Pipeline
from tests.unit.pipeline.batch.support import (
    DrmCommunicationException,
    ExitTimeoutException,
    FakeSession,
    InvalidJobException,
    Log,
    NoActiveSessionException,
    ended,
)

NO_USAGE = Exception("code 24: no usage information was returned for the completed job")


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path, monkeypatch):
    """Scripts go to the working directory; the time passes at a glance, and nothing is waited for."""
    monkeypatch.chdir(tmp_path)
    seconds = itertools.count(0.0, 7.0)
    monkeypatch.setattr(drmaa_job.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(drmaa_job.time, "sleep", lambda s: None)


def writes(exit_code=0):
    """A session whose job writes some lines and ends."""
    session = FakeSession(None)

    def end():
        template = session.templates[-1]
        Path(template.outputPath.removeprefix(":")).write_text("out\n")
        Path(template.errorPath.removeprefix(":")).write_text("err\n")
        return ended(exit_code)

    session.wait = lambda job_id, timeout_s: end()
    return session


def left():
    return sorted(path.name for path in Path().iterdir())


def test_a_job_is_described_to_the_batch_system():
    session = writes()
    options = {"job_other_options": "-q all.q", "job_environment": {"A": "b", "ODD": "x,y='"}, "working_directory": "/"}
    assert run_job("echo", "a job", drmaa_session=session, **options) == (["out\n"], ["err\n"])
    template = vars(session.templates[0])
    assert template["jobName"] == "a_job"
    assert template["nativeSpecification"] == "-q all.q"
    assert template["workingDirectory"] == "/"
    assert template["jobEnvironment"] == {"A": "b"}  # the script sets them all; some batch systems choke on the other
    assert template["args"] == []
    assert template["joinFiles"] is False
    assert template["outputPath"] == f":{template['remoteCommand']}.stdout"
    assert session.deleted_templates == 1
    assert left() == []


def test_a_failure_carries_all_that_is_known():
    with pytest.raises(error_drmaa_job) as caught:
        run_job("my command", drmaa_session=writes(3))
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error).startswith(
        "The drmaa command exited with exit code 3:\nThe original command was: >> my command <<"
    )
    assert str(error).endswith("The stderr was: \nerr\n\n\nThe stdout was: \nout\n\n\n")
    assert (error.exit_code, error.signal, error.job_id) == (3, None, "1")
    assert (error.stdout, error.stderr) == (["out\n"], ["err\n"])
    assert left() == []


def test_a_kept_script_has_the_number_of_its_job():
    run_job("my command", drmaa_session=writes(), retain_job_scripts=True)
    (script,) = left()
    assert script.endswith(".1")
    assert "my command" in Path(script).read_text()


@pytest.mark.parametrize("problem", [InvalidJobException("code 18: does not exist"), NO_USAGE])
def test_a_job_that_the_batch_system_has_lost_is_reported(problem):
    with pytest.raises(error_drmaa_job, match="was lost by the batch system") as caught:
        run_job("x", drmaa_session=FakeSession(problem, state=InvalidJobException()))
    assert caught.value.exit_code is None
    assert left() == []


def test_a_job_that_is_done_has_succeeded_even_if_nothing_else_is_known(monkeypatch):
    monkeypatch.setattr("gangline.pipeline.drmaa_wrapper.read_stdout_stderr_from_files", lambda *args, **rest: ([], []))
    assert run_job("x", drmaa_session=FakeSession(NO_USAGE, state="done")) == ([], [])


def test_a_job_that_vanishes_while_it_is_waited_for_is_reported():
    session = FakeSession(ExitTimeoutException(), state=InvalidJobException())
    with pytest.raises(error_drmaa_job, match="was lost by the batch system"):
        run_job("x", drmaa_session=session)


def test_a_batch_system_that_does_not_answer_for_a_while_is_waited_for():
    session = writes()
    answers = iter([DrmCommunicationException(), DrmCommunicationException(), ExitTimeoutException()])
    end = session.wait

    def wait(job_id, timeout_s):
        for problem in answers:
            raise problem
        return end(job_id, timeout_s)

    session.wait = wait
    assert run_job("x", drmaa_session=session) == (["out\n"], ["err\n"])


def test_a_batch_system_that_does_not_answer_for_a_minute_is_given_up():
    session = FakeSession(DrmCommunicationException("code 2: unable to contact qmaster"))
    with pytest.raises(error_drmaa_job, match="does not answer for job 1: code 2: unable to contact qmaster"):
        run_job("x", drmaa_session=session)
    assert session.orders == [("1", "terminate")]


def test_jobs_pause_with_their_pipeline():
    pipeline, log = Pipeline("for pauses"), Log()
    session = writes()
    end, turns = session.wait, itertools.count()

    def wait(job_id, timeout_s):
        turn = next(turns)
        if turn == 3:
            pipeline.resume_jobs()
        if turn < 5:
            raise ExitTimeoutException
        return end(job_id, timeout_s)

    session.wait = wait
    pipeline.suspend_jobs()
    run_job("x", drmaa_session=session, pipeline="for pauses", logger=log)
    assert session.orders == [("1", "suspend"), ("1", "resume")]
    assert [message.split("will be ")[1] for message in log.messages[1:]] == ["suspended", "resumed"]


def test_a_job_that_waits_is_held():
    pipeline = Pipeline("for holds")
    session = FakeSession(ExitTimeoutException(), ended(), state="queued_active")
    pipeline.suspend_jobs()
    assert run_job("x", drmaa_session=session, pipeline=pipeline) == ([], [])
    assert session.orders[0] == ("1", "hold")


def test_an_interrupt_deletes_the_job():
    session = FakeSession(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_job("x", drmaa_session=session)
    assert session.orders == [("1", "terminate")]
    assert left() == []
    assert inflight.running() == 0


def test_an_interrupt_during_the_submission_deletes_the_job(monkeypatch):
    session = FakeSession(ended())
    monkeypatch.setattr(drmaa_job.DrmaaJob, "_wait", lambda job: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run_job("x", drmaa_session=session)
    assert session.orders == [("1", "terminate")]


def test_ending_everything_deletes_jobs_that_other_threads_wait_for():
    session = FakeSession(None)
    gone = threading.Event()

    def wait(job_id, timeout_s):
        session.waiting.set()
        if gone.wait(0.02):
            raise InvalidJobException
        raise ExitTimeoutException

    session.wait = wait
    session.control = lambda job_id, order: gone.set()
    caught = []

    def work():
        try:
            run_job("x", drmaa_session=session)
        except error_drmaa_job as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert session.waiting.wait(60)
    assert inflight.end_all(10_000.0)  # the time passes at a glance
    thread.join(60)
    assert "never ran" in caught[0] or "aborted" in caught[0]


def test_a_session_that_is_not_open_says_what_to_do():
    session = FakeSession(ended())

    def refuse():
        raise NoActiveSessionException("code 5")

    session.createJobTemplate = refuse
    with pytest.raises(error_drmaa_job, match=r"multithread=, not multiprocess="):
        run_job("x", drmaa_session=session)
    assert left() == []


def test_a_refused_job_is_not_submitted_again():
    session = FakeSession(ended())
    calls = []

    def refuse(template):
        calls.append(template)
        raise RuntimeError("code 17: unknown queue")

    session.runJob = refuse
    with pytest.raises(error_drmaa_job, match="rejected by the batch system: code 17: unknown queue"):
        run_job("x", drmaa_session=session, resubmit=5)
    assert len(calls) == 1
    assert session.deleted_templates == 1
    assert left() == []


def test_a_refusal_whose_reason_was_wiped_by_another_thread_is_asked_for_it_again():
    session = FakeSession(ended())
    answers = iter(["code 17: ", "code 17: time-out condition", "code 17: unknown queue"])

    def refuse(template):
        raise RuntimeError(next(answers))

    session.runJob = refuse
    with pytest.raises(error_drmaa_job, match="rejected by the batch system: code 17: unknown queue"):
        run_job("x", drmaa_session=session)
    assert next(answers, None) is None


def test_without_a_session_nothing_is_submitted():
    with pytest.raises(error_drmaa_job, match=r"Please specify a drmaa_session in run_job\(\)"):
        run_job("x")
