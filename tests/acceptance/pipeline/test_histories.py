"""Histories, and runs that meet: P16, P21, P28, P32, and what becomes of damaged and foreign files."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import StoreError
from gangline.pipeline import Pipeline, suffix
from gangline.pipeline.ruffus_exceptions import RethrownJobError

from .conftest import PLACES, Tally, files, get, make, put, ran, run, start, wait_for

HISTORY = ".ruffus_history.sqlite"


def chain(function: Any, name: str = "p") -> Pipeline:
    pipeline = Pipeline(name)
    pipeline.originate(function, ["a.0", "b.0"], name="start")
    pipeline.transform(function, pipeline["start"], suffix(".0"), ".1", name="next")
    return pipeline


# P16 ------------------------------------------------------------------------------------------------------------------


def test_p16_the_history_stands_where_it_always_did() -> None:
    run(chain(make()))
    assert Path(HISTORY).exists()
    with sqlite3.connect(HISTORY) as connection:
        tables = {name for (name,) in connection.execute("select name from sqlite_master")}
    connection.close()
    assert "data" in tables


def test_p16_it_may_be_named_by_argument_and_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally()
    pipeline = chain(tally)
    os.mkdir("kept")
    run(pipeline, history_file="kept/mine ü.sqlite")
    assert len(tally.take()) == 4
    assert not Path(HISTORY).exists()
    run(pipeline, history_file="kept/mine ü.sqlite")
    assert tally.take() == []
    monkeypatch.setenv("DEFAULT_RUFFUS_HISTORY_FILE", "kept/other.sqlite")
    run(pipeline)
    assert len(tally.take()) == 4
    assert Path("kept/other.sqlite").exists()


def test_p16_the_environment_says_how_closely_is_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    run(chain(make("one")))
    tally = Tally()
    for value, expected in (("1", 0), ("CHECKSUM_FUNCTIONS", 4), ("0", 0)):
        monkeypatch.setenv("DEFAULT_RUFFUS_CHECKSUM_LEVEL", value)
        run(chain(tally, f"level {value}"))
        assert len(tally.take()) == expected, value


def test_p16_a_history_in_memory_keeps_nothing() -> None:
    tally = Tally()
    run(chain(tally), history_file=":memory:")
    run(chain(tally, "again"), history_file=":memory:")
    assert len(tally.take()) == 8
    assert not Path(HISTORY).exists()


def test_p16_the_whole_folder_may_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir("here")
    monkeypatch.chdir("here")
    run(chain(make()))
    monkeypatch.chdir(tmp_path)
    os.rename("here", "there ü [1]")
    monkeypatch.chdir("there ü [1]")
    tally = Tally()
    run(chain(tally, "again"))
    assert tally.take() == []


# P21 (see also tests/unit/pipeline/running/test_interrupted.py) ----------------------------------------------------


@pytest.mark.parametrize("level", [0, 1])
def test_p21_a_run_killed_again_and_again_ends_whole(level: int) -> None:
    program = f"""
    def write(output):
        open(f"process {{os.getpid()}}", "w").close()
        with open(output, "w") as file:
            file.write("half")
            file.flush()
            time.sleep(0.01)
            for half in sys.argv[1:]:  # this one is to be killed there, and none that comes after it gets any further
                while output[1:] == half[1:] and output >= half:
                    if output == half:
                        open("half made", "w").close()
                    time.sleep(0.01)
            file.write(" whole")

    @originate([f"{{number}}.0" for number in range(8)])
    def begin(output):
        write(output)

    @split(begin, "*.part")
    def cut(sources, outputs):
        for number, source in enumerate(sources):
            write(f"{{number}}.part")

    @merge(cut, "end")
    def end(sources, output):
        with open(output, "w") as file:
            for source in sources:
                file.write(open(source).read() + "\\n")

    pipeline_run(multiprocess=2, verbose=0, checksum_level={level})
    """
    for half in ("1.0", "5.0", "4.part"):
        process = start(program, half)
        wait_for(Path("half made").exists)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for name in files("process*"):  # they see that their run is gone
            wait_for(lambda name=name: not Path("/proc", name.split()[1]).exists())  # type: ignore[misc]
            os.unlink(name)
        assert get(half) == "half"
        os.unlink("half made")
    assert ran(program) == (0, "", "")
    assert get("end") == "half whole\n" * 8
    assert all(get(name) == "half whole" for name in files("*.[0p]*") if not name.endswith(".py"))


# P28 ------------------------------------------------------------------------------------------------------------------


HOLDING = """
@originate(["held"])
def hold(output):
    open("holding", "w").close()
    while not os.path.exists("go on"):
        time.sleep(0.01)
    open(output, "w").close()

pipeline_run(verbose=0, **eval(sys.argv[1]))
print("done")
"""


def until_locked() -> None:
    """Until somebody has the lock and has written into it who that is."""
    lock = Path(f"{HISTORY}.lock")
    wait_for(lambda: lock.exists() and lock.read_text())


@pytest.mark.parametrize("options", [{}, {"multiprocess": 2}, {"multithread": 2}])
def test_p28_a_second_run_of_another_process_is_told_who_is_there(options: dict[str, int]) -> None:
    first = start(HOLDING, repr(options))
    try:
        until_locked()
        with pytest.raises(StoreError) as caught:
            run(chain(make()))
        for part in (HISTORY, "in use by another run", str(first.pid), "program0.py", "history_file=..."):
            assert part in str(caught.value)
        assert caught.value.retryable
        assert files("*.0") == []
        run(chain(make(), "apart"), history_file="other.sqlite")
        wait_for(Path("holding").exists)
    finally:
        put("go on")
        assert first.communicate(timeout=60) == ("done\n", "")
    run(chain(make(), "after"))


def test_p28_a_second_run_waits_as_long_as_it_was_told() -> None:
    first = start(HOLDING, "{}")
    until_locked()
    began = time.monotonic()
    with pytest.raises(StoreError, match="in use by another run"):
        run(chain(make()), history_wait=0.3)
    assert time.monotonic() - began >= 0.3
    threading.Timer(0.3, put, ("go on",)).start()
    run(chain(make(), "patient"), history_wait=60)
    assert files("*.1") == ["a.1", "b.1"]
    assert first.communicate(timeout=60) == ("done\n", "")


def test_p28_a_run_that_was_killed_leaves_no_lock() -> None:
    first = start(HOLDING, "{'multiprocess': 2}")
    wait_for(Path("holding").exists)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    run(chain(make()))
    assert not Path(f"{HISTORY}.lock").exists()


def test_p28_many_processes_that_wait_come_one_after_the_other() -> None:
    program = """
    @originate(["shared"])
    def make(output):
        with open("log", "a") as file:
            file.write("x")
        open(output, "w").close()

    pipeline_run(verbose=0, history_wait=100)
    """
    running = [start(program) for _ in range(5)]
    assert [process.communicate(timeout=120) for process in running] == [("", "")] * 5
    assert get("log") == "x"


def test_p28_a_run_within_a_job_of_a_process_on_the_same_history_is_told_so() -> None:
    code, out, err = ran(
        """
        from gangline.pipeline.ruffus_exceptions import RethrownJobError
        inner = Pipeline("inner")
        inner.originate(lambda output: open(output, "w").close(), ["inside"], name="inside")

        def outer(output):
            pipeline_run(pipeline=inner, verbose=0)
            open(output, "w").close()

        main = Pipeline("outer")
        main.originate(outer, ["outside"], name="outside")
        try:
            main.run(multiprocess=2, verbose=0)
        except RethrownJobError as error:
            print(error.group.exceptions[0])
        """
    )
    assert (code, err) == (0, "")
    assert "in use by another run" in out
    assert "history_file=..." in out
    assert "database is locked" not in out
    assert not Path("outside").exists()


@pytest.mark.parametrize("options", [{}, {"multithread": 2}, {"multiprocess": 2}])
def test_p28_a_run_within_a_job_with_a_history_of_its_own(options: dict[str, int]) -> None:
    def outer(output: str) -> None:
        from gangline.pipeline import Pipeline, pipeline_run

        inner = Pipeline(f"inner {output}")

        def innermost(name: str) -> None:
            with open(name, "w"):
                pass

        inner.originate(innermost, [f"{output}.inside"], name="inside")
        pipeline_run(pipeline=inner, verbose=0, history_file=f"{output}.sqlite", multithread=2)
        with open(output, "w"):
            pass

    pipeline = Pipeline("outer")
    pipeline.originate(outer, ["x", "y"], name="outside")
    run(pipeline, **options)
    assert files("[xy]*") == ["x", "x.inside", "x.sqlite", "y", "y.inside", "y.sqlite"]


def test_p28_runs_of_threads_on_one_history_and_on_several() -> None:
    errors: list[BaseException] = []

    def go(number: int, **options: Any) -> None:
        try:
            pipeline = Pipeline(f"thread {number} {options}")
            pipeline.originate(make(), [f"{number}.{each}.0" for each in range(30)], name="start")
            pipeline.transform(make(), pipeline["start"], suffix(".0"), ".1", name="next")
            run(pipeline, **options)
        except BaseException as error:
            errors.append(error)

    for options in ({"multithread": 3}, {"multithread": 1, "history_file": "own.sqlite"}, {"checksum_level": 0}):
        threads = [threading.Thread(target=go, args=(number,), kwargs=options) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(files("*.1")) == 120
        for name in files("*.[01]"):
            os.unlink(name)


def test_p28_one_failing_run_of_two_leaves_the_other_whole() -> None:
    go_on = threading.Event()
    errors: list[BaseException] = []

    def wait(output: str) -> None:
        go_on.wait(60)
        put(output)

    def fail(output: str) -> None:
        raise ValueError(output)

    good, bad = Pipeline("good"), Pipeline("bad")
    good.originate(wait, ["g.0"], name="wait")
    good.transform(make(), good["wait"], suffix(".0"), ".1", name="after")
    bad.originate(fail, ["b"], name="fail")

    def go(pipeline: Pipeline) -> None:
        try:
            run(pipeline)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=go, args=(good,))
    thread.start()
    with pytest.raises(RethrownJobError):
        run(bad)
    go_on.set()
    thread.join()
    assert errors == []
    assert files() == ["g.0", "g.1"]
    tally = Tally()
    again = Pipeline("again")
    again.originate(tally, ["g.0"], name="wait")
    run(again)
    assert tally.take() == []


# P32 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_p32_many_jobs_cost_few_writes_of_the_history(place: dict[str, int]) -> None:
    pipeline = Pipeline("many")
    pipeline.originate(make(), [f"{number}.0" for number in range(500)], name="many")
    began = time.monotonic()
    run(pipeline, **place)
    took_s = time.monotonic() - began
    # SQLite counts in its header how often something was committed.
    commits = int.from_bytes(Path(HISTORY).read_bytes()[24:28], "big")
    # What ends within a twentieth of a second is written at once, however long the whole takes; what is begun, and the
    # tables, come beside it.
    assert commits < 20 + took_s / 0.05


# Damaged and foreign ------------------------------------------------------------------------------------------------


def damaged() -> None:
    run(chain(make(), "before"))
    content = bytearray(Path(HISTORY).read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    Path(HISTORY).write_bytes(content)


def foreign() -> None:
    connection = sqlite3.connect(HISTORY)
    connection.execute("create table customers (name text)")
    connection.execute("insert into customers values ('somebody')")
    connection.commit()
    connection.close()


BAD = {
    "text": (lambda: put(HISTORY, "Dear diary,\n" * 1000), ("it is not an SQLite file",)),
    "pickle": (lambda: Path(HISTORY).write_bytes(b"\x80\x04\x95" + b"\0" * 5000), ("it is not an SQLite file",)),
    "damaged": (damaged, ("damaged",)),
    "cut": (
        lambda: (run(chain(make(), "before")), os.truncate(HISTORY, 5000))[0],
        ("damaged",),
    ),
    "foreign": (foreign, ("another program's database", "customers")),
    "folder": (lambda: os.mkdir(HISTORY), ("folder",)),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_history_is_named_and_left_as_it_is(what: str) -> None:
    prepare, words = BAD[what]
    prepare()  # type: ignore[no-untyped-call]
    made = files()
    before = None if what == "folder" else Path(HISTORY).read_bytes()
    tally = Tally()
    for function in (lambda: run(chain(tally)), lambda: chain(tally, "printed").printout()):
        with pytest.raises(StoreError) as caught:
            function()
        for word in (HISTORY, *words, "history_file=..."):
            assert word in str(caught.value), word
    assert tally.take() == []
    assert files() == made
    assert before is None or Path(HISTORY).read_bytes() == before
    # What the message says helps: away with it, and a history of what exists.
    if before is not None:
        os.rename(HISTORY, "away")
        run(chain(make(), "first"))
        os.rename("away", HISTORY)
        os.unlink(HISTORY)
        run(chain(tally, "regenerated"), touch_files_only="regenerate")
        run(chain(tally, "fresh"))
        assert tally.take() == []


def test_an_empty_file_is_an_empty_history() -> None:
    put(HISTORY)
    tally = Tally()
    run(chain(tally))
    run(chain(tally, "again"))
    assert len(tally.take()) == 4


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(StoreError, match=r"no/such/h\.sqlite.*") as caught:
        run(chain(make()), history_file="no/such/h.sqlite")
    assert "no/such" in str(caught.value)
    assert "history_file=..." in str(caught.value)


# Places that cannot be written --------------------------------------------------------------------------------------


READ_ONLY = """
# Another user may not be able to read the interpreter: what is needed is imported before.
warm = Pipeline("warm")
warm.originate(lambda output: 1 / 0, ["warm"], name="warm")
try:
    warm.run(verbose=0, history_file=":memory:")
except Exception as error:
    str(error)
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
os.chdir(sys.argv[1])

@originate(["a.0"])
def begin(output):
    open(output, "w").close()

try:
    pipeline_run([begin], verbose=0, **eval(sys.argv[2]))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder that others may enter, which those that pytest makes are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.chdir(folder)
        yield folder
        folder.chmod(0o755)
        monkeypatch.undo()


@pytest.mark.parametrize("place", [{}, {"multiprocess": 2}])
def test_a_read_only_folder_is_named_and_nothing_is_run(open_folder: Path, place: dict[str, int]) -> None:
    os.mkdir("closed", 0o555)
    code, out, err = ran(READ_ONLY, "closed", repr(place))
    assert (code, err) == (0, "")
    assert out.startswith("StoreError")
    assert "closed/.ruffus_history.sqlite" in out
    assert "cannot be written" in out
    assert "history_file=..." in out


def test_a_read_only_folder_for_outputs_is_a_failure_of_the_job(open_folder: Path) -> None:
    os.mkdir("closed", 0o555)
    os.mkdir("free")
    os.chmod("free", 0o777)
    code, out, err = ran(READ_ONLY, "closed", repr({"history_file": f"{open_folder}/free/history.sqlite"}))
    assert (code, err) == (0, "")
    assert out.startswith("RethrownJobError")
    assert "Permission denied: 'a.0'" in out


def test_a_history_that_may_only_be_read(open_folder: Path) -> None:
    run(chain(make()))
    open_folder.chmod(0o555)
    os.chmod(HISTORY, 0o444)
    code, out, err = ran_from(open_folder)
    assert (code, err) == (0, "")
    assert out.startswith("StoreError")
    assert HISTORY in out


def ran_from(folder: Path) -> tuple[int, str, str]:
    return ran(READ_ONLY, str(folder), "{}")


def test_a_full_disk_while_the_history_is_written_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    os.mkdir("small")
    mounted = os.getuid() == 0 and (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", "small"], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("a small file system cannot be mounted here: run the tests as root, with CAP_SYS_ADMIN")
    try:
        run(chain(make()), history_file="small/history.sqlite")
        with open("small/filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        many = Pipeline("many")
        many.originate(make(), [f"{'n' * 200}{number}" for number in range(400)], name="many")
        with pytest.raises(StoreError) as caught:
            run(many, history_file="small/history.sqlite")
        for word in ("small/history.sqlite", "the disk is full", "Make room and run again"):
            assert word in str(caught.value)
        os.unlink("small/filler")
        tally = Tally()
        run(chain(tally, "again"), history_file="small/history.sqlite")
        assert tally.take() == []
        many = Pipeline("many again")
        many.originate(tally, [f"{'n' * 20}{number}" for number in range(20)], name="many")
        run(many, history_file="small/history.sqlite")
        assert len(tally.take()) == 20
    finally:
        subprocess.run(["umount", "small"], check=True)
