"""Slips of those who write recipes and configurations: told in words, with the place, not by a traceback of ours."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gangline.errors import UsageError
from gangline.recipes import BaseRecipe, ComputeJob, ListField
from tests.acceptance.recipes.conftest import Kept, Recipe
from tests.acceptance.recipes.programs import Site

RECIPE = "recipes/master/find.py"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.recipe("find")
    return site


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("%(nothing)s", "contains an interpolation key 'nothing' which is not a valid option name"),
        ("50%", "'%' must be"),
    ],
)
def test_a_value_of_the_configuration_that_refers_to_nothing(site: Site, value: str, told: str) -> None:
    site.write("recipes/master/pipeline.cfg", f"[DEFAULT]\nroot = %(nowhere)s/data\n[find]\njobs = {value}\n")
    done = site.run(RECIPE, "--lvel", "3")
    assert done.returncode == 2
    assert "pipeline.cfg, [find] jobs: " in done.stderr
    assert told in done.stderr
    assert "there is no option --lvel; did you mean '--level'?" in done.stderr  # and what is wrong besides
    assert "Traceback" not in done.stderr


def test_what_only_the_definitions_of_tasks_refer_to_is_no_slip(site: Site) -> None:
    site.pipeline("self.run_task('find_all')")
    site.write("tasks.cfg", "[find_all]\nrecipe = find\nmask = %(lroot)s/mask\n")
    folders = "recipe_directories = [recipes/master]\n"
    site.write("pipeline.cfg", f"[DEFAULT]\nlroot = {site.folder}\ntask_flies = other.cfg\n{folders}")
    site.write("mask", "")
    done = site.run("night.py")
    assert done.returncode == 0
    assert "section [DEFAULT] has no option 'task_flies'; did you mean 'task_files'?" in done.stderr
    assert "lroot" not in done.stderr


def test_a_configuration_that_is_a_folder(site: Site) -> None:
    done = site.run(RECIPE, "--config", "recipes")
    assert done.returncode == 2
    assert "the configuration recipes cannot be read: it is a folder" in done.stderr


def test_a_recipe_that_ends_the_program_when_it_is_imported(site: Site) -> None:
    site.pipeline("self.run_task('hasty')")
    site.write("tasks.cfg", "[hasty]\nrecipe = hasty\n")
    site.write("recipes/master/hasty.py", "import sys\nsys.exit(0)\n")
    done = site.run("night.py")
    assert done.returncode == 2
    assert "hasty.py cannot be imported: it calls sys.exit when it is imported" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"command": None}, "a command is a text or a list of words, not None"),
        ({"command": b"true"}, "a command is a text or a list of words, not b'true'"),
        ({"env": "A=1"}, "env must be a dictionary of environment variables, not 'A=1'"),
        ({"input": 5}, "the input of 'true' must be a text or bytes, not 5"),
        ({"time_limit_s": "1 h"}, "time_limit_s must be a number of seconds, not '1 h'"),
    ],
)
def test_a_job_of_what_makes_no_job(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        ComputeJob("localhost", **{"command": "true", **given})
    assert str(caught.value) == told


def test_a_log_handler_that_schedules_jobs_is_told_what_is_wrong(recipe: Recipe, kept: Kept) -> None:
    told = []

    class Eager(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "ready":
                try:
                    recipe._schedule_jobs([ComputeJob("localhost", "true")])
                except UsageError as error:
                    told.append(str(error))

    handler = Eager()
    logging.getLogger("node").addHandler(handler)
    try:
        result = recipe._schedule_jobs([ComputeJob("localhost", "echo ready")])
    finally:
        logging.getLogger("node").removeHandler(handler)
    assert result.ok
    assert [text.partition(":")[0] for text in told] == [
        "jobs cannot be scheduled by a logging handler or filter while it is given what a job has said"
    ]
    assert recipe._schedule_jobs([ComputeJob("localhost", "true")]).ok


def test_a_schedule_of_what_is_no_list_of_jobs(recipe: Recipe) -> None:
    job = ComputeJob("localhost", "true")
    for jobs in (job, None, 5):
        with pytest.raises(UsageError, match="_schedule_jobs takes a list of ComputeJobs, not "):
            recipe._schedule_jobs(jobs)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="tolerate must be 'none', 'some', a number"):
        recipe._schedule_jobs([job], tolerate=None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="env must be a dictionary of environment variables, not 'A=1'"):
        recipe._schedule_jobs([job], env="A=1")  # type: ignore[arg-type]
    assert job.outcome is None


def test_a_long_command_is_told_by_its_beginning_and_its_end(recipe: Recipe, kept: Kept) -> None:
    job = ComputeJob("localhost", [sys.executable, "-c", "raise SystemExit(3)", *["x" * 1000] * 100, "the end"])
    recipe._schedule_jobs([job])
    told = next(record.getMessage() for record in kept.records if "exit code 3" in record.getMessage())
    assert len(told) < 1200
    assert "raise SystemExit(3)" in told
    assert "xxx 'the end': ended with exit code 3" in told


def test_a_recipe_started_in_a_folder_that_was_removed(site: Site) -> None:
    program = site.folder / RECIPE
    gone = site.folder / "gone"
    gone.mkdir()
    start = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.executable, [sys.executable, sys.argv[1]])"
    done = subprocess.run([sys.executable, "-c", start, str(program)], cwd=gone, capture_output=True, text=True)
    assert done.returncode == 2
    assert "the current folder cannot be used (No such file or directory)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_generator_is_as_good_as_a_list() -> None:
    class count(BaseRecipe):
        inputs: ClassVar = {"levels": ListField(of=int)}

    recipe = count(levels=(level for level in (1, 2)), args=iter(["a", "b"]))
    assert recipe.inputs["levels"] == [1, 2]
    assert recipe.inputs["args"] == ["a", "b"]


def test_a_list_whose_bracket_is_not_closed(site: Site) -> None:
    done = site.run(RECIPE, "--recipe-directory", "[a, b")
    assert done.returncode == 2
    assert (
        "input 'recipe_directories' is '[a, b' (from the command line, --recipe-directory), but must be " in done.stderr
    )
    assert ": its bracket is not closed" in done.stderr


@pytest.mark.parametrize(
    ("logic", "told"),
    [
        ("import json\njson.loads('{')", r"recipe night failed: JSONDecodeError: .* \(.*/night\.py, line 8\)"),
        (
            "from gangline.recipes import PipelineRecipeFailed\nraise PipelineRecipeFailed('no more nights')",
            r"recipe night failed: PipelineRecipeFailed: no more nights \(.*/night\.py, line 8\)",
        ),
    ],
)
def test_what_a_program_raises_is_told_with_the_place_where_the_program_stands(
    site: Site, logic: str, told: str
) -> None:
    site.pipeline(logic)
    done = site.run()
    assert done.returncode == 1
    assert re.search(told, done.stderr)


def test_the_case_of_a_host_does_not_matter(recipe: Recipe) -> None:
    job = ComputeJob("LocalHost", "true")
    assert recipe._schedule_jobs([job]).ok


def test_the_last_attempt_is_told_as_such(recipe: Recipe, kept: Kept) -> None:
    recipe._schedule_jobs([ComputeJob("localhost", "false")], retries=2)
    assert "localhost: false (attempt 3): ended with exit code 1" in [each.getMessage() for each in kept.records]


def test_a_file_that_a_tolerated_failure_lacked_is_noticed_when_it_is_there(site: Site) -> None:
    site.write(
        "recipes/master/show.py",
        "from gangline.recipes import BaseRecipe, ComputeJob, RemoteCommandRecipeMixIn\n"
        "class show(BaseRecipe, RemoteCommandRecipeMixIn):\n"
        "    def go(self):\n"
        "        super().go()\n"
        "        words = ['sh', '-c', 'cat $0 >>ran']\n"
        "        self._schedule_jobs([ComputeJob('localhost', words, [each]) for each in self.inputs['args']],\n"
        "                            tolerate='some')\n",
    )
    site.pipeline("self.run_task('show', ['early', 'late'])")
    site.write("early", "early\n")
    assert site.run().returncode == 0
    assert "task show is done: skipped" in site.run().stderr
    site.write("late", "late\n")
    again = site.run().stderr
    assert "task show runs again: " in again
    assert "late is there now" in again
    assert "1 job had been done before" in again
    assert site.ran() == ["early", "late"]
    assert "task show is done: skipped" in site.run().stderr
