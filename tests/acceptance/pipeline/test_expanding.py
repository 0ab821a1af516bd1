"""Which jobs there are, and what they are called with: P1, P2, P3, P4, P17, P27.

Every rule of names is held against upstream, case by case, in tests/unit/pipeline/test_against_upstream.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline import (
    Pipeline,
    add_inputs,
    cmdline,
    collate,
    combinations,
    files_re,
    follows,
    formatter,
    inputs,
    merge,
    originate,
    output_from,
    permutations,
    pipeline_run,
    product,
    regex,
    runtime_parameter,
    split,
    subdivide,
    suffix,
    transform,
)
from gangline.pipeline import files as files_
from gangline.pipeline.ruffus_exceptions import RethrownJobError

from .conftest import PLACES, Ear, Tally, files, get, make, put, run

# P1 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trickle", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_p1_the_number_of_parts_may_change_from_run_to_run(place: dict[str, int], trickle: bool) -> None:
    def cut(source: str, outputs: list[str]) -> None:
        import glob

        for name in glob.glob("*.part"):
            os.unlink(name)
        with open(source) as file:
            count = int(file.read())
        for number in range(count):
            with open(f"{number}.part", "w"):
                pass

    def count(sources: Any, output: str) -> None:
        with open(output, "w") as file:
            file.write(str(len([sources] if isinstance(sources, str) else sources)))

    pipeline = Pipeline("p")
    pipeline.split(cut, "number", "*.part", name="cut")
    pipeline.transform(make(), pipeline["cut"], suffix(".part"), ".read", name="read")
    pipeline.merge(count, pipeline["read"], "count", name="count")
    for number in (3, 5, 2):
        put("number", str(number))
        for name in files("*.read"):
            os.unlink(name)
        run(pipeline, trickle=trickle, **place)
        assert get("count") == str(number)
        assert len(files("*.read")) == number


def test_p1_globs_of_inputs_are_asked_when_the_stages_turn_comes() -> None:
    tally = Tally()
    pipeline = Pipeline("p")
    pipeline.split(
        lambda source, outputs: [put(f"made/{each}.txt") for each in "abc"], None, "made/*.txt", name="make"
    ).mkdir("made")
    pipeline.transform(tally, "made/*.txt", suffix(".txt"), ".out", name="read").follows(pipeline["make"])
    run(pipeline)
    assert [call[0] for call in tally.take()] == ["made/a.txt", "made/b.txt", "made/c.txt"]


def test_p1_a_stage_with_dozens_of_parents_starts_when_all_are_done() -> None:
    order: list[str] = []

    def note(*params: Any) -> None:
        order.append(params[-1])
        put(params[-1])

    pipeline = Pipeline("p")
    stages = [pipeline.originate(note, [f"{number}.0"], name=f"start {number}") for number in range(36)]
    pipeline.merge(note, stages, "end", name="end")
    run(pipeline, multithread=4)
    assert order[-1] == "end"
    assert len(order) == 37


def test_p1_follows_several_by_name_function_and_stage() -> None:
    order: list[str] = []

    @originate(["a"])
    def first(output: str) -> None:
        order.append(output)
        put(output)

    @originate(["b"])
    def second(output: str) -> None:
        order.append(output)
        put(output)

    @follows(first, "second")
    @originate(["c"])
    def third(output: str) -> None:
        order.append(output)
        put(output)

    pipeline_run([third], verbose=0)
    assert sorted(order[:2]) == ["a", "b"]
    assert order[2:] == ["c"]


# P2 -------------------------------------------------------------------------------------------------------------------


def called(pipeline: Pipeline, tally: Tally) -> list[tuple[Any, ...]]:
    run(pipeline)
    return tally.take()


def test_p2_suffix_looks_at_the_first_file_and_drops_what_does_not_match(ear: Ear) -> None:
    tally = Tally()
    for name in ("a.txt", "a.idx", "b.doc", "b.txt", "c.tx"):
        put(name)
    pipeline = Pipeline("p")
    pipeline.transform(tally, [["a.txt", "a.idx"], ["b.doc", "b.txt"], "c.tx"], suffix(".txt"), ".out", name="t")
    assert called(pipeline, tally) == [(["a.txt", "a.idx"], "a.out")]


def test_p2_regex_searches_substitutes_and_keeps_the_rest() -> None:
    tally = Tally()
    os.mkdir("in ü")
    put("in ü/sample_12.x.txt")
    pipeline = Pipeline("p")
    pipeline.transform(tally, "in ü/*.txt", regex(r"_(?P<n>\d+)\."), r"<\g<n>>.", r"\1", name="t")
    assert called(pipeline, tally) == [("in ü/sample_12.x.txt", "in ü/sample<12>.x.txt", "in ü/sample12x.txt")]


def test_p2_formatter_has_all_fields_of_all_files(tmp_path: Path) -> None:
    tally = Tally()
    os.makedirs("one/two/three")
    put("one/two/three/a.b.txt")
    put("other.dat")
    pipeline = Pipeline("p")
    pattern = "{basename[0]} {ext[0]} {basename[1]}{ext[1]} {subdir[0][1]} {NAME[0]} {0[1]}"
    pipeline.transform(
        tally,
        [["one/two/three/a.b.txt", "other.dat"]],
        formatter(r"/(?P<NAME>\w)\.b", None),
        "{subpath[0][2]}/made",
        "{path[0]}",
        "{path[1]}",
        pattern.replace("{0[1]}", "{0[0]}"),
        name="t",
    )
    ((_, output, path0, path1, text),) = called(pipeline, tally)
    assert output == f"{tmp_path}/one/made"
    assert (path0, path1) == (f"{tmp_path}/one/two/three", str(tmp_path))
    assert text == "a.b .txt other.dat two a /a.b"


def test_p2_a_pattern_without_fields_runs_though_the_expression_does_not_match() -> None:
    tally = Tally()
    put("a.txt")
    pipeline = Pipeline("p")
    pipeline.transform(tally, "a.txt", formatter(r"nothing(?P<X>\d)"), "plain.out", name="plain")
    pipeline.transform(tally, "a.txt", formatter(r"nothing(?P<X>\d)"), "{X[0]}.out", name="field")
    assert called(pipeline, tally) == [("a.txt", "plain.out")]


def test_p2_combinatorics_have_one_level_more() -> None:
    for name in ("a.x", "b.x", "1.y", "2.y"):
        put(name)
    tally = Tally()
    pipeline = Pipeline("p")
    name = "{basename[0][0]}{basename[1][0]}"
    pipeline.product(tally, "*.x", formatter(), "*.y", formatter(), f"{name}.product", name="product")
    pipeline.permutations(tally, "*.x", formatter(), 2, f"{name}.permutation", name="permutations")
    pipeline.combinations(tally, "*.x", formatter(), 2, f"{name}.combination", name="combinations")
    pipeline.combinations_with_replacement(tally, "*.x", formatter(), 2, f"{name}.with", name="with")
    made = sorted(call[1] for call in called(pipeline, tally))
    assert made == sorted(
        [f"{x}{y}.product" for x in "ab" for y in "12"]
        + ["ab.permutation", "ba.permutation", "ab.combination", "aa.with", "ab.with", "bb.with"]
    )


def test_p2_nested_outputs_extras_and_added_inputs_are_filled_everywhere() -> None:
    tally = Tally()
    put("a.txt")
    put("more")
    pipeline = Pipeline("p")
    extras = ["{basename[0]}", ["{ext[0]}", 3, None, {"kept": "{basename[0]}"}]]
    outputs = [["{basename[0]}.1", "{basename[0]}.2"], "{basename[0]}.3"]
    pipeline.transform(
        lambda *params: (tally.calls.append(params), [put(f"a.{number}") for number in (1, 2, 3)]),
        "a.txt",
        formatter(),
        add_inputs("more", ["{path[0]}/a.txt"]),
        outputs,
        extras=extras,
        name="t",
    )
    ((sources, made, *rest),) = called(pipeline, tally)
    assert sources == ("a.txt", "more", [f"{os.getcwd()}/a.txt"])
    assert made == [["a.1", "a.2"], "a.3"]
    assert rest == ["a", [".txt", 3, None, {"kept": "{basename[0]}"}]]


def test_p2_replaced_inputs_may_be_of_any_shape() -> None:
    tally = Tally()
    for name in ("a.txt", "a.other", "b.txt", "b.other"):
        put(name)
    pipeline = Pipeline("p")
    pipeline.transform(tally, "*.txt", suffix(".txt"), inputs([r"\1.other", ["a.txt"]]), ".out", name="t")
    assert called(pipeline, tally) == [(["a.other", ["a.txt"]], "a.out"), (["b.other", ["a.txt"]], "b.out")]


# P3 -------------------------------------------------------------------------------------------------------------------


def test_p3_collate_groups_by_output_and_extras_into_tuples() -> None:
    tally = Tally()
    names = [f"{letter}.{number}.txt" for letter in "ab" for number in (1, 2)]
    pipeline = Pipeline("p")
    pipeline.originate(make(), names, name="start")
    pipeline.collate(tally, pipeline["start"], regex(r"(\w)\.(\d)\.txt"), r"\1.all", name="by letter")
    pipeline.collate(tally, pipeline["start"], regex(r"(\w)\.(\d)\.txt"), "one.all", r"\2", name="by extra")
    calls = called(pipeline, tally)
    assert (("a.1.txt", "a.2.txt"), "a.all") in calls
    assert (("b.1.txt", "b.2.txt"), "b.all") in calls
    assert (("a.1.txt", "b.1.txt"), "one.all", "1") in calls
    assert (("a.2.txt", "b.2.txt"), "one.all", "2") in calls


def test_p3_merge_runs_with_an_empty_input_and_transform_does_not() -> None:
    tally = Tally()
    pipeline = Pipeline("p")
    pipeline.split(lambda source, outputs: None, None, "*.none", name="nothing")
    pipeline.transform(tally, pipeline["nothing"], suffix(".none"), ".some", name="each")
    pipeline.merge(tally, pipeline["each"], "end", name="end")
    assert called(pipeline, tally) == [([], "end")]


def test_p3_originate_has_no_input_argument_and_split_sees_what_was_there() -> None:
    tally = Tally()
    seen: list[Any] = []
    put("old.part")

    def cut(source: Any, outputs: list[str]) -> None:
        seen.append((source, list(outputs)))
        put("new.part")

    pipeline = Pipeline("p")
    pipeline.originate(lambda *params: tally(*params), ["a", ["b", "c"]], "extra", name="start")
    pipeline.split(cut, None, "*.part", name="cut")
    pipeline.transform(tally, pipeline["cut"], suffix(".part"), ".read", name="read")
    with pytest.raises(RethrownJobError):  # `make` writes the second parameter: the extra
        run(pipeline, missing_outputs="error")
    assert ("a", "extra") in tally.take()
    run(pipeline, ["read"])
    assert seen == [(None, ["old.part"])]
    assert [call[0] for call in tally.take()] == ["new.part", "old.part"]


def test_p3_subdivide_gives_each_part_to_the_next_stage() -> None:
    tally = Tally()
    put("a.in")
    put("b.in")

    def cut(source: str, outputs: list[str], stem: str) -> None:
        for number in range(2 if stem == "a" else 3):
            put(f"{stem}.{number}.part")

    pipeline = Pipeline("p")
    pipeline.subdivide(cut, "*.in", formatter(), "{basename[0]}.*.part", "{basename[0]}", name="cut")
    pipeline.transform(tally, pipeline["cut"], suffix(".part"), ".read", name="read")
    assert [call[0] for call in called(pipeline, tally)] == ["a.0.part", "a.1.part", *(f"b.{n}.part" for n in range(3))]


# P4 -------------------------------------------------------------------------------------------------------------------


def test_p4_one_literal_and_merge_and_one_job_files_hand_on_a_bare_name() -> None:
    tally = Tally()
    put("alone")
    pipeline = Pipeline("p")
    pipeline.merge(tally, "alone", "m1", name="of a literal")
    pipeline.merge(tally, pipeline["of a literal"], "m2", name="of a merge")
    pipeline.files(tally, "alone", "f1", name="one job")
    pipeline.merge(tally, pipeline["one job"], "m3", name="of files")
    pipeline.split(tally, pipeline["one job"], "s1", name="split of files")
    pipeline.merge(tally, [pipeline["one job"]], "m4", name="in a list")
    pipeline.merge(tally, ["alone"], "m5", name="a list of one")
    sources = {call[1]: call[0] for call in called(pipeline, tally)}
    assert sources == {
        "m1": "alone",
        "m2": "m1",
        "f1": "alone",
        "m3": "f1",
        "s1": "f1",
        "m4": ["f1"],
        "m5": ["alone"],
    }


# P17 ------------------------------------------------------------------------------------------------------------------

ODD = ["ünï cödé.txt", "日本.txt", "with space.txt", "quo'te\".txt", "{brace}.txt", "per%cent.txt", "-dash.txt"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("level", [1, 5])
def test_p17_odd_names_go_through_every_kind_of_stage(place: dict[str, int], level: int) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ODD, name="start")
    pipeline.transform(make(), pipeline["start"], suffix(".txt"), ".1", name="by suffix")
    pipeline.transform(make(), pipeline["by suffix"], regex(r"\.1$"), ".2", name="by regex")
    pipeline.transform(make(), pipeline["by regex"], formatter(), "{path[0]}/{basename[0]}.3", name="by formatter")
    pipeline.collate(make(), pipeline["by formatter"], formatter(), "{path[0]}/all.4", name="gather")
    pipeline.merge(make(), pipeline["by formatter"], "end ü [2]", name="end")
    run(pipeline, checksum_level=level, **place)
    for ending in (".txt", ".1", ".2", ".3"):
        assert sorted(name for name in os.listdir() if name.endswith(ending)) == sorted(
            name.replace(".txt", ending) for name in ODD
        )
    assert Path("end ü [2]").exists()
    tally = Tally()
    again = Pipeline("again")
    again.originate(tally, ODD, name="start")
    again.transform(tally, again["start"], suffix(".txt"), ".1", name="by suffix")
    run(again)
    assert tally.take() == []


def test_p17_brackets_are_a_pattern_where_they_are_written_and_a_name_where_they_are_found() -> None:
    """As upstream has it: what is written with brackets stands for what matches."""
    tally = Tally()
    for name in ("a[1].txt", "c2.txt", "c[2].txt"):
        put(name)
    pipeline = Pipeline("p")
    pipeline.transform(tally, "a*.txt", suffix(".txt"), ".1", name="found")
    pipeline.transform(tally, pipeline["found"], suffix(".1"), ".2", name="handed on")
    pipeline.transform(tally, ["a[[]1].txt"], suffix(".txt"), ".3", name="escaped")
    pipeline.transform(tally, "c[2].txt", suffix(".txt"), ".4", name="written")
    assert called(pipeline, tally) == [
        ("a[1].1", "a[1].2"),
        ("a[1].txt", "a[1].1"),
        ("a[1].txt", "a[1].3"),
        ("c2.txt", "c2.4"),
    ]


def test_p17_names_that_are_not_utf8() -> None:
    name = os.fsdecode(b"latin-\xe4.0")
    tally = Tally()
    for number, place in enumerate(PLACES):
        pipeline = Pipeline(f"p{number}")
        pipeline.originate(make(), [name], name="start")
        pipeline.transform(make(), pipeline["start"], suffix(".0"), ".1", name="next")
        run(pipeline, forcedtorun_tasks=["start"], **place)
    again = Pipeline("again")
    again.originate(tally, [name], name="start")
    run(again)
    assert tally.take() == []


def test_p17_symlinks_are_followed_and_kept() -> None:
    os.mkdir("store")
    put("store/real.0", "content")
    os.symlink("store/real.0", "link.0")
    os.symlink("store", "folder")
    tally = Tally()

    def build(name: str) -> Pipeline:
        pipeline = Pipeline(name)
        pipeline.transform(tally, ["link.0", "folder/real.0"], suffix(".0"), ".1", name="t")
        pipeline.transform(
            lambda source, output: (tally.calls.append((source, output)), os.symlink(source, output)),
            "link.0",
            suffix(".0"),
            ".linked",
            name="l",
        )
        return pipeline

    run(build("one"))
    assert len(tally.take()) == 3
    assert os.path.islink("link.linked")
    run(build("two"))
    assert tally.take() == []


def test_p17_arguments_that_are_no_strings_pass_unchanged() -> None:
    tally = Tally()
    put("a.txt")
    stamp = object()
    pipeline = Pipeline("p")
    pipeline.transform(tally, "a.txt", suffix(".txt"), ".out", 1, 2.5, None, stamp, {"k": 1}, b"raw", name="t")
    ((_, _, *extras),) = called(pipeline, tally)
    assert extras == [1, 2.5, None, stamp, {"k": 1}, b"raw"]
    assert extras[3] is stamp


def test_p17_paths_may_be_deep_absolute_and_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = "/".join(["d" * 50] * 10)
    os.makedirs(deep)
    os.mkdir("work")
    monkeypatch.chdir("work")
    tally = Tally()
    names = [f"../{deep}/a.0", str(tmp_path / "b.0"), "./c.0"]
    for name in names:
        put(name)
    pipeline = Pipeline("p")
    pipeline.transform(tally, names, suffix(".0"), ".1", name="t")
    assert sorted(call[1] for call in called(pipeline, tally)) == sorted(name[:-1] + "1" for name in names)
    again = Pipeline("again")
    again.transform(tally, names, suffix(".0"), ".1", name="t")
    assert called(again, tally) == []


# P27 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_p27_extras_with_names_reach_the_function(place: dict[str, int]) -> None:
    def work(source: str, output: str, *, word: str, number: int, stem: str) -> None:
        with open(output, "w") as file:
            file.write(f"{word} {number} {stem}")

    put("a.txt")
    pipeline = Pipeline("p")
    extras = {"word": "w", "number": 3, "stem": "{basename[0]}"}
    pipeline.transform(work, "a.txt", formatter(), "{basename[0]}.out", extras=extras, name="t")
    run(pipeline, **place)
    assert get("a.out") == "w 3 a"


@pytest.mark.parametrize("place", PLACES)
def test_p27_shell_commands_are_stages(place: dict[str, int]) -> None:
    put("a b.txt", "text\n")
    pipeline = Pipeline("p")
    pipeline.transform(
        'tr a-z A-Z < {input} > {output}; echo "{word}" >> {output}',
        "*.txt",
        suffix(".txt"),
        ".out",
        extras={"word": "it's"},
        name="shout",
    )
    pipeline.merge("cat {input} > {output}", pipeline["shout"], "end", name="end")
    run(pipeline, **place)
    assert get("end") == "TEXT\nit's\n"


def test_p27_a_command_that_fails_tells_command_code_and_what_it_wrote() -> None:
    pipeline = Pipeline("p")
    pipeline.originate("echo gone wrong >&2; exit 3", ["a"], name="bad")
    for place in PLACES:
        with pytest.raises(RethrownJobError) as caught:
            run(pipeline, **place)
        value = caught.value.job_exceptions[0][3]
        assert "exit 3" in value
        assert "3" in value


def test_p27_a_pipeline_may_be_passed_through_the_command_line() -> None:
    tally = Tally()
    pipeline = Pipeline("mine")
    pipeline.originate(tally, ["a"], name="start")
    other = Pipeline("other")
    other.originate(tally, ["b"], name="start")
    options = cmdline.get_argparse(description="test").parse_args([])
    cmdline.run(options, pipeline=pipeline, verbose=0)
    assert tally.take() == [("a",)]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda pipeline: pipeline.transform(make(), inputt="a", filter=suffix(""), output=".x", name="t"), "input"),
        (lambda pipeline: pipeline.originate(make(), ["a"], extra=["x"], name="t"), "extras"),
        (lambda pipeline: pipeline.merge(make(), ["a"], outptu="x", name="t"), "output"),
        (lambda pipeline: pipeline.originate(make(), ["a"], retrys=3, name="t"), "retries"),
        (lambda pipeline: pipeline_run(multiproccess=3), "multiprocess"),
        (lambda pipeline: pipeline.run(verbos=3), "verbose"),
        (lambda pipeline: pipeline_run(keepgoing=True), "keep_going"),
    ],
)
def test_p27_a_misspelt_keyword_is_an_error_that_knows_better(call: Any, word: str) -> None:
    with pytest.raises(Exception, match=rf"(?s)Did you mean.*'{word}'"):
        call(Pipeline("p"))


def test_the_decorators_have_the_same_rules_as_the_methods() -> None:
    tally = Tally()

    @originate(["a.0", "b.0"])
    def begin(output: str) -> None:
        put(output)

    @transform(begin, suffix(".0"), ".1")
    def each(source: str, output: str) -> None:
        tally(source, output)

    @collate(each, regex(r".+"), "all")
    def gather(sources: Any, output: str) -> None:
        tally(sources, output)

    @merge(output_from("each", "begin"), "merged")
    def everything(sources: Any, output: str) -> None:
        tally(sources, output)

    @split(everything, ["s.1", "s.2"])
    def apart(source: str, outputs: Any) -> None:
        tally(source, outputs)

    @subdivide(begin, suffix(".0"), [".s1", ".s2"])
    def more(source: str, outputs: Any) -> None:
        tally(source, outputs)

    @product(begin, formatter(), each, formatter(), "{basename[0][0]}{basename[1][0]}.p")
    def pairs(sources: Any, output: str) -> None:
        tally(sources, output)

    @permutations(begin, formatter(), 2, "{basename[0][0]}{basename[1][0]}.q")
    def ordered(sources: Any, output: str) -> None:
        tally(sources, output)

    @combinations(begin, formatter(), 2, "{basename[0][0]}{basename[1][0]}.r")
    def unordered(sources: Any, output: str) -> None:
        tally(sources, output)

    @files_("a.0", "old.f")
    @follows(begin)
    def old(source: str, output: str) -> None:
        tally(source, output)

    @files_re("*.0", r"(.)\.0", r"\1.re")
    @follows(begin)
    def older(source: str, output: str) -> None:
        tally(source, output)

    pipeline_run(verbose=0)
    made = {str(call[1]) for call in tally.take()}
    assert {"a.1", "b.1", "all", "merged", "old.f", "a.re", "b.re", "aa.p", "ba.p", "ab.q", "ba.q", "ab.r"} <= made
    pipeline_run(verbose=0)
    assert tally.take() == []


def test_runtime_parameters_are_inputs_that_a_run_is_given() -> None:
    tally = Tally()
    put("a")
    pipeline = Pipeline("p")
    pipeline.merge(tally, [runtime_parameter("word"), "b*"], "end", name="t")
    with pytest.raises(RethrownJobError, match="runtime parameter 'word' which is missing"):
        run(pipeline)
    run(pipeline, runtime_data={"word": "a"})
    assert tally.take() == [(["a"], "end")]
