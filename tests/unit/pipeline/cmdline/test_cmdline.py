"""The command line of a program with a pipeline."""

from __future__ import annotations

import argparse
import io
import sys
from types import SimpleNamespace

import pytest

import gangline.pipeline
from gangline.errors import UsageError
from gangline.pipeline import cmdline
from gangline.pipeline.loggers import black_hole_logger, stderr_logger

DEFAULTS = {
    "draw_horizontally": False, "flowchart": None, "flowchart_format": None, "forced_tasks": [], "history_file": None,
    "jobs": 1, "just_print": False, "key_legend_in_graph": False, "log_file": None, "recreate_database": False,
    "target_tasks": [], "touch_files_only": False, "use_threads": False, "verbose": [],
}  # fmt: skip


def by_argparse(*arguments, **options):
    return cmdline.get_argparse(description="d", **options).parse_args(arguments)


def by_optparse(*arguments, **options):
    return cmdline.get_optparse(usage="u", **options).parse_args(list(arguments))[0]


both = pytest.mark.parametrize("parse", [by_argparse, by_optparse])


@both
def test_without_arguments_everything_has_its_default(parse):
    assert vars(parse()) == DEFAULTS


@both
def test_arguments_are_read(parse):
    short = "-T" if parse is by_argparse else "-t"
    options = parse(
        *(short, "a", "--target_tasks", "b", "-j", "4", "-n", "--use_threads", "--touch_files_only", "-L", "l.log"),
        *("--recreate_database", "--checksum_file_name", "h", "--flowchart", "f.svg", "--flowchart_format", "dot"),
        *("--key_legend_in_graph", "--draw_graph_horizontally", "--forced_tasks", "x", "--forced_tasks", "y", "-v"),
    )
    assert vars(options) == {
        "draw_horizontally": True, "flowchart": "f.svg", "flowchart_format": "dot", "forced_tasks": ["x", "y"],
        "history_file": "h", "jobs": 4, "just_print": True, "key_legend_in_graph": True, "log_file": "l.log",
        "recreate_database": True, "target_tasks": ["a", "b"], "touch_files_only": True, "use_threads": True,
        "verbose": ["+"],
    }  # fmt: skip


@both
def test_lists_are_not_shared_between_parsers(parse):
    parse("-v", "--forced_tasks", "x")
    assert vars(parse()) == DEFAULTS


@both
@pytest.mark.parametrize("ignored", ["jobs", ["jobs", "verbose"]])
def test_options_can_be_left_out(parse, ignored):
    names = {ignored} if isinstance(ignored, str) else set(ignored)
    assert set(vars(parse(ignored_args=ignored))) == set(DEFAULTS) - names
    with pytest.raises(SystemExit):
        parse("--jobs", "3", ignored_args=ignored)


@both
def test_what_is_left_out_must_be_names(parse):
    with pytest.raises(UsageError, match="expected ignored_args"):
        parse(ignored_args=3)


@both
def test_an_unknown_format_is_refused(parse, capsys):
    with pytest.raises(SystemExit):
        parse("--flowchart_format", "doc")
    assert "svg" in capsys.readouterr().err


def test_the_version_is_the_programs(capsys):
    with pytest.raises(SystemExit):
        by_argparse("--version", version="%(prog)s 3", prog="mine")
    assert capsys.readouterr().out == "mine 3\n"


def test_a_program_adds_its_own_options():
    parser = cmdline.append_to_argparse(argparse.ArgumentParser())
    parser.add_argument("--input_file")
    assert parser.parse_args(["--input_file", "x", "-j", "2"]).input_file == "x"


@both
@pytest.mark.parametrize(
    ("arguments", "verbose", "path"),
    [
        ([], 0, None),
        (["-v"], 1, None),
        (["-v", "-v"], 2, None),
        (["-vv"], 2, None),
        (["-vvv"], 3, None),
        (["-v", "5"], 5, None),
        (["--verbose=3"], 3, None),
        (["--verbose", "7:-5", "-v"], 8, -5),
        (["--verbose", "7:2", "--verbose", "3"], 3, 2),
    ],
)
def test_verbosity_is_counted_or_set(parse, arguments, verbose, path):
    options = cmdline.handle_verbose(parse(*arguments))
    assert (options.verbose, options.verbose_abbreviated_path) == (verbose, path)


@pytest.mark.parametrize(("said", "verbose"), [(None, None), (4, 4), ("6", 6)])
def test_verbosity_may_be_set_by_the_program(said, verbose):
    options = SimpleNamespace(verbose=said, verbose_abbreviated_path=9)
    cmdline.handle_verbose(options)
    assert (options.verbose, options.verbose_abbreviated_path) == (verbose, 9)


@pytest.mark.parametrize("said", ["x", "7abc", "7:", "", "+x"])
def test_odd_verbosity_is_refused(said):
    with pytest.raises(UsageError, match="--verbose INT or --verbose INT:INT") as caught:
        cmdline.handle_verbose(SimpleNamespace(verbose=[said]))
    assert str(caught.value).endswith(f"invalid value '{said}'")


@pytest.fixture
def calls(monkeypatch):
    """The calls of the three functions, which keep their parameters."""
    made = []
    real = gangline.pipeline.pipeline_printout, gangline.pipeline.pipeline_printout_graph

    def stand_in(name, signature_of=None):
        def call(**named):
            made.append((name, named))
            if "stream" in named:
                named["stream"].write(b"drawn")

        if signature_of is not None:
            call.__wrapped__ = signature_of
        monkeypatch.setattr(gangline.pipeline, name, call)

    stand_in("pipeline_run")
    stand_in("pipeline_printout", real[0])
    stand_in("pipeline_printout_graph", real[1])
    return made


def test_the_pipeline_is_run(calls):
    assert cmdline.run(by_argparse("-j", "3", "-v", "2:1", "-T", "a", "--forced_tasks", "b")) is True
    assert calls == [
        (
            "pipeline_run",
            {
                "target_tasks": ["a"], "forcedtorun_tasks": ["b"], "multiprocess": 3, "multithread": None, "verbose": 2,
                "verbose_abbreviated_path": 1, "touch_files_only": False, "history_file": None, "logger": stderr_logger,
            },
        )
    ]  # fmt: skip


def test_options_that_are_missing_count_as_not_given(calls):
    assert cmdline.run(SimpleNamespace(verbose=3)) is True
    assert calls[0][1]["multiprocess"] is None
    assert calls[0][1]["verbose"] == 3


@pytest.mark.parametrize(
    ("arguments", "extra", "named"),
    [
        (["--use_threads", "-j", "3"], {}, {"multithread": 3}),
        (["--use_threads"], {}, {"multithread": None}),
        (["--use_threads", "-j", "3"], {"multithread": 2}, {"multithread": 2}),
        (["-j", "3"], {"multithread": 3}, {"multithread": 3, "multiprocess": 3}),
        (["--touch_files_only"], {}, {"touch_files_only": True}),
        (["--recreate_database"], {}, {"touch_files_only": 2}),
        ([], {"logger": False}, {"logger": black_hole_logger}),
        ([], {"logger": None}, {"logger": stderr_logger}),
        ([], {"logger": 7}, {"logger": 7}),
        ([], {"pipeline": "mine", "keep_going": True}, {"pipeline": "mine", "keep_going": True}),
        (["--checksum_file_name", "h"], {"checksum_level": 2}, {"history_file": "h", "checksum_level": 2}),
        ([], {"history_file": "h"}, {"history_file": "h"}),
    ],
)
def test_arguments_and_extra_options_reach_the_run(calls, arguments, extra, named):
    cmdline.run(by_argparse(*arguments), **extra)
    assert {name: calls[0][1][name] for name in named} == named


def test_each_function_gets_the_extra_options_that_it_knows(calls, tmp_path):
    target = tmp_path / "graph.dot"
    extra = {"multithread": 3, "wrap_width": 60, "size": (1, 1), "pipeline": "mine", "logger": False}
    assert cmdline.run(by_argparse("-n", "-v"), **extra) is False
    assert cmdline.run(by_argparse("--flowchart", str(target)), **extra) is False
    (first, printed), (second, drawn) = calls
    assert (first, second) == ("pipeline_printout", "pipeline_printout_graph")
    assert printed == {
        "output_stream": sys.stdout, "target_tasks": [], "forcedtorun_tasks": [], "history_file": None, "verbose": 1,
        "verbose_abbreviated_path": None, "wrap_width": 60, "pipeline": "mine",
    }  # fmt: skip
    del drawn["stream"]
    assert drawn == {
        "output_format": "dot", "target_tasks": [], "forcedtorun_tasks": [], "history_file": None,
        "draw_vertically": True, "no_key_legend": True, "size": (1, 1), "pipeline": "mine",
    }  # fmt: skip
    assert target.read_bytes() == b"drawn"


def test_a_misspelt_extra_option_is_refused_with_the_right_spelling(calls):
    with pytest.raises(UsageError, match="'multithraed' is not known\\. Did you mean 'multithread'"):
        cmdline.run(by_argparse(), multithraed=3)
    assert calls == []


def test_a_printout_of_a_real_pipeline(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pipeline = gangline.pipeline.Pipeline("of the command line")
    pipeline.originate(lambda output: None, ["made"], name="make")
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    assert cmdline.run(by_argparse("-n", "-v", "3"), pipeline=pipeline) is False
    assert "Tasks which will be run:" in shown.getvalue()
