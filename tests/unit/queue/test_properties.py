"""Properties of jobs: what they may be, where they may be said, and which of them wins."""

import pytest

from gangline.errors import UsageError
from gangline.queue.configuration import Configuration
from gangline.queue.entering import Entrance, split
from gangline.queue.job import CoreJob, CoreLoadJob, DurableJob
from gangline.queue.properties import DEFAULTS, NAMES, Properties, as_json, check_property, effective


class Work(DurableJob):
    priority = 3
    max_parallel = 2
    wall_time = 60
    worker = "big"
    author = "ada"

    def execute(self, x=0):
        return x


class MoreWork(Work):
    priority = 4


def test_defaults_are_those_of_the_table():
    assert DurableJob.error_time == 600
    assert Properties(
        priority=0, max_parallel=None, max_parallel_total=None, attempts=1, error_time=600, defer_time=300,
        defer_max=3600, wall_time=None, zombie_time=1800, progress_interval=5, worker=(), force=False, schedule=None,
        unique=True, hidden=False,
    ) == DEFAULTS  # fmt: skip
    assert all(getattr(DurableJob, name) == getattr(DEFAULTS, name) for name in NAMES)


def test_names_of_core4():
    assert CoreJob is DurableJob
    assert CoreLoadJob is DurableJob


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("priority", "high", "a whole number from -2147483648 to 2147483647"),
        ("priority", True, "whole number"),
        ("priority", 1.5, "whole number"),
        ("priority", 2**31, "whole number"),
        ("max_parallel", 0, "None, or a whole number from 1 to 2147483647"),
        ("max_parallel_total", -1, "None, or"),
        ("attempts", 0, "from 1"),
        ("error_time", -1, "a number of seconds, 0 or more"),
        ("error_time", "10 min", "seconds"),
        ("defer_time", float("nan"), "seconds"),
        ("defer_max", float("inf"), "seconds"),
        ("wall_time", 0, "None, or a number of seconds above 0"),
        ("wall_action", "stop", "'flag' or 'kill'"),
        ("zombie_time", 1e12, "at most 3153600000"),
        ("progress_interval", None, "seconds"),
        ("worker", 5, "a worker's name, or a list of names"),
        ("worker", ["a", ""], "names"),
        ("force", 1, "True or False"),
        ("schedule", "* * *", "this has 3"),
        ("timezone", "Mars", "time zone"),
        ("missed", "some", "'one' or 'all' or 'none'"),
        ("chain", "Work", "'module.Class'"),
        ("chain", [5], "'module.Class'"),
        ("dependency", 0, "the id of a job"),
        ("dependency", 1.0, "the id of a job"),
        ("tag", "a\0b", "without NUL"),
        ("author", "\ud800", "text"),
        ("author", "x" * 1001, "at most 1000 characters"),
        ("python", 3, "a path"),
    ],
)
def test_what_a_property_may_not_be(name, value, words):
    with pytest.raises(UsageError) as caught:
        type("Wrong", (DurableJob,), {name: value})
    text = str(caught.value)
    assert text.startswith("class Wrong: ")
    assert f"{name} is " in text
    assert words in text


def test_a_property_that_does_not_exist():
    with pytest.raises(UsageError, match="no property 'priorty'; did you mean 'priority'"):
        check_property("priorty", 1, "somewhere")


def test_properties_of_an_instance_are_checked_when_they_are_set():
    job = Work()
    job.defer_time = 2
    job.worker = ["b", "a"]
    assert job.worker == ("a", "b")
    with pytest.raises(UsageError, match="Work: defer_time is -2"):
        job.defer_time = -2


def template(job, configuration=None, **said):
    return Entrance(configuration or Configuration()).template(job, split("here", said).properties)


def test_the_class_wins_over_the_defaults():
    made = template(Work)
    assert made.properties.priority == 3
    assert made.lane.name == f"{__name__}.Work"
    assert made.lane.workers == ("big",)
    assert made.lane.max_parallel == 2
    assert made.kept == {"wall_time": 60}


def test_a_subclass_wins_over_its_base():
    made = template(MoreWork).properties
    assert (made.priority, made.max_parallel) == (4, 2)


def test_the_configuration_wins_over_the_class_and_the_call_over_both():
    configuration = Configuration(defaults={"priority": 9, "tag": "t"}, jobs={f"{__name__}.Work": {"priority": 5}})
    assert template(Work, configuration).properties.priority == 5
    assert template(MoreWork, configuration).properties.priority == 4
    assert template(Work, configuration).properties.tag == "t"
    assert template(Work, configuration, priority=6).properties.priority == 6
    assert template(Work, configuration, priority=6).kept["priority"] == 6


def test_a_class_that_has_changed_is_looked_at_again():
    entrance = Entrance(Configuration())
    before = entrance.template(MoreWork, {})
    assert entrance.template(MoreWork, {}) is before
    MoreWork.priority = 8
    try:
        assert entrance.template(MoreWork, {}).properties.priority == 8
        MoreWork.priority = "8"
        with pytest.raises(UsageError, match="class MoreWork: priority is '8'"):
            entrance.template(MoreWork, {})
    finally:
        MoreWork.priority = 4


def test_what_a_row_keeps_gives_the_properties_back():
    properties = Properties(attempts=3, worker=("a",), wall_time=5, zombie_time=None)
    kept = as_json(properties, {"attempts": 3, "worker": ("a",)})
    assert kept == {"attempts": 3, "worker": ("a",), "wall_time": 5, "zombie_time": None}
    assert effective(kept) == properties
    assert effective({}) == DEFAULTS
    assert effective({"chain": [{"name": "m.C"}], "due_at": 5.0}) == DEFAULTS


def test_arguments_and_properties_in_one_call():
    said = split("here", {"x": 1, "priority": 2, "delay": 3, "parent": 4, "args": {"tag": "mine"}})
    assert said == ({"x": 1, "tag": "mine"}, {"priority": 2}, 3.0, 4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"delay": -1}, "delay is -1, but must be a number of seconds"),
        ({"parent": "1"}, "parent is '1'"),
        ({"args": [1]}, "args is"),
        ({"x": 1, "args": {"x": 2}}, "given twice"),
        ({"schedule": "* * * * *"}, "queue.schedule"),
        ({"priority": "x"}, "here: priority is 'x'"),
    ],
)
def test_calls_that_make_no_sense(given, words):
    with pytest.raises(UsageError, match=words):
        split("here", given)


def test_a_project_has_its_own_folder_and_interpreter(tmp_path):
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/usr/bin/env")
    lane = template("no_such_module.Job", project=tmp_path).lane
    assert (lane.name, lane.folder, lane.python) == ("no_such_module.Job", str(tmp_path), str(python))
    assert template(Work, python=tmp_path / ".venv").lane.python == str(python)
    assert template(Work, python="/opt/python").lane.python == "/opt/python"


def test_chains_are_kept_by_name_with_checked_arguments():
    kept = template(Work, chain=[MoreWork, (MoreWork, {"x": 1, "priority": 7, "chain": [Work]})]).kept["chain"]
    name = f"{__name__}.MoreWork"
    assert [spec["name"] for spec in kept] == [name, name]
    assert kept[1]["args"] == {"x": 1}
    assert kept[1]["properties"] == {"priority": 7, "chain": [f"{__name__}.Work"]}
    with pytest.raises(UsageError, match=r"MoreWork in the chain of .*Work: the argument x is a set"):
        template(Work, chain=[(MoreWork, {"x": {1}})])


def test_what_follows_in_another_environment_runs_in_it(tmp_path):
    kept = template("elsewhere.A", project=tmp_path, python="/opt/python", chain="elsewhere.B").kept
    assert kept["chain"] == [
        {"name": "elsewhere.B", "folder": str(tmp_path), "args": {}, "properties": {"python": "/opt/python"}}
    ]
    (entry,) = Entrance(Configuration()).chained(kept, 1)
    assert (entry.lane.folder, entry.lane.python) == (str(tmp_path), "/opt/python")


def test_the_entries_of_a_chain():
    entrance = Entrance(Configuration())
    kept = template(Work, chain=[(MoreWork, {"x": 1, "chain": [Work]})]).kept
    (entry,) = entrance.chained(kept, parent=17)
    assert entry.lane.name == f"{__name__}.MoreWork"
    assert (entry.args, entry.parent, entry.priority) == ('{"x":1}', 17, 4)
    assert '"chain": [{"name"' in entry.properties


def test_dependencies_are_ids_and_classes():
    made = template(Work, dependency=[3, MoreWork, "shop.Orders"])
    assert made.entry.needs == (3,)
    assert made.entry.needs_classes == (f"{__name__}.MoreWork", "shop.Orders")
