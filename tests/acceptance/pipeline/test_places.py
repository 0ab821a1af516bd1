"""Where and when jobs run: P8, P9, P23, P29, P31, P34. The limits of P9 that are shared: see test_seed_example.py."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import TaskTimedOut, Unpicklable, UsageError
from gangline.pipeline import Pipeline, jobs_limit, originate, suffix
from gangline.pipeline.ruffus_exceptions import JobsLimitArgumentError, RethrownJobError
from tests.meeting import meet

from .conftest import PLACES, files, get, group_is_empty, make, put, ran, run, start, wait_for


def meeting(count: int, *, limit_s: float = 60.0) -> Callable[[str], None]:
    """Jobs of which the first wait until so many of them run at once; they write how many there were at most."""

    def join(output: str) -> None:
        here = meet(f"{count} jobs", count, output, limit_s)
        with open(output, "w") as file:
            file.write(f"{here} {os.getpid()} {threading.get_ident()}")

    return join


def seen(pattern: str) -> tuple[int, set[str], set[str]]:
    """The most at once, processes and threads that such jobs tell of."""
    told = [get(name).split() for name in files(pattern)]
    return max(int(row[0]) for row in told), {row[1] for row in told}, {row[2] for row in told}


# P8 -------------------------------------------------------------------------------------------------------------------


def test_p8_n_processes_are_exactly_n() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(meeting(3), [f"{number}.out" for number in range(9)], name="meet")
    run(pipeline, multiprocess=3)
    most, processes, _ = seen("*.out")
    assert most == 3
    assert len(processes) == 3
    assert str(os.getpid()) not in processes


def test_p8_n_threads_are_of_this_process() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(meeting(3), [f"{number}.out" for number in range(9)], name="meet")
    run(pipeline, multithread=3)
    most, processes, threads = seen("*.out")
    assert (most, processes) == (3, {str(os.getpid())})
    assert 1 < len(threads) <= 3


@pytest.mark.parametrize("options", [{}, {"multiprocess": 1}, {"multithread": 1}, {"multiprocess": 0}])
def test_p8_one_is_this_very_thread(options: dict[str, int]) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(meeting(1), ["1.out", "2.out"], name="meet")
    run(pipeline, **options)
    assert seen("*.out") == (1, {str(os.getpid())}, {str(threading.get_ident())})


def test_p8_both_mean_threads_and_gevent_too() -> None:
    for number, options in enumerate(({"multithread": 2, "multiprocess": 3}, {"pool_manager": "gevent"})):
        pipeline = Pipeline(f"p{number}")
        Path("met 2").unlink(missing_ok=True)
        pipeline.originate(meeting(2), [f"{number}.{each}.out" for each in range(4)], name="meet")
        run(pipeline, **{"multiprocess": 2, **options})
        assert seen(f"{number}.*.out")[1] == {str(os.getpid())}


def test_p8_processes_are_gone_after_the_run() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(meeting(1), ["1.out", "2.out"], name="meet")
    run(pipeline, multiprocess=2)
    for pid in seen("*.out")[1]:
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists())  # type: ignore[misc]


# P9 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [{"multithread": 6}, {"multiprocess": 4}])
def test_p9_a_limit_of_a_name_holds_for_all_its_stages_and_one_without_for_its_own(place: dict[str, int]) -> None:
    def work(output: str) -> None:
        shared = output[0] in "ab"
        mark = f"{output}.shared" if shared else f"{output}.own"
        with open(mark, "w"):
            pass
        limit = time.monotonic() + 60
        while shared and not os.path.exists("met") and time.monotonic() < limit:
            if len([name for name in os.listdir() if name.endswith(".shared")]) > 1:
                with open("met", "w"):
                    pass
            time.sleep(0.005)
        time.sleep(0.05)
        here = [name for name in os.listdir() if name.endswith(".shared" if shared else ".own")]
        with open(output, "w") as file:
            file.write(str(len(here)))
        os.unlink(mark)

    pipeline = Pipeline("p")
    for letter in "ab":
        pipeline.originate(work, [f"{letter}{each}.out" for each in range(4)], name=letter).jobs_limit(2, "shared")
    pipeline.originate(work, [f"c{each}.out" for each in range(3)], name="c").jobs_limit(1)
    run(pipeline, **place)
    assert max(int(get(name)) for name in files("[ab]*.out")) == 2
    assert max(int(get(name)) for name in files("c*.out")) == 1


@pytest.mark.parametrize("number", [0, -1, "two", 0.5, None])
def test_p9_a_limit_below_one_is_an_error_at_once(number: Any) -> None:
    with pytest.raises(JobsLimitArgumentError, match="integer"):

        @jobs_limit(number, "wrong")
        @originate(["a"])
        def stage(output: str) -> None:
            """Never runs."""


def test_p9_a_name_has_one_number() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a"], name="a").jobs_limit(2, "once")
    with pytest.raises(JobsLimitArgumentError, match="'once'") as caught:
        pipeline.originate(make(), ["b"], name="b").jobs_limit(3, "once")
    assert "2" in str(caught.value)
    assert "3" in str(caught.value)


def test_p9_a_limit_larger_than_the_run_is_no_limit() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(meeting(2), ["1.out", "2.out"], name="meet").jobs_limit(100)
    run(pipeline, multithread=2)
    assert seen("*.out")[0] == 2


def test_p9_a_limit_is_free_again_after_failures_and_kills() -> None:
    def work(output: str) -> None:
        if output == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if output == "failed":
            raise ValueError
        with open(output, "w"):
            pass

    pipeline = Pipeline("p")
    pipeline.originate(work, ["killed", "failed", "good"], name="work").jobs_limit(1, "one")
    pipeline.originate(work, ["other"], name="other").jobs_limit(1, "one")
    with pytest.raises(RethrownJobError):
        run(pipeline, multiprocess=2, keep_going=True)
    assert files() == ["good", "other"]


# P23 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [{"multithread": 2}, {"multiprocess": 2}])
def test_p23_a_job_that_waits_for_a_limit_takes_no_slot(place: dict[str, int]) -> None:
    """Two slots, and a limit of one: while one limited job runs, the other slot is for those without a limit."""

    def limited(output: str) -> None:
        with open(f"{output}.in", "w"):
            pass
        limit = time.monotonic() + 60
        while not os.path.exists("free") and time.monotonic() < limit:
            time.sleep(0.01)
        with open(output, "w") as file:
            file.write(str(os.path.exists("free")))

    pipeline = Pipeline("p")
    pipeline.originate(limited, [f"{each}.limited" for each in range(5)], name="limited").jobs_limit(1)
    pipeline.originate(make(), ["free"], name="free")
    run(pipeline, **place)
    assert [get(name) for name in files("*.limited")] == ["True"] * 5


# P29 ------------------------------------------------------------------------------------------------------------------


INTERRUPTED = """
import subprocess

def wait(name):
    if sys.argv[2] == "python":
        open(f"{name}.waits", "w").close()
        while not os.path.exists("go on"):
            time.sleep(0.01)
    else:
        subprocess.run(["sh", "-c", "touch $0.waits; exec sleep 600", name], check=True)

@originate([f"{number}.0" for number in range(8)])
def begin(output):
    open(output, "w").close()
    open(f"{output}.started", "w").close()
    if output in ("1.0", "2.0"):
        wait(output)

@merge(begin, "end")
def end(sources, output):
    open(output, "w").close()

try:
    pipeline_run(verbose=0, **eval(sys.argv[1]))
except KeyboardInterrupt:
    print("interrupted")
print([thread.name for thread in threading.enumerate() if not thread.daemon])
"""


@pytest.mark.parametrize("what", ["python", "command"])
@pytest.mark.parametrize("place", PLACES)
def test_p29_ctrl_c_as_a_terminal_sends_it_leaves_nothing(place: dict[str, int], what: str) -> None:
    process = start(INTERRUPTED, repr(place), what)
    at_once = max(place.values(), default=1)
    wait_for(lambda: len(files("*.waits")) == at_once)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all processes of the program
    if "multithread" in place:
        put("go on")  # nobody can end a thread that works
    out, err = process.communicate(timeout=60)
    assert out == "interrupted\n['MainThread']\n"
    assert err == ""
    wait_for(lambda: group_is_empty(process.pid))
    assert not Path("end").exists()
    put("go on")
    if what == "python":
        assert ran(INTERRUPTED, repr(place), what) == (0, "['MainThread']\n", "")
        assert Path("end").exists()


@pytest.mark.parametrize("place", PLACES)
def test_p29_ctrl_c_at_any_moment_is_a_keyboard_interrupt_or_comes_too_late(place: dict[str, int]) -> None:
    program = f"""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    @originate([f"{{number}}.0" for number in range(300)])
    def begin(output):
        open(output, "w").close()

    @transform(begin, suffix(".0"), ".1")
    def go(source, output):
        open(output, "w").close()

    @posttask(lambda: time.sleep(0.05))
    @merge(go, "end")
    def end(sources, output):
        open(output, "w").close()

    try:
        open("running", "w").close()
        pipeline_run(verbose=0, **{place!r})
        while not os.path.exists("go on"):
            time.sleep(0.01)
    except KeyboardInterrupt:
        print("interrupted")
    """
    for delay_s in (0.0, 0.06, 0.12, 0.2, 0.35):
        Path("running").unlink(missing_ok=True)
        process = start(program)
        wait_for(Path("running").exists)
        time.sleep(delay_s)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (out, err) == ("interrupted\n", "")
        # Python itself ends by the signal when it came in the middle of an `exec` of text, as dataclasses do on import.
        assert process.returncode in (0, -signal.SIGINT)
        wait_for(lambda process=process: group_is_empty(process.pid))  # type: ignore[misc]
    put("go on")
    assert ran(program) == (0, "", "")
    assert len(files("*.1")) == 300


def test_p29_an_uncaught_interrupt_ends_the_program_as_any_other() -> None:
    process = start(INTERRUPTED.replace("except KeyboardInterrupt", "except ZeroDivisionError"), "{}", "python")
    wait_for(lambda: files("*.waits"))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, 130)
    assert out == ""
    assert err.rstrip().endswith("KeyboardInterrupt")


# P31 ------------------------------------------------------------------------------------------------------------------


class Worker:
    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, output: str) -> None:
        with open(output, "w") as file:
            file.write(self.text)

    def method(self, output: str) -> None:
        self(output)

    @classmethod
    def of_class(cls, output: str) -> None:
        cls("class")(output)

    @staticmethod
    def static(output: str) -> None:
        Worker("static")(output)


def write(text: str, output: str) -> None:
    with open(output, "w") as file:
        file.write(text)


def generator_backed(output: str) -> None:
    words = (word for word in ("gen", "erated"))
    write("".join(words), output)


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    "lambda": lambda output: write("lambda", output),
    "instance": Worker("instance"),
    "bound method": Worker("bound").method,
    "class method": Worker.of_class,
    "static method": Worker.static,
    "partial": functools.partial(write, "partial"),
    "generator": generator_backed,
}
TEXTS = dict(zip(FUNCTIONS, ("lambda", "instance", "bound", "class", "static", "partial", "generated"), strict=True))


@pytest.mark.parametrize("what", FUNCTIONS)
@pytest.mark.parametrize("level", [1, 5])
def test_p31_anything_that_can_be_called_is_a_stage(what: str, level: int) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(FUNCTIONS[what], ["a"], name=what)
    run(pipeline, multiprocess=2, checksum_level=level)
    assert get("a") == TEXTS[what]


def test_p31_closures_that_call_themselves_and_each_other() -> None:
    def even(number: int) -> bool:
        return number == 0 or odd(number - 1)

    def odd(number: int) -> bool:
        return number != 0 and even(number - 1)

    def work(output: str) -> None:
        with open(output, "w") as file:
            file.write(f"{even(10)} {odd(10)}")

    pipeline = Pipeline("p")
    pipeline.originate(work, ["a"], name="work")
    run(pipeline, multiprocess=2, checksum_level=5)
    assert get("a") == "True False"


def test_p31_p17_arguments_of_any_kind_arrive_as_they_were() -> None:
    class Local:
        def __init__(self, value: int) -> None:
            self.value = value

    def work(output: str, *extras: Any) -> None:
        number, local, mapping, function, nothing, data = extras
        with open(output, "w") as file:
            file.write(repr((number, local.value, mapping, function(2), nothing, data)))

    pipeline = Pipeline("p")
    extras = [1.5, Local(3), {"a": {1, 2}, ("t",): None}, lambda value: value * 2, None, b"\0\xff"]
    pipeline.originate(work, ["a"], extras=extras, name="work")
    run(pipeline, multiprocess=2)
    assert get("a") == "(1.5, 3, {'a': {1, 2}, ('t',): None}, 4, None, b'\\x00\\xff')"


@pytest.mark.parametrize("stuck", [threading.Lock(), (each for each in "abc")], ids=["lock", "generator"])
def test_p31_what_cannot_travel_is_named_and_the_others_run(stuck: Any) -> None:
    def work(output: str, extra: Any) -> None:
        with open(output, "w"):
            pass

    pipeline = Pipeline("p")
    pipeline.originate(lambda output, extra: work(output, extra), ["a"], extras=[stuck], name="stuck")
    pipeline.originate(make(), ["free"], name="free")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, multiprocess=2, keep_going=True)
    assert caught.value.group is not None
    (error,) = caught.value.group.exceptions
    assert isinstance(error, Unpicklable)
    assert type(stuck).__name__.split(".")[-1] in str(error)
    assert str(error).startswith("argument 2 of test_p31_")
    assert files() == ["free"]
    here = Pipeline("here")
    here.originate(lambda output, extra: work(output, extra), ["a"], extras=[stuck], name="stuck")
    run(here, multithread=2)
    assert files() == ["a", "free"]


def test_p31_a_notebook_or_an_interactive_python_has_no_file() -> None:
    program = """
from gangline.pipeline import *
word = "typed"
@originate(["a"])
def work(output):
    open(output, "w").write(word)

pipeline_run(multiprocess=2, verbose=0)
"""
    done = subprocess.run(
        [sys.executable, "-"], input=program, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert get("a") == "typed"


def test_p31_what_a_program_was_started_with_is_there_in_its_jobs() -> None:
    program = """
    import io
    word = open("word")

    @originate(["a"], word)
    def work(output, file):
        with open(output, "w") as out:
            out.write(f"{sys.argv[1:]} {file.read()} {os.getcwd() == sys.path[0] or __name__} {os.environ['OWN']}")

    pipeline_run(multiprocess=2, verbose=0)
    """
    put("word", "read here")
    assert ran(program, "one", "two ü", env={**os.environ, "OWN": "mine"}) == (0, "", "")
    assert get("a") == "['one', 'two ü'] read here True mine"


# P34 ------------------------------------------------------------------------------------------------------------------


def test_p34_cores_are_shared_out() -> None:
    cores = len(os.sched_getaffinity(0))
    pipeline = Pipeline("p")
    names = [f"{number}.out" for number in range(4)]
    pipeline.originate(meeting(2, limit_s=0.3), names, name="whole", resources={"cores": cores})
    run(pipeline, multiprocess=2)
    assert seen("*.out")[0] == 1


@pytest.mark.parametrize("place", [{"multithread": 2}, {"multiprocess": 2}, {}])
@pytest.mark.parametrize("wants", [{"cores": 10_000}, {"memory": "900 TB"}, {"gpus": 1}])
def test_p34_what_no_machine_has_is_refused_at_once(place: dict[str, int], wants: dict[str, Any]) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a"], name="greedy", resources=wants)
    with pytest.raises(UsageError, match=r"'p::greedy': its jobs need") as caught:
        run(pipeline, **place)
    assert next(iter(wants)) in str(caught.value)
    assert files() == []


@pytest.mark.parametrize("place", PLACES)
def test_p34_retries_back_off_and_end(place: dict[str, int]) -> None:
    def work(output: str) -> None:
        with open("times", "a") as file:
            file.write(f"{time.monotonic()}\n")  # the same clock in all processes of a machine
        raise ValueError("again and again")

    pipeline = Pipeline("p")
    pipeline.originate(work, ["a"], name="work", retries=3, retry_delay=0.05)
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, **place)
    assert len(caught.value.job_exceptions) == 1
    times = list(map(float, get("times").split()))
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(waits) == 3
    for wait, least in zip(waits, (0.05, 0.1, 0.2), strict=True):
        assert wait >= least


def test_p34_retries_of_the_run_hold_where_a_stage_says_nothing() -> None:
    def work(output: str) -> None:
        with open(f"{output}.tries", "a") as file:
            file.write("x")
        raise ValueError

    pipeline = Pipeline("p")
    pipeline.originate(work, ["usual"], name="usual")
    pipeline.originate(work, ["own"], name="own", retries=0)
    with pytest.raises(RethrownJobError):
        run(pipeline, retries=2, keep_going=True)
    assert (get("usual.tries"), get("own.tries")) == ("xxx", "x")


def test_p34_a_time_limit_ends_commands_too() -> None:
    def work(output: str) -> None:
        import subprocess

        command = subprocess.Popen(["sleep", "600"])
        with open("slow.pid.half", "w") as file:
            file.write(str(command.pid))
        os.rename("slow.pid.half", "slow.pid")
        command.wait()

    limit_s = 1
    while not Path("slow.pid").exists():  # until the limit has left it the time to start its command
        limit_s *= 2
        pipeline = Pipeline(f"p{limit_s}")
        pipeline.originate(work, ["slow"], name="slow", time_limit=limit_s)
        pipeline.originate(make(), [f"other{limit_s}"], name="other")
        with pytest.raises(RethrownJobError) as caught:
            run(pipeline, multiprocess=2, keep_going=True)
        assert caught.value.group is not None
        assert isinstance(caught.value.group.exceptions[0], TaskTimedOut)
        assert str(limit_s) in caught.value.job_exceptions[0][3]
        assert Path(f"other{limit_s}").exists()
    wait_for(lambda: not Path(f"/proc/{get('slow.pid')}").exists())


def test_p34_a_time_limit_holds_for_threads_too_as_far_as_python_can_be_interrupted() -> None:
    def work(output: str) -> None:
        for _ in range(6000):
            time.sleep(0.01)

    pipeline = Pipeline("p")
    pipeline.originate(work, ["slow"], name="slow", time_limit=0.1)
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, multithread=2)
    assert caught.value.group is not None
    assert isinstance(caught.value.group.exceptions[0], TaskTimedOut)


def test_p34_options_hold_for_each_stage_with_suffix_rules_too() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0"], name="start", resources={"cores": 1, "memory": "1 MB"})
    pipeline.transform(make(), pipeline["start"], suffix(".0"), ".1", name="next", retries=1, time_limit=30)
    run(pipeline, multiprocess=2)
    assert files() == ["a.0", "a.1"]
