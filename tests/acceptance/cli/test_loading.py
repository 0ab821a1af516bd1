"""A program with a pipeline, read as far as its first run, or run as `python FILE` would."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from gangline.cli.pipelines.loading import ProgramError, definitions, find_program, run_program
from gangline.cli.pipelines.options import Asked
from gangline.errors import UsageError
from gangline.pipeline.running.options import RunOptions
from gangline.pipeline.running.watching import Watcher
from gangline.pipeline.stages.pipeline import Pipeline

TWO_STAGES = """
from gangline.pipeline import *

@originate(["a.0", "b.0"])
def make(output):
    open(output, "w").close()

@transform(make, suffix(".0"), ".1")
def copy(source, output):
    open(output, "w").close()
"""
RUNS = TWO_STAGES + '\nif __name__ == "__main__":\n    pipeline_run([copy], multiprocess=3, checksum_level=2)\n'


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "pipe.py") -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def read(text: str, *arguments: str, **asked: Any) -> tuple[RunOptions, list[str]]:
    """The options of the first run, and the stages."""
    program = find_program(write(text), arguments)
    with definitions(program, Asked(**asked)) as options:
        return options, [stage.name for pipeline in Pipeline.pipelines.values() for stage in pipeline.tasks]


def refused(text: str | bytes, **asked: Any) -> str:
    """Why a program cannot be read."""
    Path("pipe.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProgramError) as caught, definitions(find_program("pipe.py"), Asked(**asked)):
        pass
    return str(caught.value)


def test_reading_ends_at_the_first_run_and_runs_nothing() -> None:
    options, stages = read(RUNS + "    open('went_on', 'w')\n")
    assert stages == ["make", "copy"]
    assert (options.multiprocess, options.checksum_level) == (3, 2)
    assert [stage.__name__ for stage in options.target_tasks] == ["copy"]
    assert os.listdir() == ["pipe.py"]


def test_the_command_line_is_laid_over_what_the_program_says() -> None:
    options, _ = read(RUNS, target=("make",), force=("copy",), jobs=5, checksum_level=0, keep_going=True, retries=1)
    assert options.target_tasks == ["make"]
    assert options.forcedtorun_tasks == ["copy"]
    assert (options.parallelism, options.checksum_level, options.keep_going, options.retries) == (5, 0, True, 1)


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [
        ("", {}, (1, 0, None)),
        ("multithread=4", {}, (1, 4, None)),
        ("multithread=4", {"jobs": 2}, (1, 2, None)),
        ("multiprocess=4", {"threads": True}, (1, 4, "threads")),
        ("multithread=4", {"backend": "processes"}, (4, 0, "processes")),
        ("multiprocess=4", {"backend": "inline"}, (1, 0, "inline")),
    ],
)
def test_where_jobs_run(said: str, asked: dict[str, Any], expected: tuple[int, int, str | None]) -> None:
    options, _ = read(TWO_STAGES + f"pipeline_run({said})", **asked)
    assert (options.multiprocess, options.multithread, options.backend) == expected


def test_all_stages_may_be_forced() -> None:
    options, _ = read(RUNS, force_all=True)
    assert [stage.name for stage in options.forcedtorun_tasks] == ["make", "copy"]


def test_a_program_that_runs_nothing_itself_gets_a_process_per_core() -> None:
    options, _ = read(TWO_STAGES)
    assert (options.pipeline, options.parallelism) == ("main", len(os.sched_getaffinity(0)))


def test_printouts_are_left_out_and_prints_go_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    text = "import os\n" + TWO_STAGES + "print('hello', flush=True)\nos.system('echo command')\npipeline_printout()\n"
    read(text + "pipeline_printout_graph('x.svg')\npipeline_run()")
    assert not Path("x.svg").exists()
    captured = capfd.readouterr()
    assert captured.out == ""
    assert sorted(captured.err.split()) == ["command", "hello"]


def test_a_flowchart_that_a_program_is_told_to_draw_is_left_as_it_is() -> None:
    Path("x.svg").write_text("drawn before")
    text = TWO_STAGES + "cmdline.run(cmdline.get_argparse().parse_args())\n"
    assert read(text, "--flowchart", "x.svg")[1] == ["make", "copy"]
    assert Path("x.svg").read_text() == "drawn before"


def test_a_program_that_catches_everything_does_not_run_either() -> None:
    options, _ = read(TWO_STAGES + "try:\n    pipeline_run(multiprocess=7)\nexcept:\n    pass\n")
    assert options.multiprocess == 7
    assert os.listdir() == ["pipe.py"]


def test_the_file_is_the_main_program_and_everything_is_put_back(tmp_path: Path) -> None:
    write("def helped():\n    return 'helped'\n", "deep/helper_of_this_test.py")
    name = write(
        "import helper_of_this_test, os, sys\nfrom gangline.pipeline import *\n"
        "seen = (__name__, __file__, sys.argv, sys.path[0], os.getcwd(), "
        "sys.modules['__main__'].__dict__ is globals())\n"
        "@originate([helper_of_this_test.helped()], seen)\ndef make(output, seen):\n    pass\n",
        "deep/pipe.py",
    )
    before = sys.modules["__main__"], sys.argv, list(sys.path), dict(Pipeline.pipelines)
    with definitions(find_program(name, ["-x", "1"]), Asked()) as options:
        (stage,) = Pipeline.pipelines[options.pipeline].tasks
        assert stage.name == "make"
        assert stage.arguments.output == ["helped"]
        folder = str(tmp_path / "deep")
        (seen,) = stage.arguments.extras
        assert seen == ("__main__", f"{folder}/pipe.py", [name, "-x", "1"], folder, str(tmp_path), True)
    assert (sys.modules["__main__"], sys.argv, sys.path, Pipeline.pipelines) == before
    assert "helper_of_this_test" not in sys.modules


def test_programs_that_are_not_there() -> None:
    write(RUNS, "sub/pipeline.py")
    with pytest.raises(UsageError, match=r"^there is no file sub/pipelin\.py; did you mean sub/pipeline\.py\?$"):
        find_program("sub/pipelin.py")
    with pytest.raises(UsageError, match=r"^there is no file nothing$"):
        find_program("nothing")
    with pytest.raises(UsageError, match="sub is a folder"):
        find_program("sub")


def test_an_error_of_the_program_is_told_with_its_own_lines_only() -> None:
    told = refused(
        TWO_STAGES + "\ndef fail():\n    return undefined\n\n@transform(make, sufix('.0'), fail())\ndef x(): pass\n"
    )
    assert told.startswith("pipe.py cannot be used: line 15\n\nTraceback (most recent call last):\n")
    assert told.endswith("NameError: name 'sufix' is not defined")
    assert os.path.join("gangline", "cli") not in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = (1,\n", "cannot be used: line 1\n"),
        ("import gangline.nothing\n", "No module named 'gangline.nothing'"),
        ("from ruffus import *\n", "import lines name gangline.pipeline in place of ruffus"),
        ("x = 1\n", "declares no stage and does not call pipeline_run"),
        (b"\x7fELF\0\1", "is not a Python program"),
        (b"x = '\xff'", "utf-8"),
        (TWO_STAGES + "@originate(1, 2, 3, name=1, nme=2)\ndef x(): pass\n", ", line 11: "),
        (TWO_STAGES + "pipeline_run(multiproces=2)\n", ", line 11: "),
    ],
)
def test_programs_that_cannot_be_used(text: str | bytes, expected: str) -> None:
    told = refused(text)
    assert told.startswith("pipe.py")
    assert expected in told


def test_of_several_pipelines_one_must_be_chosen() -> None:
    text = "from gangline.pipeline import *\n" + "".join(
        f"Pipeline({name!r}).originate('touch {{output}}', ['x'], name='stage of {name}')\n" for name in ("one", "two")
    )
    assert "choose with --pipeline: one, two" in refused(text)
    assert "declares no pipeline 'three'; there is: one, two" in refused(text, pipeline="three")
    options, _ = read(text, pipeline="two")
    assert options.pipeline == "two"


def test_a_program_may_end_itself() -> None:
    with pytest.raises(SystemExit) as caught:
        read("import sys\nsys.exit(0)")
    assert caught.value.code == 0
    with pytest.raises(SystemExit) as caught:
        read(TWO_STAGES + "raise SystemExit('no input')")
    assert caught.value.code == "no input"
    assert read(TWO_STAGES + "raise SystemExit()")[1] == ["make", "copy"]


def test_running_goes_on_after_the_run_and_tells_of_each() -> None:
    wanted: list[RunOptions] = []

    def watch(options: RunOptions) -> Watcher:
        wanted.append(options)
        return Watcher()

    program = find_program(
        write(TWO_STAGES + "pipeline_run([make])\npipeline_run(verbose=5)\nopen('went_on', 'w').close()\n")
    )
    run_program(program, Asked(jobs=2), watch)
    assert [(options.parallelism, options.verbose, options.record) for options in wanted] == [(2, 0, ".gangline")] * 2
    assert {"a.1", "b.1", "went_on"} <= set(os.listdir())


def test_what_the_command_line_says_can_be_kept_and_taken_up_again() -> None:
    asked = Asked(target=("a", "b"), jobs=1, retries=0, checksum_level=0, keep_going=True)
    assert Asked.from_data(asked.as_data() | {"of a later version": 1}) == asked
    assert asked.changed_by(Asked(jobs=3, target=("c",))) == Asked(
        target=("c",), jobs=3, retries=0, checksum_level=0, keep_going=True
    )
    with pytest.raises(UsageError, match="one job at a time"):
        Asked(backend="inline", jobs=2)
    with pytest.raises(UsageError, match="contradict"):
        Asked(backend="inline", threads=True)
