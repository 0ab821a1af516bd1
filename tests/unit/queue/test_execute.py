"""Running a job here, without a queue."""

import subprocess
import sys
from pathlib import Path

import pytest

from gangline.queue import DurableJob, JobDeferred, UsageError, execute


class Talk(DurableJob):
    defer_time = 7

    def execute(self, a, wait=False, n=0, tag=""):
        assert (self.id, self._id, self.trial, self.attempts_left, self.parent) == (None, None, 1, 1, None)
        self.progress(0.25, "%d of %d", 1, 4)
        self.set_source("x.csv")
        if wait:
            try:
                self.defer("waiting for %s", "rain")
            except Exception:
                pytest.fail("deferring is no error")
        return a, self.args, self.priority, tag, self.tag


def test_it_returns_what_the_job_does(tmp_path):
    assert execute(Talk, a=1, priority=5) == (1, {"a": 1}, 5, "", "")
    assert execute(Talk, args={"a": 2, "tag": "mine"}, tag="theirs")[3:] == ("mine", "theirs")
    assert list(tmp_path.iterdir()) == []


def test_deferring():
    with pytest.raises(JobDeferred, match=r"Talk has deferred for 7 s: waiting for rain") as caught:
        execute(Talk, a=1, wait=True)
    assert caught.value.wait_s == 7


def test_a_local_class_will_do():
    class Local(DurableJob):
        def execute(self):
            return self.name

    assert execute(Local).endswith("<locals>.Local")


def test_what_is_wrong():
    with pytest.raises(TypeError, match="unexpected keyword argument 'b'"):
        execute(Talk, b=1)
    with pytest.raises(UsageError, match="cannot be imported here"):
        execute("nowhere.Job")
    with pytest.raises(UsageError, match="no class of jobs"):
        execute(Path)
    with pytest.raises(UsageError, match="the argument a is a set"):
        execute(Talk, a={1})


def test_the_log_goes_to_the_terminal(tmp_path, shop):
    program = "import shop\nfrom gangline.queue import execute\nprint(execute(shop.Add, a=3))\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "4\n"
    lines = [line.split(None, 2)[1:] for line in done.stderr.splitlines()]
    assert lines == [["INFO", "50 %  half of 3"], ["INFO", "source: 3.csv"], ["INFO", "adding 3"]]


def test_the_usual_queue_is_opened_when_it_is_used(tmp_path):
    class Counting(DurableJob):
        def execute(self):
            with self.completion() as connection:
                connection.execute("CREATE TABLE mine (n INTEGER)")
            return self.queue.cookie("a.B").inc("n"), self.queue.url

    first, url = execute(Counting)
    assert (first, url) == (1, f"sqlite:///{tmp_path}/.gangline/queue.db")


@pytest.mark.parametrize("value", ["x", -1, 1.5, 50, float("nan"), float("inf")])
def test_progress_goes_from_0_to_1(value):
    class Wrong(DurableJob):
        def execute(self):
            self.progress(value)

    with pytest.raises(UsageError, match="from 0 to 1"):
        execute(Wrong)


def test_a_slip_in_a_message_loses_no_work():
    class Slip(DurableJob):
        def execute(self):
            self.progress(1, "%d of %d", 1)
            self.defer("%d %%", "x")

    with pytest.raises(JobDeferred, match="%d %% x"):
        execute(Slip)


def test_an_instance_made_by_hand():
    job = Talk()
    assert job.execute(1)[0] == 1
    assert job.name.endswith("Talk")
    assert repr(job).startswith("<job: ")
    with pytest.raises(AttributeError, match=r"sys.queue.*and no 'mongo'"):
        job.config.mongo  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean 'queue'"):
        job.config.sys.queu  # noqa: B018
    job._end()
