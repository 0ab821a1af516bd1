"""R22 to R24: a pipeline that is run again does what is left to do, and says why."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.acceptance.recipes.programs import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.recipe("find")
    site.recipe("fit")
    site.write("tasks.cfg", "[find_all]\nrecipe = find\nlevel = 3\n[fit_all]\nrecipe = fit\njobs = 2\n")
    site.pipeline("self.run_task('find_all')\nself.run_task('fit_all')")
    return site


FIND = ["find 0 3.0", "find 1 3.0", "find 2 3.0"]
FIT = ["fit 0 1.0", "fit 1 1.0"]


def done(site: Site) -> None:
    """Run it once, with success."""
    assert site.run().returncode == 0
    assert site.ran() == FIND + FIT


def test_r22_what_is_done_is_skipped(site: Site) -> None:
    done(site)
    again = site.run()
    assert again.returncode == 0
    assert site.ran() == []
    assert "task find_all is done: skipped" in again.stderr
    assert "task fit_all is done: skipped" in again.stderr
    everything = site.run("night.py", "--no-resume")
    assert everything.returncode == 0
    assert site.ran() == FIND + FIT
    site.run("night.py", "-j", "another")  # another job has done nothing yet
    assert site.ran() == FIND + FIT


def test_r22_one_failed_job_of_many_is_run_again_alone(site: Site) -> None:
    site.change("tasks.cfg", "level = 3", "level = 3\njobs = 300")
    site.write("fail-123", "")
    first = site.run()
    assert first.returncode == 1
    assert len(site.ran()) == 300
    assert "task find_all failed" in first.stderr
    assert "ended with exit code 7" in first.stderr
    assert "Traceback" not in first.stderr
    (site.folder / "fail-123").unlink()
    second = site.run()
    assert second.returncode == 0
    assert site.ran() == ["find 123 3.0", *FIT]
    assert "task find_all runs again: it failed in the run before" in second.stderr
    assert "299 jobs had been done before" in second.stderr
    stages = {stage["name"]: stage for stage in site.gangline("status")["stages"]}
    assert (stages["find_all"]["jobs"], stages["find_all"]["fresh"], stages["find_all"]["ok"]) == (300, 299, 1)
    assert site.run().returncode == 0
    assert site.ran() == []


def test_r23_changed_parameters_are_noticed(site: Site) -> None:
    done(site)
    site.change("tasks.cfg", "level = 3", "level = 4")
    again = site.run()
    assert site.ran() == ["find 0 4.0", "find 1 4.0", "find 2 4.0"]
    assert "task find_all runs again: its input 'level' was 3.0, and is 4.0" in again.stderr
    assert "task fit_all is done" in again.stderr


def test_r23_changed_pipelines_are_noticed(site: Site) -> None:
    done(site)
    site.pipeline("self.run_task('find_all')\nself.run_task('fit_all', level=9)\nself.run_task('find')")
    again = site.run()
    assert site.ran() == ["find 0 1.0", "find 1 1.0", "find 2 1.0", "fit 0 9.0", "fit 1 9.0"]
    assert "task fit_all runs again: its input 'level' was 1.0, and is 9.0" in again.stderr
    assert "task find runs\n" in again.stderr


def test_r23_changed_code_is_noticed(site: Site) -> None:
    done(site)
    site.change("recipes/master/fit.py", "return 1", "return 2")
    again = site.run()
    assert site.ran() == FIT
    assert f"task fit_all runs again: its code {site.folder}/recipes/master/fit.py has changed" in again.stderr
    site.change("recipes/nodes/find.sh", "exit 7", "exit 8")
    again = site.run()
    assert site.ran() == FIND
    assert f"task find_all runs again: {site.folder}/recipes/nodes/find.sh has changed" in again.stderr


def test_r23_changed_files_are_noticed(site: Site) -> None:
    site.write("mask", "one")
    site.write("data", "one")
    site.pipeline("self.run_task('find_all', mask='mask')\nself.run_task('fit_all', ['data', 'elsewhere'])")
    done(site)
    os.utime(site.folder / "mask", (1, 1))
    assert site.run().returncode == 0
    assert site.ran() == []  # touched, but the same
    site.write("mask", "two")
    again = site.run()
    assert site.ran() == FIND
    assert "task find_all runs again: mask has changed" in again.stderr
    site.write("data", "two")
    again = site.run()
    assert "task fit_all runs again: data has changed" in again.stderr


def test_r23_only_jobs_that_name_a_changed_file_run_again(site: Site) -> None:
    site.change(
        "recipes/master/find.py", "for number in range(self.inputs['jobs'])", "for number in self.inputs['args']"
    )
    site.pipeline("self.run_task('find_all', ['a', 'b', 'c'])")
    for name in "abc":
        site.write(name, name)
    assert site.run().returncode == 0
    assert site.ran() == ["find a 3.0", "find b 3.0", "find c 3.0"]
    site.write("b", "new")
    site.write("d", "d")
    again = site.run()
    assert "task find_all runs again: b has changed" in again.stderr
    assert site.ran() == ["find b 3.0"]
    site.change("night.py", "'c'", "'c', 'd'")
    again = site.run()
    assert "its input 'args' was ['a', 'b', 'c'], and is ['a', 'b', 'c', 'd']" in again.stderr
    assert site.ran() == ["find d 3.0"]


def test_r23_what_builds_on_a_task_runs_when_that_has_run_again(site: Site) -> None:
    site.pipeline("made = self.run_task('find_all')['made']\nself.run_task('fit_all', [made])")
    done(site)
    assert site.run().returncode == 0
    assert site.ran() == []
    site.change("tasks.cfg", "level = 3", "level = 4")
    again = site.run()
    assert site.ran() == ["find 0 4.0", "find 1 4.0", "find 2 4.0", *FIT]
    assert "task fit_all runs again: task find_all, which gave it made/find, has run again" in again.stderr


def test_files_that_tasks_change_in_place(site: Site) -> None:
    for name in ("find", "fit"):
        site.change(f"recipes/nodes/{name}.sh", "while", "echo x >>data\nwhile")
    site.write("data", "")
    site.pipeline("self.run_task('find_all', ['data'])\nself.run_task('fit_all', ['data'])")
    done(site)
    assert site.run().returncode == 0
    assert site.ran() == []
    site.write("data", "another")
    assert site.run().returncode == 0
    assert site.ran() == FIND + FIT


def test_more_data_are_a_task_more(site: Site) -> None:
    site.pipeline("for name in ['b', 'c']:\n    self.run_task('fit_all', [name])")
    assert site.run().returncode == 0
    assert site.ran() == sorted(FIT * 2)
    site.change("night.py", "['b', 'c']", "['a', 'b', 'c']")
    again = site.run()
    assert site.ran() == []
    assert again.stderr.count("is done: skipped") == 2


def test_a_run_that_is_killed_is_taken_up_again(site: Site) -> None:
    done(site)
    site.change("tasks.cfg", "level = 3", "level = 4")
    site.write("wait", "")
    process = site.start("night.py")
    until = time.monotonic() + 60
    while not (site.folder / "ran").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (site.folder / "wait").unlink()
    site.ran()
    site.change("tasks.cfg", "level = 4", "level = 3")  # as when it was done; but by now it is not
    again = site.run()
    assert again.returncode == 0
    assert "task find_all runs again: it did not come to its end in the run before" in again.stderr
    assert [line for line in site.ran() if line.endswith("3.0")] == FIND


@pytest.mark.parametrize("how", ["garbage", "entry"])
def test_r24_damage_is_recognised_and_said(site: Site, how: str) -> None:
    done(site)
    state = site.folder / ".gangline" / "recipes.db"
    if how == "garbage":
        state.write_bytes(os.urandom(len(state.read_bytes())))
    else:
        with sqlite3.connect(state) as connection:
            connection.execute("UPDATE tasks SET entry = substr(entry, 1, 40) WHERE task LIKE 'find_all%'")
            connection.execute("DELETE FROM jobs")
        connection.close()
    again = site.run()
    assert again.returncode == 0
    assert "damaged" in again.stderr
    assert "Traceback" not in again.stderr
    assert site.ran() == (FIND + FIT if how == "garbage" else FIND)
    assert any("damaged" in name for name in os.listdir(state.parent)) == (how == "garbage")
    site.run()
    assert site.ran() == []


def test_a_task_that_is_gone_on_with_after_a_failure(site: Site) -> None:
    site.pipeline(
        """
        from gangline.recipes.lofarexceptions import PipelineRecipeFailed
        try:
            self.run_task('find_all')
        except PipelineRecipeFailed as error:
            self.logger.warning("without sources: %s", error)
        self.run_task('fit_all')
        """
    )
    site.write("fail-1", "")
    first = site.run()
    assert first.returncode == 1  # the second task has a job 1, too
    (site.folder / "fail-1").unlink()
    site.ran()
    second = site.run()
    assert second.returncode == 0
    assert site.ran() == ["find 1 3.0", "fit 1 1.0"]


def test_recipes_can_be_resumed_as_well(site: Site) -> None:
    site.write("fail-1", "")
    recipe = "recipes/master/find.py"
    assert site.run(recipe).returncode == 1
    (site.folder / "fail-1").unlink()
    site.ran()
    assert site.run(recipe, "--resume").returncode == 0
    assert site.ran() == ["find 1 1.0"]
    assert site.run(recipe).returncode == 0
    assert len(site.ran()) == 3
