"""Recipes whose jobs are jobs of a real Slurm."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gangline.errors import BackendError, UsageError
from gangline.recipes import BaseRecipe, ComputeJob, RemoteCommandRecipeMixIn
from gangline.recipes.configuration import Configuration
from gangline.recipes.entry import Entry
from gangline.recipes.outcome import JobOutcome
from gangline.recipes.schedule import Schedule
from tests.acceptance.guide import play
from tests.acceptance.test_recipes_guide import told
from tests.integration.grid_engine import GridEngine
from tests.slurm import PATIENCE_S, Slurm

GUIDE = Path(__file__).parents[3] / "docs" / "recipes.md"
Script = Callable[..., str]


class Recipe(BaseRecipe, RemoteCommandRecipeMixIn):  # type: ignore[misc]
    """A recipe that only schedules jobs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the jobs of all recipes here, so that they share a session, as those of one program do."""
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture
def recipe(site: Slurm, folder: Path) -> Recipe:
    recipe = Recipe()
    recipe.config = configured(folder)
    return recipe


def configured(folder: Path, more: str = "") -> Configuration:
    folder.mkdir(exist_ok=True)
    file = folder / "pipeline.cfg"
    file.write_text(f"[remote]\nmethod = batch\nsystem = slurm\nfolder = {folder}/batch\n{textwrap.dedent(more)}")
    return Configuration(str(file))


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Write a node script whose `run` has this body; gives the command that runs it."""

    def write(body: str, name: str = "node") -> str:
        file = tmp_path / f"{name}.py"
        file.write_text(
            "import logging, os, signal, sys, time\n"
            "from gangline.recipes import LOFARnode\n\n"
            f"class {name}(LOFARnode):\n"
            "    def run(self, *args):\n"
            f"{textwrap.indent(textwrap.dedent(body), ' ' * 8)}\n\n"
            'if __name__ == "__main__":\n'
            f"    sys.exit({name}(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))\n"
        )
        return f"python {file}"

    return write


def outcome(job: ComputeJob) -> JobOutcome:
    assert job.outcome is not None
    return job.outcome


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_node_scripts_log_and_hand_back(recipe: Recipe, script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """Records arrive under the name of the host on which the scheduler has run the job, and before its end."""
    command = script(
        """
        self.logger.info("hello from %s", args[0])
        logging.getLogger("tool").warning("of a library")
        print("printed")
        print("complaint", file=sys.stderr)
        for number in range(2000):
            self.logger.debug("line %d", number)
        self.outputs["sum"] = sum(map(int, args[1:]))
        self.outputs["host"] = self.host
        self.outputs["cpus"] = os.environ["SLURM_CPUS_PER_TASK"]
        return 0
        """,
        "measure",
    )
    recipe.logger.setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    recipe.config = configured(Path(recipe.config.file).parent, "cores = 2\nqueue = other\nwall_time = 5 min\n")
    jobs = [ComputeJob("wherever", command, arguments=["é *", number, 40]) for number in range(3)]
    result = recipe._schedule_jobs(jobs)
    assert result.ok, [outcome(job).message for job in jobs]
    here = socket.gethostname()
    for number, job in enumerate(jobs):
        assert job.results["sum"] == 40 + number
        assert (job.results["host"], job.results["cpus"]) == (here, "2")
        assert outcome(job).host == here
        assert outcome(job).job_id.replace("_", "").isdigit()
        assert 0 < job.results["job_duration"] < 60
        said = [record for record in caplog.records if record.__dict__.get("job") == number]
        by_name = {record.name for record in said}
        assert by_name == {f"node.{here}.measure", f"node.{here}.tool"}
        texts = [record.getMessage() for record in said]
        for text in ("hello from é *", "of a library", "printed", "complaint"):
            assert texts.count(text) == 1
        assert [text for text in texts if text.startswith("line ")] == [f"line {each}" for each in range(2000)]


def test_records_arrive_while_the_job_runs(recipe: Recipe, script: Script, tmp_path: Path) -> None:
    """It ends when its first record has been heard of; what it leaves in the background holds nothing up."""
    heard = tmp_path / "heard"

    class Answering(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "ready":
                heard.touch()

    command = script(
        """
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
        self.logger.warning("ready")
        while not os.path.exists(args[0]):
            time.sleep(0.02)
        """
    )
    handler = Answering()
    logging.getLogger("node").addHandler(handler)
    try:
        job = ComputeJob("anywhere", command, arguments=[heard])
        assert recipe._schedule_jobs([job]).ok
    finally:
        logging.getLogger("node").removeHandler(handler)


def test_ends_are_told_apart(recipe: Recipe, script: Script, site: Slurm, caplog: pytest.LogCaptureFixture) -> None:
    ways = script(
        """
        way = args[0]
        self.outputs["way"] = way
        if way == "seven": sys.exit(7)
        if way == "raises": raise ValueError("no such thing")
        if way == "kill": os.kill(os.getpid(), signal.SIGKILL)
        if way == "value": return "text"
        if way == "outputs": self.outputs["x"] = object()
        if way == "hungry": x = b"x" * 400_000_000
        if way in ("slow", "hungry", "removed"):
            self.logger.info("now %s", way)
            time.sleep(300)
        """
    )
    removed = threading.Event()

    class Removing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "now removed":
                removed.set()

    def remove() -> None:
        removed.wait(PATIENCE_S)
        site.run("scancel", "--name=removed")

    names = ["fine", "seven", "raises", "kill", "value", "outputs", "hungry"]
    jobs = [ComputeJob("anywhere", ways, arguments=[name]) for name in names]
    Path("removed.py").write_text(Path("node.py").read_text())
    jobs += [
        ComputeJob("anywhere", ways, arguments=["slow"], time_limit_s=1.5),
        ComputeJob("anywhere", "python removed.py", arguments=["removed"]),
        ComputeJob("anywhere", "no-such-program"),
        ComputeJob("anywhere", "sh -c 'cat; echo why >&2; exit 127'", input="given\n"),
    ]
    caplog.set_level(logging.INFO)
    handler = Removing()
    logging.getLogger("node").addHandler(handler)
    thread = threading.Thread(target=remove)
    thread.start()
    try:
        result = recipe._schedule_jobs(jobs, tolerate=10)
    finally:
        logging.getLogger("node").removeHandler(handler)
        thread.join()
    assert result.ok
    assert not recipe.error.is_set()
    assert [outcome(job).kind for job in jobs] == [
        "succeeded", "exit", "raised", "signal", "bad_value", "bad_outputs", "out_of_memory",
        "timed_out", "lost", "not_started", "exit",
    ]  # fmt: skip
    codes = [job.results["returncode"] for job in jobs]
    assert codes[:6] == [0, 7, 1, "SIGKILL", 1, 1]
    assert codes[7:] == [124, 255, 127, 127]
    assert jobs[0].results["way"] == "fine"
    assert jobs[1].results["way"] == "seven"
    messages = [outcome(job).message for job in jobs]
    assert "no such thing" in messages[2]
    assert "more memory than it may have" in messages[6]
    assert messages[7] == "was ended: it took longer than 1.5 s"
    assert "somebody removed the job" in messages[8]
    assert messages[10].endswith("exit code 127; the last lines of its stderr:\n    why")
    assert "given" in caplog.messages
    assert any(f"(job {outcome(jobs[1]).job_id}): " in message for message in caplog.messages)
    site.until(lambda: not site.jobs(), "no job is left")


def test_what_is_refused_is_told_in_the_words_of_the_site(
    recipe: Recipe, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe.config = configured(folder, "queue = nowhere\n")
    job = ComputeJob("anywhere", "true")
    assert not recipe._schedule_jobs([job]).ok
    assert outcome(job).kind == "not_started"
    assert "invalid partition specified: nowhere" in outcome(job).message
    with pytest.raises(UsageError, match="scheduler starts each when there is room: leave out gang"):
        recipe._schedule_jobs([ComputeJob("anywhere", "true")], gang=True)
    recipe.config = configured(folder / "other")
    with monkeypatch.context() as changed:
        changed.setenv("PATH", "/nowhere")
        with pytest.raises(BackendError, match="sbatch"):
            recipe._schedule_jobs([job])


def test_hosts_that_jobs_name_where_that_has_a_meaning(recipe: Recipe, folder: Path) -> None:
    """The first of two alternatives is none that the site knows."""
    recipe.config = configured(folder, "host_options = --nodelist={host}\n")
    command = ["sh", "-c", "echo on $SLURM_JOB_NODELIST"]
    jobs = [ComputeJob("n3", command), ComputeJob(["n9", "n2"], command)]
    said: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handler, logger = Keeping(), logging.getLogger("node")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        assert recipe._schedule_jobs(jobs).ok
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert sorted(said) == ["on n2", "on n3"]
    assert outcome(jobs[1]).attempts == 2


def test_policies(recipe: Recipe, script: Script, site: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another try for one that fails once and one that takes too long once; then the first failure ends the others."""
    again = script(
        """
        self.outputs["second"] = os.path.exists(args[0])
        open(args[0], "w").close()
        return 0 if self.outputs["second"] else 1
        """
    )
    once = ["sh", "-c", '[ -e "$0" ] || { touch "$0"; sleep 300; }', str(tmp_path / "slow")]
    jobs = [
        ComputeJob("anywhere", again, arguments=[tmp_path / "fails"]),
        ComputeJob("anywhere", once, time_limit_s=2),
    ]
    tried_again = Schedule._tried_again

    def with_more_time(schedule: Schedule, entry: Entry) -> bool:
        entry.job.time_limit_s = 300
        return tried_again(schedule, entry)

    monkeypatch.setattr(Schedule, "_tried_again", with_more_time)
    assert recipe._schedule_jobs(jobs, retries=1).ok
    assert [outcome(job).attempts for job in jobs] == [2, 2]
    assert jobs[0].results["second"] is True
    jobs = [ComputeJob("anywhere", ["sh", "-c", what]) for what in ("sleep 300", "exit 3", "sleep 300", "sleep 300")]
    result = recipe._schedule_jobs(jobs, max_per_node=3, fail_fast=True)
    assert [outcome(job).kind for job in jobs] == ["cancelled", "exit", "cancelled", "cancelled"]
    assert outcome(jobs[3]).attempts == 1
    assert "ended with exit code 3" in result.message
    site.until(lambda: not site.jobs(), "no job is left")


def test_max_per_node_is_how_many_the_scheduler_has_at_once(recipe: Recipe, tmp_path: Path) -> None:
    log = tmp_path / "log"
    step = ["sh", "-c", 'echo "+" >> "$0"; sleep 0.3; echo "-" >> "$0"', str(log)]
    assert recipe._schedule_jobs([ComputeJob("one", step) for _ in range(2)], max_per_node=1).ok
    assert log.read_text().split() == ["+", "-"] * 2


PROGRAM = """
import sys
from gangline.recipes import BaseRecipe, ComputeJob, RemoteCommandRecipeMixIn

class night(BaseRecipe, RemoteCommandRecipeMixIn):
    def go(self):
        super().go()
        jobs = [ComputeJob("anywhere", "sh step.sh", arguments=[number]) for number in self.inputs["args"]]
        self._schedule_jobs(jobs)
        return 1 if self.error.is_set() else 0

if __name__ == "__main__":
    sys.exit(night().main())
"""

SLOW = """
import time
from gangline.recipes.schedule import Schedule

cancel = Schedule._cancel

def cancel_slowly(*args):
    cancel(*args)
    time.sleep(0.1)

Schedule._cancel = cancel_slowly
"""

STEP = """
echo "run" >> ran-$1
echo "this is $1"
while [ -e wait ]; do sleep 0.05; done
if [ -e fail-$1 ]; then exit 7; fi
"""


class TestAProgram:
    """A recipe as a program, with a configuration beside it."""

    @pytest.fixture(autouse=True)
    def written(self, site: Slurm, tmp_path: Path) -> None:
        (tmp_path / "night.py").write_text(PROGRAM)
        (tmp_path / "step.sh").write_text(STEP)
        (tmp_path / "pipeline.cfg").write_text("[remote]\nmethod = batch\n")

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def runs(self, folder: Path) -> list[str]:
        return [path.read_text() for path in sorted(folder.glob("ran-*"))]

    def test_what_is_done_is_not_done_again_and_is_on_record(self, tmp_path: Path) -> None:
        (tmp_path / "fail-2").touch()
        with self.start("night.py", "1", "2", "3", "--resume") as first:
            _, err = first.communicate(timeout=PATIENCE_S)
        assert first.returncode == 1
        assert "ended with exit code 7" in err
        (tmp_path / "fail-2").unlink()
        with self.start("night.py", "1", "2", "3", "--resume") as second:
            assert second.wait(PATIENCE_S) == 0
        assert self.runs(tmp_path) == ["run\n", "run\nrun\n", "run\n"]
        with self.start("-m", "gangline", "status", "--output", "json") as status:
            out, _ = status.communicate(timeout=PATIENCE_S)
        told = json.loads(out)
        assert '"batch"' in out
        with self.start("-m", "gangline", "logs", "--all") as logs:
            out, _ = logs.communicate(timeout=PATIENCE_S)
        assert "this is 2" in out
        assert told
        assert list((tmp_path / ".gangline" / "batch").iterdir()) == []

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
    def test_an_interrupt_removes_all_jobs(self, site: Slurm, tmp_path: Path, how: signal.Signals) -> None:
        """However slowly: none begins in the place of one that was ended."""
        (tmp_path / "night.py").write_text(SLOW + PROGRAM)
        (tmp_path / "wait").touch()
        with self.start("night.py", *map(str, range(15))) as program:
            site.until(lambda: len(self.runs(tmp_path)) == 12, "as many run as there is room for")
            program.send_signal(how)
            _, err = program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 128 + how, err
        site.until(lambda: not site.jobs(), "no job is left")
        assert len(self.runs(tmp_path)) == 12
        assert list((tmp_path / ".gangline" / "batch").iterdir()) == []

    def test_one_that_died_finds_its_jobs(self, site: Slurm, tmp_path: Path) -> None:
        (tmp_path / "wait").touch()
        with self.start("night.py", "1", "2") as program:
            site.until(lambda: len(self.runs(tmp_path)) == 2, "both run")
            os.kill(program.pid, signal.SIGKILL)
        with self.start("night.py", "--verbose", "1", "2") as again:
            assert again.stderr is not None
            for line in again.stderr:
                if "found 2 jobs" in line:
                    break
            (tmp_path / "wait").unlink()
            _, err = again.communicate(timeout=PATIENCE_S)
        assert again.returncode == 0, err
        assert self.runs(tmp_path) == ["run\n", "run\n"]
        assert "this is 2" in err


def test_the_guide_tells_the_truth(site: Slurm, tmp_path: Path) -> None:
    """Its session with a scheduler, after those of its beginning; hosts here are all the same one."""
    before, heading, after = GUIDE.read_text().partition("## On a site's scheduler")
    assert heading
    begin = before[: before.index("## Inputs")]
    section = after[: after.index("## Data maps")].replace("```shell-session", "```console")
    *_, (session, answers) = play(begin + section, tmp_path)
    ((command, answer),) = answers
    assert "--config site.cfg" in command
    assert told(re.sub(r"node\.laptop\.", "node.lab007.", answer)) == told(session.promised[0][1])


@pytest.mark.timeout(600)  # in CI the packages may have to be installed
@pytest.mark.parametrize("system", ["sge", "drmaa"])
def test_another_scheduler(grid_engine: GridEngine, tmp_path: Path, system: str) -> None:
    """Records, outputs, an exit code."""
    (tmp_path / "node.py").write_text(
        "import sys\n"
        "from gangline.recipes import LOFARnode\n\n"
        "class node(LOFARnode):\n"
        "    def run(self, way):\n"
        "        self.logger.info('begun %s', way)\n"
        "        self.outputs['way'] = way\n"
        "        return 7 if way == 'seven' else 0\n\n"
        "sys.exit(node(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))\n"
    )
    (tmp_path / "pipeline.cfg").write_text(f"[remote]\nmethod = batch\nsystem = {system}\noptions = -p -1\n")
    program = tmp_path / "recipe.py"
    program.write_text(
        "import json, logging, sys\n"
        "from gangline.recipes import BaseRecipe, ComputeJob, RemoteCommandRecipeMixIn\n"
        "from gangline.recipes.configuration import Configuration\n\n"
        "class night(BaseRecipe, RemoteCommandRecipeMixIn):\n"
        "    pass\n\n"
        "logging.basicConfig(stream=sys.stderr, level=logging.INFO, format='%(name)s %(message)s')\n"
        "recipe = night()\n"
        "recipe.config = Configuration('pipeline.cfg')\n"
        "jobs = [ComputeJob('any', 'python node.py', [way]) for way in ('fine', 'seven')]\n"
        "recipe._schedule_jobs(jobs)\n"
        "print(json.dumps([[job.outcome.kind, job.results['returncode'], job.results.get('way')] for job in jobs]))\n"
    )
    with grid_engine.program(program, folder=tmp_path) as running:
        out, err = running.communicate(timeout=2 * PATIENCE_S)
    assert running.returncode == 0, err
    assert json.loads(out) == [["succeeded", 0, "fine"], ["exit", 7, "seven"]], err
    for way in ("fine", "seven"):
        assert re.search(rf"^node\.\S+\.node begun {way}$", err, re.MULTILINE), err
