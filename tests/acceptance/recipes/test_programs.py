"""Recipes and pipelines as programs: what they print, how they end, what the record has of them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.recipes.programs import Site

RECIPE = "recipes/master/find.py"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.recipe("find")
    return site


def test_the_seed_s_recipe(site: Site) -> None:
    site.write(
        "master/parallel_example.py",
        """
import sys
from gangline.recipes.baserecipe import BaseRecipe
from gangline.recipes.remotecommand import RemoteCommandRecipeMixIn
from gangline.recipes.remotecommand import ComputeJob

hostname = "localhost"

class parallel_example(BaseRecipe, RemoteCommandRecipeMixIn):
    def go(self):
        super(parallel_example, self).go()
        node_command = "python %s" % (self.__file__.replace("master", "nodes"))
        job = ComputeJob(hostname, node_command, arguments=["a b", "*"])
        self._schedule_jobs([job])
        if self.error.isSet():
            return 1
        else:
            return 0

if __name__ == "__main__":
    sys.exit(parallel_example().main())
""",
    )
    node = site.write(
        "nodes/parallel_example.py",
        """
import sys
from gangline.recipes.lofarnode import LOFARnode

class parallel_example(LOFARnode):
    def run(self, *args):
        for arg in args:
            self.logger.info("Received %s as argument" % arg)
        return 0

if __name__ == "__main__":
    sys.exit(parallel_example(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))
""",
    )
    done = site.run("-W", "error", "master/parallel_example.py", "-v")
    assert done.returncode == 0, done.stderr
    assert "node.localhost.parallel_example: Received a b as argument" in done.stderr
    assert "node.localhost.parallel_example: Received * as argument" in done.stderr
    quiet = site.run("master/parallel_example.py")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    node.write_text(node.read_text().replace("return 0", "return 3"))
    assert site.run("master/parallel_example.py").returncode == 1


def test_the_first_row_of_a_failure_has_no_traceback(site: Site) -> None:
    site.pipeline("raise ValueError('no such field')")
    done = site.run("night.py", "-v")
    assert done.returncode == 1
    assert f"recipe night failed: ValueError: no such field ({site.folder}/night.py, line 7)" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in site.run("night.py", "-d").stderr


def test_exit_codes(site: Site) -> None:
    site.pipeline("return 5")
    assert site.run().returncode == 5
    site.pipeline("sys.exit(9)")
    assert site.run().returncode == 9
    site.pipeline("pass")
    assert site.run().returncode == 0
    outcomes = [run["outcome"] for run in site.gangline("status", "--all")["runs"]]
    assert outcomes == ["ok", "failed", "failed"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupts(site: Site, number: signal.Signals) -> None:
    site.pipeline("self.run_task('find')")
    site.write("wait", "")
    process = site.start("night.py")
    until = time.monotonic() + 60
    while not (site.folder / "ran").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"night was interrupted by {number.name}" in err
    assert "Traceback" not in err
    assert site.gangline("status")["run"]["outcome"] == "interrupted"
    (site.folder / "wait").unlink()
    again = site.run()
    assert "task find runs again: it did not come to its end in the run before" in again.stderr


def test_the_record_has_tasks_as_stages_and_jobs_as_tasks(site: Site) -> None:
    site.pipeline("self.run_task('find', jobs=3)\nself.run_task('find', level=2)")
    site.write("fail-1", "")
    assert site.run().returncode == 1
    status = site.gangline("status")
    assert status["run"]["program"] == "night.py"
    assert [(each["name"], each["jobs"], each["ok"], each["failed"]) for each in status["stages"]] == [
        ("find", 3, 2, 1)
    ]
    (task,) = site.gangline("logs")["tasks"]
    (attempt,) = task["attempts"]
    assert (task["stage"], attempt["exit_code"], attempt["host"]) == ("find", 7, "localhost")
    assert attempt["command"].endswith("nodes/find.sh 1 1.0")
    (site.folder / "fail-1").unlink()
    assert site.run("-m", "gangline", "retry").returncode == 0
    stages = site.gangline("status")["stages"]
    assert [(each["name"], each["fresh"], each["ok"]) for each in stages] == [("find", 2, 1), ("find (2)", 0, 3)]


def test_the_record_has_recipes_that_fail_without_a_job(site: Site) -> None:
    site.change(RECIPE, "        self._schedule_jobs(jobs)", "        raise OSError('disk full')")
    assert site.run(RECIPE).returncode == 1
    (task,) = site.gangline("logs")["tasks"]
    assert (task["job"], task["attempts"][0]["error_type"]) == ("recipe find", "OSError")
    assert "disk full" in task["attempts"][0]["traceback"]


@pytest.mark.parametrize("command", ["plan", "graph"])
def test_what_only_reads_a_program_runs_nothing(site: Site, command: str) -> None:
    site.pipeline("self.run_task('find')")
    done = site.run("-m", "gangline", command, "night.py")
    assert done.returncode == 2
    assert "night.py, line 10: this is a program of recipes." in done.stderr
    assert "Traceback" not in done.stderr
    assert site.ran() == []


def test_logging_as_the_configuration_says(site: Site) -> None:
    site.write(
        "pipeline.cfg",
        "[DEFAULT]\nruntime_directory = %(cwd)s/run\nrecipe_directories = [recipes/master]\n[logging]\n"
        "log_file = %(runtime_directory)s/jobs/%(job_name)s/logs/%(start_time)s.log\n"
        "format = <%(levelname)s> %(name)s: %(message)s\n",
    )
    site.pipeline("self.run_task('find', jobs=1)")
    done = site.run("night.py", "-j", "tonight", "--start-time", "now")
    assert done.returncode == 0
    log = (site.folder / "run/jobs/tonight/logs/now.log").read_text()
    assert "job 0 at 1.0" in log
    assert done.stderr == "<INFO> gangline.recipes: task find runs\n"
    assert os.path.exists(site.folder / "run/.gangline/recipes.db")
    site.change("pipeline.cfg", "%(levelname)s>", "%(levelname)y>")
    done = site.run()
    assert done.returncode == 2
    assert "[logging] format" in done.stderr


def test_a_recipe_that_is_part_of_another(site: Site) -> None:
    site.write(
        "recipes/master/outer.py",
        "from gangline.recipes import *\nclass outer(BaseRecipe):\n    outputs = {'made': StringField()}\n"
        "    def go(self):\n        super().go()\n"
        "        self.outputs['made'] = self.run_task('find', jobs=1)['made']\n",
    )
    site.pipeline("print(self.run_task('outer')['made'])")
    assert site.run().stdout == "made/find\n"
    assert len(site.ran()) == 1
    assert site.run().stdout == "made/find\n"
    assert site.ran() == []
    site.change("recipes/nodes/find.sh", "exit 7", "exit 8")
    assert site.run().stdout == "made/find\n"
    assert len(site.ran()) == 1
