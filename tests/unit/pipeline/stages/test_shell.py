import pickle
import subprocess
from pathlib import Path

import pytest

from gangline.errors import UsageError
from gangline.pipeline import Pipeline, formatter, suffix
from gangline.pipeline.ruffus_exceptions import error_duplicate_task_name, error_executable_str
from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.selection import select
from gangline.pipeline.stages.shell import run_commands, split_commands


def run_all(pipeline):
    """What a run in this process does, without asking what is up to date."""
    expansion = Expansion()
    for stage in select(pipeline=pipeline).graph.order:
        for job in expansion.jobs(stage):
            args, named = stage.call_arguments(job)
            stage.function(*args, **named)
        expansion.forget(stage)


def test_stages_may_be_commands():
    pipeline = Pipeline("p")
    made = pipeline.originate("echo {word} > {output}", ["a b.1", "c.1"], extras={"word": "hello"})
    upper = pipeline.transform("tr a-z A-Z < {input}\n > {output}", made, suffix(".1"), ".2")
    pipeline.merge("cat {input} > {output}; wc -l < {output} >> {output}", upper, "all")
    run_all(pipeline)
    assert Path("all").read_text().split() == ["HELLO", "HELLO", "2"]


def test_commands_travel():
    function = Pipeline("p").originate("echo 1 > {output}", ["x"]).function
    pickle.loads(pickle.dumps(function))("x")
    assert Path("x").read_text() == "1\n"


def test_a_command_that_fails_ends_the_line():
    with pytest.raises(subprocess.CalledProcessError) as raised:
        run_commands(command_str="touch {output}; exit 3; touch never", output="made")
    assert raised.value.returncode == 3
    assert Path("made").exists()
    assert not Path("never").exists()


def test_a_loop_is_one_command():
    run_commands(command_str="for name in {input}; do echo $name; done > {output}", input=["a b", "c"], output="made")
    assert Path("made").read_text() == "a b\nc\n"


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a; b;;c ", ["a", "b", "c"]),
        ("a 'x;y' \"u;v\"; b\\;c", ["a 'x;y' \"u;v\"", "b\\;c"]),
        ('echo "it\'s; \\" so";z', ['echo "it\'s; \\" so"', "z"]),
        ("one\n two", ["one  two"]),
        ("", []),
        ("for x in a b; do echo $x; done > {output}; ls", ["for x in a b; do echo $x; done > {output}", "ls"]),
        ("test -s x || {{ echo no; exit 3; }}; ls", ["test -s x || {{ echo no; exit 3; }}", "ls"]),
        ("if a; then b; else c; fi; d", ["if a; then b; else c; fi", "d"]),
        ("while a; do if b; then c; fi; done; d", ["while a; do if b; then c; fi; done", "d"]),
        ("case x in x) a;; y) b;; esac; c", ["case x in x) a;; y) b;; esac", "c"]),
        ("(a; b) | c; echo $(d; e)", ["(a; b) | c", "echo $(d; e)"]),
        ("echo if for; echo }}; awk {{x}}", ["echo if for", "echo }}", "awk {{x}}"]),
        ('a "no end; b', ['a "no end; b']),
    ],
)
def test_commands_are_told_apart(text, commands):
    assert split_commands(text) == commands


def test_fields_are_quoted_for_the_shell():
    run_commands(
        command_str="printf '%s|' {input} {input[1]} {n} {k:03d} > {output}",
        input=["a b", "c'd"],
        output="o",
        n="x y",
        k=7,
    )
    assert Path("o").read_text() == "a b|c'd|c'd|x|y|007|"


def test_own_callbacks_get_everything_by_name():
    calls = []
    pipeline = Pipeline("p")
    pipeline.set_command_str_callback(lambda **named: calls.append(named))
    pipeline.transform(
        "cp {input} {output}", ["a.1"], formatter(), "{basename[0]}.2", extras={"n": "{ext[0]}"}, name="first"
    )
    own = pipeline.originate("make {output}", ["b"], name="second")
    own.set_command_str_callback(lambda **named: calls.append("own"))
    run_all(pipeline)
    assert calls == [{"command_str": "cp {input} {output}", "input": "a.1", "output": "a.2", "n": ".1"}, "own"]
    with pytest.raises(UsageError):
        own.set_command_str_callback("no function")


def test_a_command_is_named_by_as_many_words_as_are_needed():
    pipeline = Pipeline("p")
    names = [pipeline.originate(command, ["x"]).name for command in ("sort", "sort -u", "sort -u x")]
    assert names == ["sort", "sort -u", "sort -u x"]


def test_a_command_without_a_name_left():
    pipeline = Pipeline("p")
    pipeline.originate("sort", ["x"])
    with pytest.raises(error_duplicate_task_name, match="The task string 'sort' is ambiguous for Pipeline 'p'"):
        pipeline.originate("sort", ["y"])


def test_extras_of_a_command_have_names():
    with pytest.raises(error_executable_str, match="requires a dictionary for named parameters"):
        Pipeline("p").transform("cp", ["a.1"], suffix(".1"), ".2", "extra")
    with pytest.raises(error_executable_str):
        Pipeline("q").merge("cp", ["a.1"], "x", extras=[3])
