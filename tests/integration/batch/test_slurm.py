"""Slurm's side of jobs, on a real one."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gangline.backends.batch.slurm import Slurm
from gangline.backends.batch.system import Cause, Phase, Request, Sight
from gangline.errors import BackendError, JobRejected
from gangline.remote.resources import Resources
from tests import slurm as support
from tests.programs_before import Before
from tests.slurm import Slurm as Site

PATIENCE_S = 60.0


@pytest.fixture
def system(slurm: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    yield of(slurm, monkeypatch)
    slurm.cancel_all()


def of(site: Site, monkeypatch: pytest.MonkeyPatch, clock: Callable[[], float] = time.monotonic) -> Slurm:
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    return Slurm(PATIENCE_S, clock)


def request_of(folder: Path, script: str, count: int = 1, name: str = "a test", **asked: object) -> Request:
    path = folder / f"job{len(list(folder.glob('job*')))}.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Request(name, str(path), str(folder), str(folder / "log"), Resources.read(asked), count)


def wait_for(system: Slurm, jobs: Collection[str], *phases: Phase) -> Mapping[str, Sight]:
    """Look until all jobs are that far; the end unless another phase is given."""
    end = time.monotonic() + PATIENCE_S
    while True:
        sights = system.look(jobs)
        if all(sights[job].phase in (phases or (Phase.ENDED,)) for job in jobs):
            return sights
        assert time.monotonic() < end, sights
        time.sleep(0.1)


def until_written(path: Path, ending: str) -> None:
    """Look until a file ends so: a job that runs has not yet done anything."""
    end = time.monotonic() + PATIENCE_S
    while not (path.exists() and path.read_text().endswith(ending)):
        assert time.monotonic() < end, f"{path} does not end with {ending!r}"
        time.sleep(0.05)


# How jobs go and end --------------------------------------------------------------------------------------------------


CLIENT = """
from gangline import Client, Command, RemoteError
with Client(backend="batch", system="slurm") as client:
    try:
        client.load_balanced_view().apply_sync(Command("sleep 300", resources={"wall_time": 60}))
    except RemoteError as error:
        print(error.ename, error)
"""


class Limited(NamedTuple):
    """Jobs that run into their limit: one of a client, and another."""

    client: subprocess.Popen[str]
    system: Slurm
    job: str


@pytest.fixture(scope="module", autouse=True)
def limited(slurm: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    """Slurm looks for such jobs twice a minute, so they begin before all others."""
    folder = tmp_path_factory.mktemp("limited")
    with pytest.MonkeyPatch.context() as monkeypatch, support.started(folder / "s", nodes=1) as site:
        system = of(site, monkeypatch)
        (job,) = system.submit(request_of(folder, "sleep 300", wall_time=1))
        client = subprocess.Popen([sys.executable, "-c", CLIENT], cwd=folder, stdout=subprocess.PIPE, text=True)
        with client:
            site.until(lambda: [site.state(each) for each in site.jobs()] == ["RUNNING"] * 2, "the jobs begin")
            for each in site.jobs():
                assert "TimeLimit=00:01:00" in site.run("scontrol", "show", "job", each)  # a minute is the least
                site.run("scontrol", "update", f"JobId={each}", "EndTime=now+1seconds")
            yield Limited(client, system, job)
            client.kill()


def test_a_job_waits_runs_and_ends_with_its_exit_code(system: Slurm, tmp_path: Path) -> None:
    before = system.submit(request_of(tmp_path, "until [ -e go ]; do sleep 0.05; done", count=3, cores=4))
    wait_for(system, before, Phase.RUNNING)  # there is no room for others
    jobs = [*system.submit(request_of(tmp_path, "exit 0")), *system.submit(request_of(tmp_path, "exit 3"))]
    reasons = ("", "Priority", "Resources")
    assert set(system.look(jobs).values()) <= {Sight(Phase.WAITING, reason=reason) for reason in reasons}
    (tmp_path / "go").touch()
    good, bad = (wait_for(system, jobs)[job] for job in jobs)
    assert (good.cause, good.exit_code, good.reason) == (Cause.EXIT, 0, "")
    assert (bad.cause, bad.exit_code, bad.reason) == (Cause.EXIT, 3, "")
    assert good.host in ("n1", "n2", "n3")


def test_an_array_has_its_runs_in_order(system: Slurm, tmp_path: Path) -> None:
    script = (
        "echo $SLURM_ARRAY_JOB_ID >$SLURM_ARRAY_TASK_ID; echo log of $SLURM_ARRAY_TASK_ID; exit $SLURM_ARRAY_TASK_ID"
    )
    jobs = system.submit(request_of(tmp_path, script, count=50))
    sights = wait_for(system, jobs)
    assert [sights[job].exit_code for job in jobs] == list(range(1, 51))
    for number, job in enumerate(jobs, 1):
        assert system.job_number((tmp_path / str(number)).read_text().strip(), number, 50) == job
        assert (tmp_path / f"log.{number}").read_text() == f"log of {number}\n"


def test_a_single_job_tells_its_number(system: Slurm, tmp_path: Path) -> None:
    (job,) = system.submit(request_of(tmp_path, "echo $SLURM_JOB_ID ${SLURM_ARRAY_TASK_ID:-1}"))
    wait_for(system, [job])
    assert (tmp_path / "log").read_text() == f"{system.job_number(job, 1, 1)} 1\n"


def test_a_signal_ends_a_job(system: Slurm, tmp_path: Path) -> None:
    jobs = [
        *system.submit(request_of(tmp_path, "kill -KILL $$")),
        *system.submit(request_of(tmp_path, "kill -SEGV $$")),
    ]
    killed, faulty = (wait_for(system, jobs)[job] for job in jobs)
    assert (killed.cause, killed.signal, killed.reason) == (Cause.SIGNAL, "SIGKILL", "")
    assert (faulty.cause, faulty.signal, faulty.reason) == (Cause.SIGNAL, "SIGSEGV", "")


def test_a_job_that_wants_too_much_memory(system: Slurm, tmp_path: Path) -> None:
    script = "exec python3 -c 'import time; much = bytearray(200_000_000); time.sleep(60)'"
    jobs = system.submit(request_of(tmp_path, script, count=2, memory="50 MB"))
    sights = wait_for(system, jobs)
    assert {(sight.cause, sight.signal) for sight in sights.values()} == {(Cause.MEMORY, "SIGKILL")}


def test_a_job_that_cannot_be_run(system: Slurm, tmp_path: Path) -> None:
    request = request_of(tmp_path, "exit 0")
    (job,) = system.submit(dataclasses.replace(request, log=str(tmp_path / "none" / "log")))
    sight = wait_for(system, [job])[job]
    assert (sight.cause, sight.reason) == (Cause.HOST, "FAILED: JobLaunchFailure")


def test_jobs_are_removed_one_by_one_and_all(system: Slurm, tmp_path: Path) -> None:
    jobs = system.submit(request_of(tmp_path, "sleep 300", count=20))
    waiting = system.submit(request_of(tmp_path, "sleep 300", count=3, options={"hold": True}))
    wait_for(system, jobs[:12], Phase.RUNNING)
    system.cancel([jobs[1], jobs[15], waiting[1], "4000000", "4000000_3"])
    sights = wait_for(system, [jobs[1], jobs[15], waiting[1]])
    assert {sight.cause for sight in sights.values()} == {Cause.CANCELLED}
    assert sights[jobs[15]].reason == "removed while it waited"
    left = [job for job in [*jobs, *waiting] if job not in sights]
    assert {sight.phase for sight in system.look(left).values()} == {Phase.WAITING, Phase.RUNNING}
    system.cancel([*jobs, *waiting])
    assert {sight.cause for sight in wait_for(system, [*jobs, *waiting]).values()} == {Cause.CANCELLED}


def test_why_a_job_waits(system: Slurm, tmp_path: Path) -> None:
    (failed,) = system.submit(request_of(tmp_path, "exit 1"))
    wait_for(system, [failed])
    options = [{"hold": True}, {"dependency": f"afterok:{failed}"}, {"d": f"afterok:{failed}"}]
    jobs = [system.submit(request_of(tmp_path, "exit 0", options=each))[0] for each in options]
    reasons = ["JobHeldUser", "DependencyNeverSatisfied", "DependencyNeverSatisfied"]
    sights = system.look(jobs)
    while any(sights[job].reason == "Dependency" for job in jobs):
        time.sleep(0.1)
        sights = system.look(jobs)
    assert [sights[job] for job in jobs] == [Sight(Phase.WAITING, reason=reason) for reason in reasons]


def test_jobs_that_slurm_never_had(system: Slurm) -> None:
    for jobs in (["4000000"], ["4000000", "4000001_7"], [str(4000000 + number) for number in range(200)]):
        assert {sight.phase for sight in system.look(jobs).values()} == {Phase.UNKNOWN}
    assert system.look([]) == {}
    system.cancel([])


def test_that_there_is_no_accounting_is_found_out_once(
    system: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sacct = Before("sacct", tmp_path, monkeypatch)
    for _ in range(3):
        system.look(["4000000"])
    assert sacct.calls == 1


def test_many_jobs_are_one_question(system: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = {"options": {"hold": True}}
    jobs = [*system.submit(request_of(tmp_path, "exit 0", count=140, **hold))]
    for _ in range(60):
        jobs += system.submit(request_of(tmp_path, "exit 0", **hold))
    programs = ("squeue", "sacct", "scontrol", "scancel")
    before = {program: Before(program, tmp_path, monkeypatch) for program in programs}
    sights = system.look(jobs)
    assert [sights[job] for job in jobs] == [Sight(Phase.WAITING, reason="JobHeldUser")] * 200
    assert [before[program].calls for program in programs] == [1, 0, 0, 0]
    system.cancel(jobs)
    assert before["scancel"].calls == 1
    sights = wait_for(system, jobs)
    assert {sight.cause for sight in sights.values()} == {Cause.CANCELLED}


# What is asked for ----------------------------------------------------------------------------------------------------


def test_what_a_job_asks_for_arrives(system: Slurm, slurm: Site, tmp_path: Path) -> None:
    asked = Resources(
        cores=2,
        memory_bytes=100 * 2**20 + 1,
        wall_time_s=90,
        queue="other",
        account="physics",
        options=(("comment", "two words"), ("hold", None), ("w", "n2")),
        words=("--nice=7",),
    )
    request = request_of(tmp_path, "exit 0", name="2nd pass\n'é'")
    (job,) = system.submit(dataclasses.replace(request, resources=asked))
    told = slurm.run("scontrol", "show", "job", job)
    for word in (
        "JobName=2nd_pass____",
        "Account=physics",
        "Partition=other",
        "TimeLimit=00:02:00",
        "CPUs/Task=2",
        "MinMemoryNode=101M",
        "Comment=two words",
        "ReqNodeList=n2",
        "Reason=JobHeldUser",
        "Nice=7",
        "Requeue=0",
        f"WorkDir={tmp_path}",
        f"Command={request.script}",
    ):
        assert word in told


def test_a_job_has_the_variables_of_this_process_but_not_of_its_job(
    system: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HERE": "two\nlines",
        "SLURM_ARRAY_TASK_ID": "77",
        "SLURM_JOB_ID": "4",
        "SBATCH_EXPORT": "NONE",
        "SBATCH_ARRAY_INX": "1-3",
        "SQUEUE_FORMAT": "%j",
        "SQUEUE_STATES": "FAILED",
        "SQUEUE_PARTITION": "other",
        "SCANCEL_INTERACTIVE": "1",
        "LC_ALL": "C.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    (job,) = system.submit(request_of(tmp_path, 'echo "$HERE ${SLURM_ARRAY_TASK_ID-none} $LC_ALL"; sleep 300'))
    until_written(tmp_path / "log", "C.UTF-8\n")
    system.cancel([job])
    assert wait_for(system, [job])[job].cause is Cause.CANCELLED
    assert (tmp_path / "log").read_text().startswith("two\nlines none C.UTF-8\n")


def test_a_log_may_be_anywhere(system: Slurm, tmp_path: Path) -> None:
    folder = tmp_path / "100%a of 'it', %j; $HOME"
    folder.mkdir()
    jobs = [*system.submit(request_of(folder, "echo here")), *system.submit(request_of(folder, "echo here", count=2))]
    wait_for(system, jobs)
    assert [(folder / name).read_text() for name in ("log", "log.1", "log.2")] == ["here\n"] * 3


def test_what_slurm_does_not_take_is_told_in_its_words(system: Slurm, tmp_path: Path) -> None:
    for asked, said in (
        (
            {"queue": "nowhere"},
            "sbatch: error: invalid partition specified: nowhere\nsbatch: error: Batch job submission ",
        ),
        (
            {"memory": "9 TB"},
            "sbatch: error: Memory specification can not be satisfied\nsbatch: error: Batch job submission ",
        ),
        ({"options": {"nonsense": 1}}, "sbatch: unrecognized option '--nonsense=1'"),
        ({"options": "--time=later"}, "sbatch: error: Invalid --time specification"),
    ):
        with pytest.raises(JobRejected) as caught:
            system.submit(request_of(tmp_path, "exit 0", **asked))
        assert said in str(caught.value)
        assert not caught.value.retryable


@pytest.mark.parametrize("options", [{"array": "1-9"}, {"W": True}, "--mincpus=2 --wait", "--clusters=other"])
def test_options_that_are_not_for_users(system: Slurm, tmp_path: Path, options: object) -> None:
    with pytest.raises(JobRejected, match=r"the option (array|W|wait|clusters) cannot be given to jobs"):
        system.submit(request_of(tmp_path, "exit 0", options=options))


# When something is wrong ----------------------------------------------------------------------------------------------


def test_a_host_without_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(BackendError, match="sbatch, a command of Slurm, is not on this host"):
        Slurm()


def test_a_controller_that_is_down_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with support.started(tmp_path / "s", nodes=1) as site:
        system = of(site, monkeypatch)
        (job,) = system.submit(request_of(tmp_path, "until [ -e go ]; do sleep 0.05; done; exit 5"))
        wait_for(system, [job], Phase.RUNNING)
        site.stop_controller()
        calls = (partial(system.submit, request_of(tmp_path, "exit 0")), partial(system.look, [job]))
        with monkeypatch.context() as impatient, ThreadPoolExecutor() as threads:  # since each takes some seconds
            impatient.setenv("SLURM_CONF", site.impatient()["SLURM_CONF"])
            answers = [threads.submit(call) for call in (*calls, partial(system.cancel, [job]), Slurm)]
            wait(answers)
        for answer in answers[:3]:
            with pytest.raises(BackendError, match="Unable to contact slurm controller") as caught:
                answer.result()
            assert caught.value.retryable
        assert answers[3].result().array_max == 1000
        site.start_controller()
        (tmp_path / "go").touch()
        assert wait_for(system, [job])[job].exit_code == 5
        (job,) = system.submit(request_of(tmp_path, "exit 6"))
        assert wait_for(system, [job])[job].exit_code == 6


def test_a_host_that_fails_under_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with support.started(tmp_path / "s", nodes=2) as site:
        system = of(site, monkeypatch)
        jobs = system.submit(request_of(tmp_path, "sleep 300", count=2, cores=4))
        sights = wait_for(system, jobs, Phase.RUNNING)
        lost, kept = sorted(jobs, key=lambda job: sights[job].host != "n2")
        site.set_node("n2", "down")
        sight = wait_for(system, [lost])[lost]
        assert (sight.cause, sight.host, sight.reason) == (Cause.HOST, "n2", "NODE_FAIL: NodeDown")
        assert system.look([kept])[kept].phase is Phase.RUNNING


def test_a_host_that_is_wanted_for_another_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"PreemptType": "preempt/partition_prio", "PreemptMode": "CANCEL"}
    with support.started(tmp_path / "s", nodes=1, settings=settings) as site:
        system = of(site, monkeypatch)
        (job,) = system.submit(request_of(tmp_path, "sleep 300", cores=4))
        wait_for(system, [job], Phase.RUNNING)
        (other,) = system.submit(request_of(tmp_path, "exit 0", cores=4, queue="other"))
        sights = wait_for(system, [job, other])
        assert (sights[job].cause, sights[job].reason) == (Cause.HOST, "PREEMPTED")
        assert sights[other].exit_code == 0


def test_a_slurm_that_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    with support.started(tmp_path / "s", nodes=1) as site:
        system = of(site, monkeypatch, clock=lambda: now)
        jobs = [*system.submit(request_of(tmp_path, "exit 1")), *system.submit(request_of(tmp_path, "exit 2", count=2))]
        site.until(lambda: not site.jobs(), "all end")
        assert system.look(jobs[:1])[jobs[0]].exit_code == 1
        site.configure(MinJobAge="2")
        site.until(lambda: not any(map(site.state, jobs)), "all are forgotten")
        now = 300.0  # so long it usually remembers them
        sights = system.look(jobs)
        assert sights[jobs[0]].exit_code == 1
        assert [sights[job].phase for job in jobs[1:]] == [Phase.UNKNOWN] * 2


def test_a_job_that_may_have_run_while_this_process_stood_still(
    slurm: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was seen waiting when that was asked, not when the answer had been read; so it need not have been removed."""
    seconds = itertools.count(0.0, 80.0)
    system = of(slurm, monkeypatch, clock=lambda: next(seconds))
    jobs = system.submit(request_of(tmp_path, "exit 0", count=2, options={"hold": True}))
    assert {sight.phase for sight in system.look(jobs).values()} == {Phase.WAITING}
    slurm.run("scancel", jobs[0])
    slurm.until(lambda: not slurm.state(jobs[0]), "of one that waits nothing is known any more")
    assert [system.look(jobs)[job].phase for job in jobs] == [Phase.UNKNOWN, Phase.WAITING]
    system.cancel(jobs)


# Submissions that are in doubt ----------------------------------------------------------------------------------------

LOST_WORD = (
    'REAL >/dev/null; echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv" >&2; exit 1'
)
NO_WORD = 'REAL >/dev/null; echo "sbatch: error: sleeping" >&2; touch FOLDER/waits; sleep 300 & wait'
NEVER_SENT = 'echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1'


def patient_until(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have sbatch take as long as it wants until there is a file; then its time is over."""

    class Process(subprocess.Popen[str]):
        def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[str, str]:
            if self.args[0] != "sbatch":  # type: ignore[index]
                return super().communicate(input, timeout)
            while not path.exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return super().communicate(input, 0.05)
            return super().communicate(input, 0.05)

    monkeypatch.setattr(subprocess, "Popen", Process)


@pytest.mark.parametrize("script", [LOST_WORD, NO_WORD], ids=["a lost word", "no word"])
def test_a_job_that_was_accepted_without_a_word_is_found(
    slurm: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    system = of(slurm, monkeypatch)
    patient_until(tmp_path / "waits", monkeypatch)
    Before("sbatch", tmp_path, monkeypatch, script.replace("FOLDER", str(tmp_path)))
    jobs = system.submit(request_of(tmp_path, "exit $SLURM_ARRAY_TASK_ID", count=3))
    assert [sight.exit_code for _, sight in sorted(wait_for(system, jobs).items())] == [1, 2, 3]


def test_a_job_that_was_never_sent_is_not_found(system: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        Before("sbatch", tmp_path, broken, NEVER_SENT)
        with pytest.raises(BackendError, match=r"does not answer sbatch: .*Socket timed out"):
            system.submit(request_of(tmp_path, "exit 0"))
    (job,) = system.submit(request_of(tmp_path, "exit 4"))
    assert wait_for(system, [job])[job].exit_code == 4


def test_a_job_that_arrives_late_is_removed(
    system: Slurm, slurm: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(tmp_path, "sleep 300")
    with monkeypatch.context() as broken:
        Before("sbatch", tmp_path, broken, NEVER_SENT)
        with pytest.raises(BackendError, match="Socket timed out"):
            system.submit(request)
    late = slurm.run("sbatch", "--parsable", "--output=/dev/null", request.script).strip()
    system.submit(request_of(tmp_path, "exit 0"))
    slurm.until(lambda: slurm.state(late) == "CANCELLED", "what nobody wants is removed")


def test_a_job_that_is_found_too_late_is_removed(
    system: Slurm, slurm: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(slurm.jobs())
    with monkeypatch.context() as broken:
        Before("sbatch", tmp_path, broken, LOST_WORD)
        Before(
            "squeue",
            tmp_path,
            broken,
            'echo "slurm_load_jobs error: Zero Bytes were transmitted or received" >&2; exit 1',
        )
        with pytest.raises(BackendError, match="Zero Bytes"):
            system.submit(request_of(tmp_path, "sleep 300"))
    (lost,) = set(slurm.jobs()) - before
    (job,) = system.submit(request_of(tmp_path, "exit 0"))
    slurm.until(lambda: slurm.state(lost) == "CANCELLED", "what nobody wants is removed")
    assert wait_for(system, [job])[job].exit_code == 0


def test_a_slurm_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with support.started(tmp_path / "s", nodes=1, settings={"MaxJobCount": "2"}) as site:
        system = of(site, monkeypatch)
        system.submit(request_of(tmp_path, "exit 0", options={"hold": True}))
        said, waits = tmp_path / "said", tmp_path / "waits"
        begin = f"REAL 2>{said} & until grep -q temporarily {said}; do sleep 0.05; done"
        Before("sbatch", tmp_path, monkeypatch, f"{begin}; cat {said} >&2; touch {waits}; wait")
        patient_until(waits, monkeypatch)
        with pytest.raises(BackendError, match="temporarily unable to accept job"):
            system.submit(request_of(tmp_path, "exit 0"))


# The end of the first -------------------------------------------------------------------------------------------------


def test_a_job_that_runs_too_long(limited: Limited) -> None:
    sight = wait_for(limited.system, [limited.job])[limited.job]
    assert (sight.cause, sight.reason) == (Cause.TIME_LIMIT, "TIMEOUT: TimeLimit")


def test_a_client_is_told_that_its_job_ran_too_long(limited: Limited) -> None:
    told, _ = limited.client.communicate(timeout=PATIENCE_S)
    assert told.startswith("CommandTimedOut ")
    assert "ran longer than 60 s" in told
