"""Where Gangline does more than upstream, and what the comparison with it cannot show."""

from typing import NamedTuple

import pytest

from gangline.errors import UsageError
from gangline.pipeline.expand.filtered import Filtered, collate_jobs, subdivide_jobs, transform_jobs
from gangline.pipeline.expand.jobs import NO_MATCH, JobParams, Notes
from gangline.pipeline.expand.old_style import files_re_arguments, rows_jobs
from gangline.pipeline.expand.outputs import as_input, check_single, collect_outputs
from gangline.pipeline.expand.plain import merge_jobs
from gangline.pipeline.expand.rules import Patterns
from gangline.pipeline.expand.sources import Sources, refuse_stages
from gangline.pipeline.indicators import Placeholder, combine, output_from, runtime_parameter
from gangline.pipeline.names.choose import choose_namer
from gangline.pipeline.names.formatter import formatter
from gangline.pipeline.names.inputs import InputMode
from gangline.pipeline.names.nested import compile_strings, find_references, replace_references
from gangline.pipeline.names.paths import abbreviate, show
from gangline.pipeline.names.regex import regex
from gangline.pipeline.names.suffix import suffix
from gangline.pipeline.ruffus_exceptions import error_task_get_output, error_task_split


class Stage(Placeholder):
    _name = "stage"


class Asked:
    """Sources that count how often they are asked."""

    def __init__(self, **files):
        self.files = files
        self.globs = []
        self.stages = []
        self.sources = Sources(self.glob, self.outputs, "/lab/run")

    def glob(self, pattern):
        self.globs.append(pattern)
        return self.files.get(pattern, [])

    def outputs(self, stage, bare):
        self.stages.append(bare)
        return ["s2", "s1"]


def declared(names, filter_, output, *extras, **more):
    return Filtered(names, choose_namer(filter_, "@transform", UsageError), Patterns(output, extras, **more))


def test_extras_by_name_are_filled_like_the_others():
    stage = declared(
        ["a.fq"], formatter(), "{basename[0]}.x", named={"log": "{basename[0]}.log", "n": 3, "d": {"k": 1}}
    )
    (job,) = transform_jobs(stage, Asked().sources)
    assert job.params == ("a.fq", "a.x")
    assert job.named == {"log": "a.log", "n": 3, "d": {"k": 1}}


def test_collate_keeps_items_apart_whose_extras_by_name_differ():
    stage = declared(["a.1", "a.2", "b.1"], regex(r"(\w)\.(\d)"), "sum", named={"number": r"\2"})
    jobs = list(collate_jobs(stage, Asked().sources))
    assert [(job.inputs, dict(job.named)) for job in jobs] == [
        (("a.1", "b.1"), {"number": "1"}),
        (("a.2",), {"number": "2"}),
    ]


def test_a_single_name_is_one_item_for_every_kind():
    (job,) = collate_jobs(declared("a.fq", regex("(.)"), "all"), Asked().sources)
    assert job.inputs == ("a.fq",)


def test_what_is_no_string_is_handed_on_itself():
    thing = object()
    (job,) = transform_jobs(declared(["a.fq"], suffix(".fq"), ".x", thing, 4), Asked().sources)
    assert job.extras == (thing, 4)


def test_named_tuples_keep_their_kind():
    class Pair(NamedTuple):
        first: str
        second: str

    (job,) = transform_jobs(declared(["a.fq"], suffix(".fq"), Pair(".x", ".y")), Asked().sources)
    assert job.outputs == Pair("a.x", "a.y")


def test_globs_and_stages_in_further_inputs_are_asked_for_once():
    asked = Asked(**{"*.ref": ["z.ref", "a.ref"]})
    stage = declared(["a.fq", "b.fq"], suffix(".fq"), ".x", more=("*.ref", Stage()), mode=InputMode.ADD)
    jobs = list(transform_jobs(stage, asked.sources))
    assert [job.inputs for job in jobs] == [(name, "a.ref", "z.ref", "s2", "s1") for name in ("a.fq", "b.fq")]
    assert asked.globs == ["*.ref"]
    assert asked.stages == [False]


@pytest.mark.parametrize("more", ["x.ref", ["x.ref"], ("x.ref",)])
def test_further_inputs_may_be_of_any_shape(more):
    stage = declared(["a.fq"], suffix(".fq"), ".x", more=more, mode=InputMode.ADD)
    assert [job.inputs for job in transform_jobs(stage, Asked().sources)] == [("a.fq", "x.ref")]


def test_brackets_that_come_from_a_file_name_are_no_glob():
    asked = Asked(**{"we*": ["we[1].fq"]})
    (job,) = subdivide_jobs(declared("we*", suffix(".fq"), [".x", ".*.y"]), asked.sources)
    assert asked.globs == ["we*", "we[1].*.y"]
    assert job.outputs == ["we[1].x"]
    assert job.shown[1] == ["we[1].x", "we[1].*.y"]


def test_items_are_found_again_in_the_notes():
    notes = Notes()
    assert not list(transform_jobs(declared(["a.fq", "a.fq"], suffix(".bam"), ".x"), Asked().sources, notes))
    assert list(notes.warnings) == [NO_MATCH]
    assert list(notes.unmatched) == ["File 'a.fq' does not match suffix('.bam') and pattern '.x'"]


def test_without_items_nothing_is_noted():
    notes = Notes()
    assert not list(transform_jobs(declared([], suffix(".bam"), ".x"), Asked().sources, notes))
    assert not notes.warnings


def test_a_stage_alone_gives_its_bare_output_to_a_merge():
    asked = Asked()
    (job,) = merge_jobs(Stage(), "sum", (), asked.sources)
    assert asked.stages == [True]
    assert job.params == (["s2", "s1"], "sum")
    list(merge_jobs([Stage()], "sum", (), asked.sources))
    assert asked.stages == [True, False]


def test_a_function_makes_rows_anew_each_time():
    numbers = iter(range(9))

    def rows():
        yield next(numbers), "x"

    assert [[job.params for job in rows_jobs(rows)] for _ in range(2)] == [[(0, "x")], [(1, "x")]]


def test_jobs_with_few_parameters():
    job = JobParams((), ())
    assert (job.inputs, job.outputs, job.extras) == (None, None, ())
    assert collect_outputs([job, JobParams(["a"], ["a"]), JobParams(["a", "b"], ["a", "b"])]) == ["b"]


def test_outputs_as_input():
    jobs = [JobParams(params, params) for params in (("i", "z"), ("i", ["b", "a"]), ("i", ("c",)))]
    assert collect_outputs(jobs) == ["z", ["b", "a"], ("c",)]
    assert collect_outputs(jobs, splits=True) == ["z", "b", "a", "c"]
    assert as_input(["z", "b"]) == ["b", "z"]
    assert as_input(["z"], bare=True) == "z"
    assert as_input([], bare=True) == []
    check_single(1, Stage())
    with pytest.raises(error_task_get_output, match="somehow has more than one job"):
        check_single(2, Stage())


def test_an_output_must_not_be_a_stage():
    def blame(text):
        return error_task_split(Stage(), text)

    refuse_stages(["a", "*.b"], "@split", blame)
    with pytest.raises(error_task_split, match="@split cannot output to another task"):
        refuse_stages(["a", [Stage()]], "@split", blame)


def test_references_are_found_and_replaced():
    def function():
        raise AssertionError

    structure = ["a", function, "*.b", output_from("named", function), (Stage, ["*.b"]), {"not": function}]
    found = find_references(structure)
    assert found.stages == [function, "named", function, Stage]
    assert found.globs == ["*.b"]
    replaced = replace_references(structure, lambda name: ("ref", name))
    assert replaced[:5] == ["a", ("ref", function), "*.b", ("ref", "named"), ("ref", function)]
    assert replaced[5:] == [(("ref", Stage), ["*.b"]), {"not": function}]


def test_a_wrapper_around_several_arguments_stands_for_their_tuple():
    combining, args = files_re_arguments(["*", "x", combine("y", "z")], UsageError)
    assert combining
    assert args[0] == "*"
    assert args[2] == ("y", "z")


@pytest.mark.parametrize("args", [(), ("a", "b"), (3,)])
def test_runtime_parameters_have_one_name(args):
    with pytest.raises(UsageError, match="single string"):
        runtime_parameter(*args)


def test_printed_values():
    class Odd:
        def __str__(self):
            raise RuntimeError

    assert show({"b", "a"}) == "[a, b]"
    assert show(Odd()).startswith("<<class")
    assert show(object()) == "<object>"
    assert abbreviate("/data/run/a/reads.fq", 2, "/home") == ".../a/reads.fq"


def test_patterns_are_compiled_once():
    compiled = []

    def compile_string(text):
        compiled.append(text)
        return lambda match: text + match

    rule = compile_strings(["a", ("b", 3)], compile_string)
    assert rule("1") == ["a1", ("b1", 3)]
    assert rule("2") == ["a2", ("b2", 3)]
    assert compiled == ["a", "b"]
