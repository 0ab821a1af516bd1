"""The names that a program written for Ruffus imports, and where: the part "Names" of the acceptance table."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from typing import Any

import pytest

import gangline.pipeline as ruffus
from gangline.errors import UsageError
from gangline.pipeline import Pipeline, Task, cmdline, dbdict, drmaa_wrapper, pipeline_run, suffix
from gangline.pipeline import ruffus_exceptions as exceptions
from gangline.pipeline.ruffus_exceptions import RethrownJobError

from .conftest import Tally, files, get, make, put, ran, run


def words(text: str) -> list[str]:
    return text.split()


TOP = words("""
Pipeline Task pipeline_run pipeline_printout pipeline_printout_graph pipeline_get_task_names lookup_pipeline
register_cleanup originate split subdivide transform merge collate product permutations combinations
combinations_with_replacement follows files files_re combine parallel mkdir posttask touch_file jobs_limit active_if
check_if_uptodate graphviz run_in_main_process suffix regex formatter inputs add_inputs output_from runtime_parameter
stderr_logger black_hole_logger JobSignalledBreak graph_colour_demo_printout needs_update_check_modify_time cmdline
combinatorics ruffus_exceptions
""")

MODULES = {
    "cmdline": "get_argparse append_to_argparse setup_logging run handle_verbose",
    "combinatorics": "product permutations combinations combinations_with_replacement",
    "dbdict": "open",
    "drmaa_wrapper": "run_job error_drmaa_job write_job_script_to_temp_file read_stdout_stderr_from_files",
    "proxy_logger": "make_shared_logger_and_proxy setup_std_shared_logger",
    "ruffus_utility": "JobHistoryChecksum open_job_history get_history_file_path",
    "ruffus_exceptions": "RethrownJobError JobSignalledBreak MissingInputFileError error_task "
    "error_duplicate_task_name error_circular_dependencies JobsLimitArgumentError PostTaskArgumentError "
    "error_checksum_level task_FilesArgumentsError",
}
METHODS = words("""
originate transform split subdivide merge collate product permutations combinations combinations_with_replacement files
files_re parallel follows check_if_uptodate graphviz mkdir run printout printout_graph clone set_input set_output
set_head_tasks set_tail_tasks get_head_tasks get_tail_tasks lookup_task_from_name
""")
TASK_METHODS = words(
    "follows mkdir posttask jobs_limit active_if check_if_uptodate graphviz run_in_main_process set_input set_output"
)
RUN = words("""
target_tasks forcedtorun_tasks multiprocess logger gnu_make_maximal_rebuild_mode verbose runtime_data one_second_per_job
touch_files_only exceptions_terminate_immediately log_exceptions checksum_level multithread history_file
verbose_abbreviated_path pipeline pool_manager backend keep_going retries progress resources
""")
RUN_JOB = words("""
cmd_str job_name job_other_options job_script_directory job_environment working_directory logger drmaa_session
retain_job_scripts run_locally output_files touch_only verbose local_echo resubmit pipeline
""")


@pytest.mark.parametrize("name", TOP)
def test_names_at_the_top(name: str) -> None:
    assert getattr(ruffus, name) is not None
    assert name in dir(ruffus)


def test_names_a_star_import_brings_what_programs_use() -> None:
    code, out, err = ran("print(' '.join(sorted(globals())))")
    assert (code, err) == (0, "")
    missing = set(TOP) - {"cmdline"} - set(out.split())
    assert not missing
    done = subprocess.run(
        [sys.executable, "-c", "from gangline.pipeline import *\ncmdline.get_argparse(description='d')"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


@pytest.mark.parametrize("module", MODULES)
def test_names_of_the_modules(module: str) -> None:
    found = getattr(ruffus, module)
    for name in MODULES[module].split():
        assert hasattr(found, name), name
    line = f"from gangline.pipeline.{module} import *; import gangline.pipeline.{module} as there; there.__name__"
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0


@pytest.mark.parametrize("name", METHODS)
def test_names_of_pipelines(name: str) -> None:
    assert callable(getattr(Pipeline("p"), name))


@pytest.mark.parametrize("name", TASK_METHODS)
def test_names_of_tasks(name: str) -> None:
    assert callable(getattr(Task, name))


@pytest.mark.parametrize("name", RUN)
def test_names_of_the_parameters_of_runs(name: str) -> None:
    put("in")
    pipeline = Pipeline("p")
    pipeline.transform(make(), "in", suffix("in"), "out", name="t")
    value: Any = {
        "target_tasks": ["t"],
        "forcedtorun_tasks": ["t"],
        "multiprocess": 2,
        "multithread": 2,
        "logger": ruffus.black_hole_logger,
        "verbose": 3,
        "verbose_abbreviated_path": 1,
        "runtime_data": {"a": 1},
        "checksum_level": 3,
        "history_file": "h.sqlite",
        "pipeline": pipeline,
        "pool_manager": "multiprocessing",
        "backend": "threads",
        "retries": 1,
        "progress": print,
        "resources": {"cores": 1},
    }.get(name, True)
    pipeline_run(**{"pipeline": pipeline, "logger": ruffus.black_hole_logger, name: value})
    if name == "touch_files_only":
        assert get("out") == ""
    assert files("out") == ["out"]


@pytest.mark.parametrize("name", RUN_JOB)
def test_names_of_the_parameters_of_run_job(name: str) -> None:
    assert name in inspect.signature(drmaa_wrapper.run_job).parameters


def test_names_exceptions_are_errors_that_travel() -> None:
    for name in dir(exceptions):
        found = getattr(exceptions, name)
        if isinstance(found, type) and issubclass(found, Exception) and name.startswith(("error_", "Job", "Missing")):
            assert issubclass(found, Exception)
            assert pickle.loads(pickle.dumps(found)) is found


def test_names_task_names_and_lookup() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a"], name="one")
    pipeline.transform(make(), pipeline["one"], suffix("a"), "b", name="two")
    assert ruffus.lookup_pipeline("p") is pipeline
    assert ruffus.lookup_pipeline(pipeline) is pipeline
    with pytest.raises(exceptions.error_not_a_pipeline):
        ruffus.lookup_pipeline("nobody")
    assert isinstance(ruffus.pipeline_get_task_names(pipeline), list)
    assert {"one", "two"} <= {name.rpartition("::")[2] for name in ruffus.pipeline_get_task_names(pipeline)}
    assert pipeline["one"].name == "one"


def test_names_every_order_of_decorators_and_the_function_stays_itself() -> None:
    def plain(source: str, output: str) -> None:
        put(output)

    put("in")
    decorated = ruffus.transform("in", suffix("in"), "out")(
        ruffus.posttask(lambda: put("posted"))(ruffus.jobs_limit(1)(ruffus.follows(ruffus.mkdir("made"))(plain)))
    )
    assert decorated is plain
    pipeline_run(verbose=0)
    assert {"in", "out", "posted"} <= set(files())


def test_names_by_keyword_and_by_position_alike() -> None:
    put("a.in")
    calls = Tally()
    pipeline = Pipeline("p")
    pipeline.transform(calls, "a.in", suffix(".in"), ".1", "x", 2, name="by position")
    pipeline.transform(
        name="by keyword", task_func=calls, input="a.in", filter=suffix(".in"), output=".2", extras=["x", 2]
    )
    pipeline.originate(task_func=calls, output=["b"], extras=["x"], name="o")
    pipeline.split(task_func=calls, input="a.in", output=["s.1"], extras=["x"], name="s")
    pipeline.merge(task_func=calls, input=["a.in"], output="m", extras=["x"], name="m")
    calls._make = lambda *params: make()(*(params[:1] if params[1] == "x" else params[:2]))  # type: ignore[assignment]
    run(pipeline)
    assert {repr(call) for call in calls.take()} == {
        "('a.in', 'a.1', 'x', 2)",
        "('a.in', 'a.2', 'x', 2)",
        "('b', 'x')",
        "('a.in', ['s.1'], 'x')",
        "(['a.in'], 'm', 'x')",
    }


def test_names_sub_pipelines_are_cloned_joined_and_run_apart() -> None:
    def build(name: str) -> Pipeline:
        pipeline = Pipeline(name)
        pipeline.transform(make(), None, suffix(".0"), ".1", name="first")
        pipeline.transform(make(), pipeline["first"], suffix(".1"), f".{name}", name="second")
        pipeline.set_head_tasks([pipeline["first"]])
        pipeline.set_tail_tasks([pipeline["second"]])
        return pipeline

    put("a.0")
    put("b.0")
    one = build("one")
    two = one.clone("two")
    one.set_input(input="a.0")
    two.set_input(input="b.0")
    whole = Pipeline("whole")
    whole.merge(make(), [one, two], "end", name="end")
    run(whole)
    assert files() == ["a.0", "a.1", "a.one", "b.0", "b.1", "b.one", "end"]
    with pytest.raises(UsageError, match="'two' already exists"):
        one.clone("two")


def test_names_output_of_a_clone_may_be_set() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a"], name="start")
    twin = pipeline.clone("twin")
    twin["start"].set_output(output=["b"])
    run(twin)
    assert files() == ["b"]


def test_names_the_history_as_a_dictionary() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a"], name="start")
    run(pipeline)
    history = dbdict.open(".ruffus_history.sqlite", picklevalues=True)
    assert list(history) == ["a"]
    assert history["a"].mtime > 0
    del history["a"]
    history.close()
    tally = Tally()
    again = Pipeline("again")
    again.originate(tally, ["a"], name="start")
    run(again)
    assert len(tally.take()) == 1


def test_names_the_command_line_has_all_options() -> None:
    flags = {
        flag.lstrip("-")
        for action in cmdline.get_argparse(description="test", version="1")._actions
        for flag in action.option_strings
    }
    assert flags >= set(
        words(
            "verbose version log_file target_tasks jobs use_threads just_print touch_files_only recreate_database "
            "checksum_file_name flowchart key_legend_in_graph draw_graph_horizontally flowchart_format forced_tasks"
        )
    )


def test_names_a_whole_program_of_the_usual_kind() -> None:
    program = """
    import gangline.pipeline as ruffus
    import gangline.pipeline.cmdline as cmdline

    parser = cmdline.get_argparse(description="A test")
    parser.add_argument("--word", default="usual")
    options = parser.parse_args()
    logger, logger_mutex = cmdline.setup_logging(__name__, options.log_file, options.verbose)

    @ruffus.originate(["a.txt", "b.txt"], logger, logger_mutex)
    def start(output, logger, mutex):
        with mutex:
            logger.info("making " + output)
        open(output, "w").close()

    @ruffus.transform(start, ruffus.suffix(".txt"), ".out")
    def go(source, output):
        with open(output, "w") as file:
            file.write(options.word)

    cmdline.run(options)
    """
    code, out, err = ran(program, "--word", "mine", "-j", "2", "-L", "log", "-v")
    assert (code, out) == (0, "")
    assert "Completed Task" in err
    assert get("log").count("making") == 2
    assert get("a.out") == "mine"
    code, out, err = ran(program, "-n", "-v")
    assert (code, (out + err).count("Tasks which will be run")) == (0, 1)
    assert ran(program, "--flowchart", "chart.svg")[0] == 0
    assert files("chart.svg") == ["chart.svg"]
    assert ran(program, "--nonsense")[0] == 2


def test_names_a_break_can_be_raised_by_its_old_name() -> None:
    def stop(output: str) -> None:
        raise ruffus.JobSignalledBreak("enough")

    pipeline = Pipeline("p")
    pipeline.originate(stop, ["a"], name="stop")
    with pytest.raises(RethrownJobError):
        run(pipeline)
