"""Tasks as jobs of a real Slurm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline import Client, Command, RemoteError, UsageError
from gangline.errors import BackendError
from tests.slurm import PATIENCE_S, Slurm

RESUMED = Path(__file__).with_name("resumed_program.py")


@pytest.fixture
def client(site: Slurm) -> Iterator[Client]:
    with Client(backend="batch", system="slurm") as client:
        yield client


def until(happened: object) -> None:
    assert callable(happened)
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def failure_of(result: object) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        result.get(timeout=PATIENCE_S)  # type: ignore[attr-defined]
    return caught.value


def test_commands(client: Client, tmp_path: Path) -> None:
    view = client.load_balanced_view()
    (tmp_path / "there").mkdir()
    told = view.apply(
        Command(
            "cat; pwd; echo $COLOUR; echo err >&2", input=b"in\n", env={"COLOUR": "r\"e'd"}, cwd=str(tmp_path / "there")
        )
    )
    exact = view.apply(Command(["printf", "%s|", "a b", "$HOME", "*", "é"]))
    ended = told.get(timeout=PATIENCE_S)
    assert (ended.exit_code, ended.ok, ended.stderr_tail) == (0, True, ("err",))
    assert told.stdout == f"in\n{tmp_path}/there\nr\"e'd\n"
    assert told.stderr == "err\n"
    assert told.data["job"].isdigit()
    exact.get(timeout=PATIENCE_S)
    assert exact.stdout == "a b|$HOME|*|é|"


def test_ends_that_are_told_apart(client: Client) -> None:
    view = client.load_balanced_view()
    code, sig, missing = (view.apply(Command(what)) for what in ("echo why >&2; exit 3", "kill -KILL $$", ["no-such"]))
    code137 = view.apply(Command("exit 137"))
    error = failure_of(code)
    assert (error.ename, error.exit_code, error.signal, error.stderr_tail) == ("CommandFailed", 3, "", ("why",))
    assert "ended with exit code 3" in str(error) and ": why" in str(error)  # noqa: PT018
    error = failure_of(sig)
    assert (error.ename, error.exit_code, error.signal) == ("CommandFailed", None, "SIGKILL")
    error = failure_of(code137)
    assert (error.exit_code, error.signal) == (137, "")
    error = failure_of(missing)
    assert (error.ename, error.kind) == ("CommandNotStarted", "not found")


def test_calls_of_functions(client: Client) -> None:
    view = client.load_balanced_view()
    offset = 40

    def add(number: int) -> int:
        print("adding")
        return number + offset

    def fail() -> None:
        raise KeyError("here")

    ar, failed, strange = view.apply(add, 2), view.apply(fail), view.apply(threading.Lock)
    assert ar.get(timeout=PATIENCE_S) == 42
    assert ar.stdout == "adding\n"
    assert view.map(add, range(3)).get(timeout=PATIENCE_S) == [40, 41, 42]
    assert failure_of(failed).ename == "KeyError"
    assert "cannot be pickled" in str(failure_of(strange))


def test_equal_jobs_are_an_array_and_are_watched_together(
    site: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted with the real commands: forty jobs of three kinds, few submissions, and questions for all at once."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sbatch", "squeue", "sacct", "scontrol"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} >> {tmp_path}/calls\nexec /usr/bin/{name} "$@"\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    # The first submission lasts until all are there, however slowly they come.
    (programs / "sbatch").write_text(
        f"#!/bin/sh\necho sbatch >> {tmp_path}/calls\n"
        f'until [ -e {tmp_path}/all ]; do sleep 0.05; done\nexec /usr/bin/sbatch "$@"\n'
    )
    with Client(backend="batch", system="slurm") as client:
        view = client.load_balanced_view()
        more = {"cores": 2}
        results = [view.apply(Command(f"sleep 0.5; echo {n}", resources=more if n % 4 else None)) for n in range(40)]
        until(
            lambda: sum(engine["tasks"] for engine in client.queue_status().values() if isinstance(engine, dict)) == 40
        )
        (tmp_path / "all").touch()
        client.wait(results, timeout=PATIENCE_S)
        assert [result.stdout.strip() for result in results] == [str(n) for n in range(40)]
    calls = (tmp_path / "calls").read_text().split()
    assert calls.count("sbatch") <= 6
    assert calls.count("squeue") + calls.count("sacct") + calls.count("scontrol") < 20


def test_what_a_job_asks_for_reaches_the_scheduler(site: Slurm) -> None:
    with Client(backend="batch", system="slurm", queue="other", options={"comment": "all of them"}) as client:
        view = client.load_balanced_view()
        asked = {"cores": 2, "memory": "200 MB", "wall_time": "5 min", "options": {"nice": 7}}
        ar = view.apply(Command("scontrol show job $SLURM_JOB_ID", resources=asked, name="a name/with signs"))
        ar.get(timeout=PATIENCE_S)
    words = ar.stdout.split()
    for word in ("Partition=other", "NumCPUs=2", "TimeLimit=00:05:00", "Nice=7"):
        assert word in words
    assert "Comment=all of them" in ar.stdout
    assert "MinMemoryNode=191M" in words


def test_refusals_are_verbatim(client: Client) -> None:
    view = client.load_balanced_view()
    error = failure_of(view.apply(Command("true", resources={"queue": "no-such-queue"})))
    assert error.ename == "JobRejected"
    assert "invalid partition specified: no-such-queue" in str(error)
    with pytest.raises(UsageError, match="did you mean 'wall_time'"):
        Command("true", resources={"walltime": 3})
    with pytest.raises(UsageError, match="did you mean 'memory'"):
        Client(backend="batch", system="slurm", memroy="4 GB")


def test_jobs_that_are_taken_back(site: Slurm, client: Client) -> None:
    """One that runs, and one that waits behind it."""
    view = client.load_balanced_view()
    runs = view.apply(Command("sleep 300", resources={"cores": 4}))
    waits = [view.apply(Command("sleep 300", resources={"cores": 4})) for _ in range(4)]
    until(lambda: sum(site.state(job) == "RUNNING" for job in site.jobs()) == 3)
    for result in (runs, *waits):
        client.abort(result, interrupt=True)
    for result in (runs, *waits):
        with pytest.raises(Exception, match="cancelled"):
            result.get(timeout=PATIENCE_S)
    until(lambda: not site.jobs())


def test_a_job_that_somebody_removes(site: Slurm, client: Client) -> None:
    view = client.load_balanced_view()
    ran, waited = view.apply(Command("sleep 300")), view.apply(Command("true", resources={"options": "--hold"}))
    until(lambda: len(site.jobs()) == 2 and "RUNNING" in {site.state(job) for job in site.jobs()})
    site.run("scancel", *site.jobs())
    for result in (ran, waited):
        error = failure_of(result)
        assert error.ename == "JobLost"
        assert "somebody removed the job" in str(error)


def test_a_job_that_takes_too_much_memory(client: Client) -> None:
    hungry = [sys.executable, "-c", "import time; x = b'x' * 200_000_000; time.sleep(60)"]
    error = failure_of(client.load_balanced_view().apply(Command(hungry, resources={"memory": "50 MB"})))
    assert error.ename == "CommandOutOfMemory"
    assert "more memory than it may have" in str(error)


def test_a_host_that_fails(site: Slurm, client: Client, tmp_path: Path) -> None:
    """The job is lost; one that may be tried again runs elsewhere."""
    view = client.load_balanced_view()
    lost = view.apply(Command("sleep 300"))
    with view.temp_flags(retries=2):
        again = view.apply(Command(f"[ -e {tmp_path}/once ] || {{ touch {tmp_path}/once; sleep 300; }}; echo there"))
    until(lambda: (tmp_path / "once").exists() and {site.state(job) for job in site.jobs()} == {"RUNNING"})
    nodes = set(site.run("squeue", "--noheader", "--format=%N").split())
    for node in nodes:
        site.set_node(node, "down")
    try:
        error = failure_of(lost)
        assert error.ename == "JobLost"
        assert "host" in str(error)
    finally:
        for node in nodes:
            site.ask("scontrol", "update", f"NodeName={node}", "State=resume")  # unless it is back by itself
    again.get(timeout=PATIENCE_S)
    assert again.stdout == "there\n"


def test_a_scheduler_that_is_away_for_a_while(
    site: Slurm, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What runs is heard of; what is submitted meanwhile runs when it is back."""
    view = client.load_balanced_view()
    runs = view.apply(Command("until [ -e go ]; do sleep 0.05; done; echo ran"))
    until(lambda: "RUNNING" in {site.state(job) for job in site.jobs()})
    site.stop_controller()
    monkeypatch.setenv("SLURM_CONF", site.impatient()["SLURM_CONF"])
    try:
        Path("go").touch()
        runs.get(timeout=PATIENCE_S)
        waits = view.apply(Command("echo waited"))
        until(lambda: "the scheduler takes no jobs; it is tried again" in caplog.text)
        assert not waits.ready()
    finally:
        site.start_controller()
    waits.get(timeout=PATIENCE_S)
    assert (runs.stdout, waits.stdout) == ("ran\n", "waited\n")


def test_the_end_leaves_nothing(site: Slurm, tmp_path: Path) -> None:
    with Client(backend="batch", system="slurm") as client:
        view = client.load_balanced_view()
        for _ in range(20):
            view.apply(Command("sleep 300", resources={"cores": 2}))
        until(lambda: len(site.jobs()) == 20)
    until(lambda: not site.jobs())
    assert list((tmp_path / ".gangline" / "batch").iterdir()) == []


def test_a_folder_that_cannot_be_used(site: Slurm, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackendError, match=r"file.*cannot be used.*folder="):
        Client(backend="batch", system="slurm", folder=tmp_path / "file")


class TestAProgramThatDies:
    """Its jobs go on; started again, it finds them."""

    def start(self, lines: Path, go: Path) -> subprocess.Popen[str]:
        argv = [sys.executable, str(RESUMED), str(lines), str(go)]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @pytest.mark.parametrize("moment", ["while they run", "when they have ended", "before they were submitted"])
    def test_no_job_runs_twice(self, site: Slurm, tmp_path: Path, moment: str) -> None:
        lines = tmp_path / "lines"
        lines.mkdir()
        go = tmp_path / "go"
        program = self.start(lines, go)
        assert program.stdout is not None
        assert program.stdout.readline() == "submitted\n"
        if moment != "before they were submitted":
            until(lambda: len(list(lines.iterdir())) == 3)
        if moment == "when they have ended":
            os.kill(program.pid, signal.SIGSTOP)  # so that it does not notice
            go.touch()
            until(lambda: not site.jobs())
        program.kill()
        program.communicate()
        left = list((tmp_path / ".gangline" / "batch").iterdir())
        assert len(left) == 1
        go.touch()
        again = self.start(lines, go)
        out, err = again.communicate(timeout=PATIENCE_S)
        assert out == "submitted\n0 1 2\n", err
        runs = {path.name: path.read_text() for path in lines.iterdir()}
        assert runs == {str(number): "run\n" for number in range(3)}
        assert list((tmp_path / ".gangline" / "batch").iterdir()) == []

    def test_what_failed_is_run_again(self, site: Slurm, tmp_path: Path) -> None:
        """The reason may have gone; it was not heard of."""
        script = "touch begun; until [ -e go ]; do sleep 0.05; done; [ -e mended ] && echo fine"
        code = (
            "import sys, time; from gangline import *; c = Client(backend='batch');"
            "c.load_balanced_view().apply(Command(sys.argv[1])); print('on', flush=True); time.sleep(999)"
        )
        program = subprocess.Popen([sys.executable, "-c", code, script], stdout=subprocess.PIPE)
        with program:
            assert program.stdout is not None
            program.stdout.readline()
            until((tmp_path / "begun").exists)
            os.kill(program.pid, signal.SIGSTOP)
            (tmp_path / "go").touch()
            until(lambda: not site.jobs())
            program.kill()
        (tmp_path / "mended").touch()
        with Client(backend="batch", system="slurm") as client:
            ar = client.load_balanced_view().apply(Command(script))
            ar.get(timeout=PATIENCE_S)
            assert ar.stdout == "fine\n"
