"""`run_job` on this machine: P36. On a batch system: tests/integration/test_run_job.py."""

from __future__ import annotations

import os
import signal

import pytest

from gangline.pipeline import Pipeline, suffix
from gangline.pipeline.drmaa_wrapper import error_drmaa_job, run_job
from gangline.pipeline.ruffus_exceptions import RethrownJobError

from .conftest import PLACES, files, get, group_is_empty, put, run, start, wait_for


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("exit 3", ("3",)),
        ("kill -KILL $$", ("SIGKILL",)),
        ("kill -TERM $$", ("SIGTERM",)),
        ("no_such_program_at_all", ("127", "no_such_program_at_all")),
        ("echo seen; echo wrong >&2; false", ("1", "wrong")),
    ],
)
def test_p36_a_failure_has_its_exact_code_or_signal(command: str, words: tuple[str, ...]) -> None:
    with pytest.raises(error_drmaa_job) as caught:
        run_job(command, run_locally=True)
    for word in (*words, command):
        assert word in str(caught.value)
    assert "-3" not in str(caught.value)
    assert files() == []


@pytest.mark.parametrize("place", PLACES)
def test_p36_in_a_pipeline_output_comes_back_as_lines(place: dict[str, int]) -> None:
    def work(source: str, output: str) -> None:
        from gangline.pipeline.drmaa_wrapper import run_job

        out, err = run_job(f"cat '{source}'; echo aside >&2; touch '{output}'", run_locally=True)
        assert out == ["one\n", "zwei ü\n"]
        assert err == ["aside\n"]

    put("a b.0", "one\nzwei ü\n")
    put("c.0", "one\nzwei ü\n")
    pipeline = Pipeline("p")
    pipeline.transform(work, ["a b.0", "c.0"], suffix(".0"), ".1", name="work")
    run(pipeline, **place)
    assert files() == ["a b.0", "a b.1", "c.0", "c.1"]


def test_p36_a_failure_in_a_pipeline_comes_as_itself() -> None:
    def work(output: str) -> None:
        from gangline.pipeline.drmaa_wrapper import run_job

        run_job("echo why >&2; exit 5", run_locally=True)

    for place in PLACES:
        pipeline = Pipeline(f"p{place}")
        pipeline.originate(work, ["a"], name="work")
        with pytest.raises(RethrownJobError) as caught:
            run(pipeline, **place)
        assert caught.value.group is not None
        assert isinstance(caught.value.group.exceptions[0], error_drmaa_job)
        assert "why" in caught.value.job_exceptions[0][3]


def test_p36_touching_runs_nothing() -> None:
    assert not any(run_job("echo no > file", touch_only=True, run_locally=True, output_files=["made", "too"]))
    assert files() == ["made", "too"]


def test_p36_environment_and_folder() -> None:
    os.mkdir("there ü")
    out, _ = run_job(
        'pwd; echo "$OWN"', run_locally=True, working_directory="there ü", job_environment={"OWN": 'it\'s "mine"'}
    )
    assert out == [f"{os.getcwd()}/there ü\n", 'it\'s "mine"\n']


@pytest.mark.parametrize("place", PLACES)
def test_p36_ctrl_c_ends_the_commands(place: dict[str, int]) -> None:
    process = start(
        """
        from gangline.pipeline.drmaa_wrapper import run_job

        @originate(["a", "b"])
        def work(output):
            run_job(f"sleep 600 & touch {output}.running; sleep 600", run_locally=True)

        try:
            pipeline_run(verbose=0, **eval(sys.argv[1]))
        except KeyboardInterrupt:
            print("interrupted")
        """,
        repr(place),
    )
    wait_for(lambda: len(files("*.running")) == max(place.values()))
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("interrupted\n", "")
    wait_for(lambda: group_is_empty(process.pid))


def test_p36_much_output_and_bytes_that_are_no_text() -> None:
    out, err = run_job("seq 100000; printf '\\377\\n' >&2", run_locally=True)
    assert (len(out), out[-1]) == (100000, "100000\n")
    assert len(err) == 1


def test_p36_without_a_session_it_is_said_what_to_do() -> None:
    with pytest.raises(Exception, match="drmaa_session"):
        run_job("true")


def test_p36_a_command_may_be_long_and_have_several_lines() -> None:
    words = " ".join(f"word{number}" for number in range(5000))
    run_job(f"echo {words} > long\n# a comment\necho 'second line' >> long", run_locally=True)
    assert get("long") == f"{words}\nsecond line\n"
