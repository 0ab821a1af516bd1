"""Grid Engine through its commands, on a real one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.batch.programs import Runner

# In CI the first of them waits for the packages to be installed.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def runner(grid_engine, tmp_path_factory) -> Runner:
    return Runner("sge", grid_engine, tmp_path_factory)


@pytest.fixture(scope="module")
def told(runner) -> dict[str, dict[str, Any]]:
    return runner.run_all("endings", "arrays", "asking")


@pytest.fixture(scope="module")
def endings(told) -> dict[str, Any]:
    return told["endings"]


@pytest.fixture(scope="module")
def arrays(told) -> dict[str, Any]:
    return told["arrays"]


@pytest.fixture(scope="module")
def asking(told) -> dict[str, Any]:
    return told["asking"]


@pytest.mark.parametrize(
    ("name", "cause", "exit_code", "signal"),
    [
        ("fine", "exit", 0, ""),
        ("fails", "exit", 3, ""),
        ("killed", "signal", None, "SIGKILL"),
        ("late", "time limit", None, "SIGKILL"),
        ("greedy", "memory", None, "SIGKILL"),
        ("taken", "cancelled", None, ""),
        ("held", "cancelled", None, ""),
        ("ours", "cancelled", None, ""),
        ("nowhere", "host", None, ""),
    ],
)
def test_a_job_ends_for_a_reason(endings, name, cause, exit_code, signal):
    sight = endings["sights"][name]
    assert (sight["phase"], sight["cause"], sight["exit_code"], sight["signal"]) == ("ended", cause, exit_code, signal)


def test_the_scheduler_s_own_words_are_kept(endings):
    sights = endings["sights"]
    assert "failed 37: qmaster enforced h_rt" in sights["late"]["reason"]
    assert sights["late"]["reason"].endswith(" of 3 s")
    assert sights["greedy"]["reason"].endswith(" of 400 MB")
    assert "can't chdir to /nowhere: No such file or directory" in sights["nowhere"]["reason"]
    assert sights["fails"]["host"] == "localhost"


def test_a_job_that_is_held_waits(endings):
    assert (endings["waiting"]["phase"], endings["waiting"]["reason"]) == ("waiting", "held")


def test_nothing_stays_behind_not_even_jobs_in_the_error_state(endings):
    assert endings["left"] == []


def test_jobs_that_nobody_has_heard_of_are_unknown(endings):
    assert {sight["phase"] for sight in endings["unheard_of"].values()} == {"unknown"}


def test_what_the_script_says_is_in_the_log(endings):
    assert endings["log"] == "said\n"


def test_an_array_has_numbers_in_the_order_of_its_runs(arrays):
    assert len(set(arrays["numbers"])) == 50
    assert arrays["by_variables"] == arrays["numbers"]


def test_the_runs_of_an_array_end_each_for_itself(arrays):
    codes = [(sight["phase"], sight["exit_code"]) for sight in arrays["fifty"]]
    assert codes == [("ended", 7 if index == 7 else 0) for index in range(1, 51)]


def test_one_run_of_an_array_can_be_removed_and_then_all(arrays):
    assert arrays["without"]["cause"] == "cancelled"
    assert [sight["phase"] for sight in arrays["others"]] == ["running"] * 3
    assert [sight["cause"] for sight in arrays["all"]] == ["cancelled"] * 4
    assert arrays["left"] == []


def test_cores_memory_and_words_are_asked_for(asking, runner):
    folder, slots, kilobytes, variable, name = asking["plain"]
    assert folder == str(runner.folder("asking"))
    assert slots == "slots=2"
    assert kilobytes == str(200 * 1024)
    assert variable == "a, 'b' \"c\" $d"
    assert name == "job=j1_plain__name"


def test_directories_and_logs_may_have_any_names(asking):
    for index, lines in enumerate(asking["odd"], 1):
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
def test_what_the_site_does_not_take_is_told_in_its_words(asking, what, words):
    assert asking[what].startswith("JobRejected: ")
    assert asking[what].endswith(words)


def test_the_longest_array_is_asked_for(asking):
    assert asking["array_max"] == 75_000


def test_jobs_are_found_again_when_the_master_and_when_the_program_was_away(own_grid_engine, tmp_path_factory):
    told = Runner("sge", own_grid_engine, tmp_path_factory).run("away")
    assert [error.partition(":")[0] for error in told["errors"]] == ["BackendError"] * 3
    assert "unable to send message to qmaster" in told["errors"][1]
    assert told["found"]["phase"] == "running"
    assert told["once_more"]["phase"] == "running"


def test_two_hundred_jobs_are_asked_for_at_once(runner):
    told = runner.run("gentle")
    assert told["looking"] == [["qstat"]] * 3
    assert told["waiting"] == 200
    assert told["gone"] == ["qstat", "qacct"]
    for again in (told["at_once"], told["ended"]):  # the accounting is read again after some time only
        assert again in (["qstat"], ["qstat", "qacct"])
    assert told["cancelling"] == ["qdel"]
    assert told["later"] == []
    assert told["causes"] == ["cancelled"]
