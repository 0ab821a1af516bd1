"""R21: invalid and missing inputs are told together, before anything starts; exit code 2, no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.recipes.programs import Site

RECIPE = "recipes/master/find.py"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.recipe("find")
    site.write("tasks.cfg", "[find_all]\nrecipe = find\nlevel = 3\n")
    return site


def test_a_recipe_told_all_that_is_wrong_on_its_command_line(site: Site) -> None:
    done = site.run(RECIPE, "--jbos", "3", "-l", "high", "--mask")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "there is no option --jbos; did you mean '--jobs'?" in done.stderr
    assert "input 'level' is 'high' (from the command line, --level), but must be a number" in done.stderr
    assert "--mask: expected one argument" in done.stderr
    assert "recipe find: 3 things are wrong" in done.stderr  # and none of them twice
    assert "Traceback" not in done.stderr
    assert site.ran() == []
    assert not (site.folder / ".gangline").exists()


@pytest.mark.parametrize("place", ["command line", "configuration", "Python"])
def test_the_same_checks_wherever_values_come_from(site: Site, place: str) -> None:
    match place:
        case "command line":
            done = site.run(RECIPE, "--jobs", "x", "--mask", "nowhere")
        case "configuration":
            site.write("recipes/master/pipeline.cfg", "[find]\njobs = x\nmask = nowhere\n")
            done = site.run(RECIPE)
        case "Python":
            program = "import sys; from find import find\ntry: find(jobs='x', mask='nowhere')\n"
            site.write("recipes/master/call.py", f"{program}except ValueError as error: sys.stderr.write(str(error))\n")
            done = site.run("recipes/master/call.py")
    assert done.stderr.count("input 'jobs' is 'x' (from ") == 1
    assert "but must be a whole number" in done.stderr
    assert "input 'mask' is 'nowhere' (from " in done.stderr
    assert f"there is no such file in {site.folder}" in done.stderr
    assert {"command line": "--jobs", "configuration": "[find]", "Python": "the call"}[place] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipeline_looks_at_all_its_tasks_before_the_first(site: Site) -> None:
    site.pipeline("self.run_task('find_all')\nself.run_task('find_more')\nself.run_task('find_al')")
    site.write(
        "tasks.cfg", "[find_all]\nrecipe = find\nlevel = 3\n[find_more]\nrecipe = fnid\n[unused]\nrecipe = none\n"
    )
    done = site.run()
    assert done.returncode == 2
    assert "there is no recipe 'fnid'" in done.stderr
    assert "did you mean 'find'?" in done.stderr
    assert "there is no task 'find_al'" in done.stderr
    assert "did you mean 'find_all'?" in done.stderr
    assert "unused" not in done.stderr
    assert site.ran() == []
    site.pipeline("self.run_task('find_all')\nself.run_task('find_more')")
    site.write("tasks.cfg", "[find_all]\nrecipe = find\nlevel = 3\n[find_more]\nrecipe = find\nlevle = 3\njobs = x\n")
    done = site.run()
    assert done.returncode == 2
    assert (
        f"there is no input 'levle' (from {site.folder}/tasks.cfg, [find_more]); did you mean 'level'?" in done.stderr
    )
    assert "input 'jobs' is 'x'" in done.stderr
    assert site.ran() == []


def test_what_a_task_is_given_on_the_way(site: Site) -> None:
    site.pipeline("self.run_task('find_all')\nself.run_task('find_all', level='x', masc='y')")
    done = site.run()
    assert done.returncode == 2
    assert "task find_all (recipe find): 2 things are wrong" in done.stderr
    assert "(from the call of run_task('find_all'))" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(site.ran()) == 3


def test_a_configuration_that_makes_no_sense(site: Site) -> None:
    site.pipeline("self.run_task('find_all')")
    site.write("pipeline.cfg", "[remote]\nmax_per_node = many\nkeepalive = 0\n")
    done = site.run("night.py", "--resume", "perhaps", "--resum")
    assert done.returncode == 2
    assert f"{site.folder}/pipeline.cfg, [remote] max_per_node is 'many', but must be a whole number" in done.stderr
    assert "[remote] keepalive is '0'" in done.stderr
    assert "there is no option --resum; did you mean '--resume'?" in done.stderr
    done = site.run("night.py", "-c", "none.cfg")
    assert done.returncode == 2
    assert "none.cfg cannot be read: there is no such file" in done.stderr
    assert site.ran() == []


def test_help_and_schema_come_from_the_declaration(site: Site) -> None:
    done = site.run(RECIPE, "--help")
    assert done.returncode == 0
    assert "-l LEVEL, --level LEVEL" in done.stdout
    assert "In units of the noise." in done.stdout
    done = site.run(RECIPE, "--schema", "--jobs", "x")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert schema["properties"]["jobs"] == {"type": "integer", "description": "How many jobs there are.", "default": 3}
    assert site.ran() == []
