"""Schedules in a queue."""

import json
import logging
import threading
from datetime import UTC, datetime
from types import ModuleType

import pytest

from gangline.queue import Configuration, Queue, UsageError
from gangline.queue.schedules import due_times, fire_due, first_after
from tests.integration.queue_front.running import distant_times


@pytest.fixture
def shop(shop: ModuleType) -> ModuleType:
    """Its reports are due every five minutes for a while in each hour, which is over just now."""
    shop.Report.schedule = distant_times()
    return shop


def due_now(queue: Queue, name: str, late_s: float = 0.0) -> float:
    """Pretend that a schedule was due a while ago: it is kept anew with that time."""
    (row,) = [row for row in queue.database.schedules() if row.name == name]
    until = queue.database.now() - late_s
    (at,) = due_times(row.line, row.timezone, first_after(row.line, row.timezone, until - 3600), until, "one").times
    queue.database.remove_schedule(row.id)
    queue.database.add_schedule(row.name, row.line, row.timezone, row.missed, row.job, at)
    return at


def test_a_schedule_of_a_class(queue, shop):
    planned = queue.schedule(shop.Report, kind="weekly", priority=4)
    assert (planned.name, planned.job, planned.line) == ("shop.Report", "shop.Report", shop.Report.schedule)
    assert (planned.missed, planned.timezone, planned.args) == ("all", "", {"kind": "weekly"})
    assert planned.next_at > datetime.now(UTC)
    assert planned.last_at is None
    assert queue.schedules() == [planned]
    at = due_now(queue, "shop.Report")
    left = fire_due(queue.database)
    assert 0 < left <= 3600
    (job,) = queue.find()
    assert (job.name, job.args, job.priority, job.properties["due_at"]) == ("shop.Report", {"kind": "weekly"}, 4, at)
    assert fire_due(queue.database) > 0
    assert queue.count() == 1
    assert queue.schedules()[0].last_at == datetime.fromtimestamp(at, UTC)


def test_times_that_went_by(queue, shop):
    queue.schedule(shop.Report)
    at = due_now(queue, "shop.Report", 1800)
    fire_due(queue.database)
    # Equal ones that are not final do not keep each other out.
    assert [job.properties["due_at"] for job in queue.find()] == [at + 300 * number for number in range(5)]
    queue.schedule(shop.Report, missed="none", kind="none", name="other")
    due_now(queue, "other", 1800)
    queue.schedule(shop.Report, missed="one", kind="one", name="third")
    due_now(queue, "third", 1800)
    fire_due(queue.database)
    assert queue.count({"args.kind": "one"}) == 1
    assert queue.count({"args.kind": "none"}) == 0


def test_several_workers_serve_each_time_once(queue, shop):
    queue.schedule(shop.Report)
    at = due_now(queue, "shop.Report", 1800)
    threads = [threading.Thread(target=fire_due, args=(queue.database,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job.properties["due_at"] for job in queue.find()) == [at + 300 * number for number in range(5)]


def test_entering_a_schedule_again_forgets_no_time(queue, shop):
    queue.schedule(shop.Report)
    at = due_now(queue, "shop.Report", 1800)
    assert queue.schedule(shop.Report).next_at == datetime.fromtimestamp(at, UTC)
    hourly = f"{shop.Report.schedule.partition(',')[0]} * * * *"
    assert queue.schedule(shop.Report, hourly).next_at > datetime.now(UTC)
    assert len(queue.schedules()) == 1


def test_forgetting_a_schedule(queue, shop):
    queue.schedule(shop.Report, name="a")
    with pytest.raises(UsageError, match="there is no schedule 'b'; there are: a"):
        queue.unschedule("b")
    queue.unschedule("a")
    assert queue.schedules() == []
    assert fire_due(queue.database) is None


@pytest.mark.parametrize(
    ("line", "given", "words"),
    [
        ("* * *", {}, "the schedule of Add: schedule is '\\* \\* \\*', but must be None, or a crontab line"),
        (None, {}, "when is shop.Add to run"),
        ("* * * * *", {"timezone": "Berlin"}, "timezone is 'Berlin'"),
        ("* * * * *", {"missed": "two"}, "missed is 'two'"),
        ("* * * * *", {"delay": 5}, "delay makes no sense"),
        ("* * * * *", {"dependency": 5}, "dependency makes no sense"),
        ("* * * * *", {"a": {1}}, "the argument a is a set"),
    ],
)
def test_what_makes_no_sense(queue, shop, line, given, words):
    with pytest.raises(UsageError, match=words):
        queue.schedule(shop.Add, line, **given)


def test_schedules_of_the_configuration(tmp_path, shop):
    configuration = Configuration(
        jobs={"shop.Add": {"schedule": "0 3 * * *", "timezone": "Europe/Berlin"}, "shop.Report": {"priority": 1}}
    )
    with Queue(f"sqlite:///{tmp_path}/a.db", configuration=configuration) as queue:
        (planned,) = queue.schedule_configured()
        assert (planned.name, planned.timezone) == ("shop.Add", "Europe/Berlin")
        assert queue.schedule_configured() == [planned]


def test_a_schedule_that_this_host_cannot_read_stops_no_other(queue, shop, caplog):
    queue.schedule(shop.Report)
    (row,) = queue.database.schedules()
    queue.database.add_schedule("bad", "* * * * *", "Mars/Olympus", "one", row.job, 0.0)
    due_now(queue, "shop.Report")
    with caplog.at_level(logging.ERROR):
        assert fire_due(queue.database) > 0
    assert "the schedule bad cannot be read on this host" in caplog.text
    assert queue.count() == 1
    assert json.loads(row.job.properties) == {}
