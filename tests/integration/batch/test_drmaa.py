"""A site's scheduler through DRMAA: the library of Grid Engine, on a real one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.batch.programs import Runner

# In CI the first of them waits for the packages to be installed.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def runner(grid_engine, tmp_path_factory) -> Runner:
    return Runner("drmaa", grid_engine, tmp_path_factory)


@pytest.fixture(scope="module")
def told(runner) -> dict[str, dict[str, Any]]:
    return runner.run_all("endings", "arrays", "asking", "shared", "questions", "found")


@pytest.mark.parametrize(
    ("name", "cause", "exit_code", "signal"),
    [
        ("fine", "exit", 0, ""),
        ("fails", "exit", 3, ""),
        ("killed", "signal", None, "SIGKILL"),
        ("late", "time limit", None, "SIGKILL"),
        ("greedy", "memory", None, "SIGKILL"),
        ("taken", "cancelled", None, "SIGKILL"),
        ("held", "cancelled", None, ""),
        ("ours", "cancelled", None, "SIGKILL"),
        ("nowhere", "host", None, ""),
    ],
)
def test_a_job_ends_for_a_reason(told, name, cause, exit_code, signal):
    sight = told["endings"]["sights"][name]
    assert (sight["phase"], sight["cause"], sight["exit_code"], sight["signal"]) == ("ended", cause, exit_code, signal)


def test_limits_are_told_with_what_was_used(told):
    sights = told["endings"]["sights"]
    assert sights["late"]["reason"].endswith(" of 3 s")
    assert sights["greedy"]["reason"].endswith(" of 400 MB")


def test_a_job_that_is_held_waits_and_nothing_stays_behind(told):
    assert (told["endings"]["waiting"]["phase"], told["endings"]["waiting"]["reason"]) == ("waiting", "held")
    assert told["endings"]["left"] == []
    assert told["endings"]["log"] == "said\n"
    assert {sight["phase"] for sight in told["endings"]["unheard_of"].values()} == {"unknown"}


def test_an_array_has_numbers_in_the_order_of_its_runs_which_end_each_for_itself(told):
    arrays = told["arrays"]
    assert len(set(arrays["numbers"])) == 50
    assert arrays["by_variables"] == arrays["numbers"]
    codes = [(sight["phase"], sight["exit_code"]) for sight in arrays["fifty"]]
    assert codes == [("ended", 7 if index == 7 else 0) for index in range(1, 51)]


def test_one_run_of_an_array_can_be_removed_and_then_all(told):
    arrays = told["arrays"]
    assert arrays["without"]["cause"] == "cancelled"
    assert [sight["phase"] for sight in arrays["others"]] == ["running"] * 3
    assert [sight["cause"] for sight in arrays["all"]] == ["cancelled"] * 4
    assert arrays["left"] == []


def test_cores_memory_and_words_are_asked_for(told, runner):
    folder, slots, kilobytes, variable, name = told["asking"]["plain"]
    assert folder == str(runner.folder("asking"))
    assert (slots, kilobytes) == ("slots=2", str(200 * 1024))
    assert variable == "a, 'b' \"c\" $d"
    assert name == "job=j1_plain__name"


def test_directories_and_logs_may_have_any_names(told):
    for index, lines in enumerate(told["asking"]["odd"], 1):
        assert lines[0].endswith("/odd, dir: '$HOME' \"x\" é*")
        assert lines[-1] == f"job=odd {index}"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("queue", 'Job was rejected because job requests unknown queue "nowhere"'),
        ("cores", 'Job was rejected because job requests unknown queue "nowhere"'),
        ("account", 'job rejected: the requested project "nobody" does not exist'),
        ("environment", 'job rejected: the requested parallel environment "none_such" does not exist'),
        ("option", 'unknown resource "none_such"'),
        ("count", "you tried to submit a job with more than 75000 tasks"),
    ],
)
def test_what_the_site_does_not_take_is_told_in_its_words(told, what, words):
    assert told["asking"][what].startswith("JobRejected: ")
    assert told["asking"][what].endswith(words)


def test_of_many_jobs_not_all_are_asked_for_each_time(told):
    questions = told["questions"]
    assert questions["looks"] == [[50, ["waiting"]]] * 4
    assert questions["last"] == 50
    assert questions["adopted"] == [[200, ["waiting"]], [50, ["waiting"]]]  # at first nothing is known of them
    assert questions["causes"] == ["cancelled"]
    assert questions["silent"] == [0, ["ended"]]


def test_a_session_of_the_user_s_is_shared_and_may_be_closed(told):
    shared = told["shared"]
    assert shared["ended"]["exit_code"] == 6
    assert shared["told"] == ["", ""]
    assert shared["found"]["phase"] == "running"
    assert shared["later"]["exit_code"] == 8
    assert shared["gone"]["cause"] == "cancelled"


def test_drmaa_is_found_first_then_commands_and_else_it_is_said_what_was_looked_for(told):
    found = told["found"]
    assert (found["drmaa"], found["commands"]) == ("drmaa", "sge")
    assert found["nothing"].startswith("BackendError: no batch system was found here")
    for word in ("sbatch", "qsub", "SGE_ROOT", "DRMAA_LIBRARY_PATH"):
        assert word in found["nothing"]


def test_a_library_that_cannot_be_loaded_is_not_in_the_way(grid_engine, tmp_path):
    printed = grid_engine.python(
        "from gangline.backends.batch.detect import find_system\n"
        "from gangline.errors import BackendError\n"
        "print(find_system().name)\n"
        "try: find_system('drmaa')\n"
        "except BackendError as error: print(error)\n",
        tmp_path,
        DRMAA_LIBRARY_PATH=__file__,
    )
    name, complaint = printed.splitlines()
    assert name == "sge"
    assert complaint.startswith("the library of DRMAA cannot be loaded: ")


def test_jobs_are_found_again_when_the_master_and_when_the_program_was_away(own_grid_engine, tmp_path_factory):
    told = Runner("drmaa", own_grid_engine, tmp_path_factory).run("away")
    _, submitting, cancelling = told["errors"]  # a job that runs is not asked for again so soon
    assert submitting.startswith("BackendError: the scheduler does not answer")
    assert cancelling.startswith("BackendError: the scheduler does not answer")
    assert told["found"]["phase"] == "running"
    assert told["once_more"]["phase"] == "running"
