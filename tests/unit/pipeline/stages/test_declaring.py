import itertools
from pathlib import Path

import pytest

from gangline import pipeline as face
from gangline.errors import UsageError
from gangline.pipeline import (
    Pipeline,
    active_if,
    check_if_uptodate,
    files,
    files_re,
    follows,
    formatter,
    graphviz,
    jobs_limit,
    merge,
    mkdir,
    originate,
    parallel,
    posttask,
    regex,
    run_in_main_process,
    split,
    stage_options,
    suffix,
    touch_file,
    transform,
)
from gangline.pipeline.ruffus_exceptions import (
    JobsLimitArgumentError,
    error_decorator_args,
    error_missing_args,
    error_too_many_args,
)
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.pipeline import main_pipeline
from gangline.pipeline.stages.selection import pipeline_get_task_names, select


def work(*args):
    """Does
    nothing.
    """


def the_stage(function=work):
    return main_pipeline()[function]


def test_decorators_return_the_function_itself_in_any_order():
    decorators = [
        follows(mkdir("d")),
        transform(["a.1"], suffix(".1"), ".2"),
        posttask(touch_file("done")),
        jobs_limit(2, "some"),
        active_if(True),
        graphviz(color="red"),
        run_in_main_process(),
        check_if_uptodate(work),
        stage_options(retries=2),
        mkdir("e"),
    ]
    for order in (decorators, decorators[::-1], decorators[5:] + decorators[:5]):
        Pipeline.clear_all()
        for decorator in order:
            assert decorator(work) is work
        made = {stage.arguments.output for stage in select().graph.order if stage.kind is Kind.MKDIR}
        assert made == {("d",), ("e",)}
        stage = the_stage()
        assert (stage.kind, stage.limit, stage.options.retries) == (Kind.TRANSFORM, ("some", 2), 2)
        assert (stage.in_main_process, stage.uptodate_check, len(stage.posttasks)) == (True, work, 1)
        assert len(stage.parents) == 2
        assert stage.description == "Does nothing."


@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        (lambda: transform("x", suffix(".1"), ".2", extra=[1]), "'extra' is not known. Did you mean 'extras'?"),
        (lambda: transform("x", suffix(".1"), ".2", output_dri="d"), "Did you mean 'output_dir'?"),
        (lambda: merge(input="x", output="y", retrys=3), "Did you mean 'retries'?"),
        (lambda: split("x", "y", zzz=1), "'zzz' is not known. The keywords here are: input, output, extras, resources"),
        (lambda: follows(after="x"), "'after' is not known. The keywords here are: none."),
        (lambda: jobs_limit(3, limit_nam="x"), "Did you mean 'limit_name'?"),
        (lambda: check_if_uptodate(fun=work), "Did you mean 'func'?"),
        (lambda: posttask(work, when="later"), "'when' is not known"),
        (lambda: active_if(iff=True), "'iff' is not known"),
        (lambda: files("x", "y", outputs="z"), "Did you mean 'output'?"),
        (lambda: files("x", "y", output="z"), "Duplicate, conflicting or unrecognised arguments"),
        (lambda: files_re("x", "y", "z", extra=3), "Did you mean 'extras'?"),
        (lambda: parallel([[1]], retry=3), "Did you mean 'retries'?"),
        (lambda: mkdir("x", ouput="y"), "Did you mean 'output'?"),
        (lambda: run_in_main_process(really=True), "'really' is not known"),
        (lambda: stage_options(time_limt=3), "Did you mean 'time_limit'?"),
    ],
)
def test_unknown_keywords_name_the_nearest_known_one(decorator, message):
    with pytest.raises(error_too_many_args) as raised:
        decorator()(work)
    assert message in str(raised.value).replace("\n    ", "\n")


def test_a_misspelt_keyword_explains_what_is_missing():
    with pytest.raises(error_missing_args, match="Missing 'output' argument") as raised:
        transform("x", suffix(".1"), ouput=".2")(work)
    assert "Did you mean 'output'?" in str(raised.value)


def test_old_decorators_take_keywords_too():
    files(input="a", output="b", extras=[3])(work)
    assert the_stage().arguments.output == [("b", 3)]

    def other(*args): ...

    files_re("*.x", filter="(.)", output=r"\1", extras=[4])(other)
    assert (the_stage(other).arguments.output, the_stage(other).arguments.extras) == (r"\1", [4])
    mkdir(output=["d", "e"])(other)
    assert ("d", "e") in [stage.arguments.output for stage in select().graph.order]


def test_a_second_kind_is_refused():
    transform("x", suffix(".1"), ".2")(work)
    with pytest.raises(error_decorator_args, match=r"work', task_transform and task_merge\)"):
        merge("x", "y")(work)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"resources": {"cores": 2, "memory": "1.5 GB"}}, ("resources", (("cores", 2.0), ("memory_bytes", 1.5e9)))),
        ({"resources": {"memory": "2GiB", "gpus": 0.5}}, ("resources", (("memory_bytes", 2.0**31), ("gpus", 0.5)))),
        ({"resources": None}, ("resources", ())),
        ({"retries": 3}, ("retries", 3)),
        ({"retry_delay": 2}, ("retry_delay_s", 2.0)),
        ({"time_limit": 0.5}, ("time_limit_s", 0.5)),
        ({"time_limit": None}, ("time_limit_s", None)),
        ({"temporary": True}, ("temporary", True)),
        ({"backend": "dask"}, ("backend", "dask")),
    ],
)
def test_options_by_every_way(options, expected):
    transform(["a.1"], suffix(".1"), ".2", **options)(work)
    in_pipeline = Pipeline("p").transform(work, ["a.1"], suffix(".1"), ".2", **options)
    by_method = Pipeline("q").parallel(work, [[1]]).set_options(**options)
    for stage in (the_stage(), in_pipeline, by_method):
        assert getattr(stage.options, expected[0]) == expected[1]


@pytest.mark.parametrize(
    "options",
    [
        {"resources": 3},
        {"resources": {"cores": 0}},
        {"resources": {"cores": "many"}},
        {"resources": {"memory": True}},
        {"retries": -1},
        {"retries": 1.5},
        {"retry_delay": -0.1},
        {"time_limit": float("inf")},
        {"time_limit": "1h"},
        {"temporary": "yes"},
        {"backend": 3},
    ],
)
def test_options_that_make_no_sense(options):
    name, value = next(iter(options.items()))
    with pytest.raises(UsageError, match=r"stage '.*work'") as raised:
        stage_options(**options)(work)
    assert repr(value) in str(raised.value) or repr(next(iter(value.values()))) in str(raised.value)
    assert name in str(raised.value) or name == "resources"


def test_a_limit_means_one_number_until_all_is_cleared():
    jobs_limit(2, "downloads")(work)
    with pytest.raises(JobsLimitArgumentError, match="former limit of 2"):
        Pipeline("p").originate(work, ["x"], name="a").jobs_limit(3, "downloads")
    Pipeline.clear_all()
    assert Pipeline("p").originate(work, ["x"], name="a").jobs_limit(3, "downloads").limit == ("downloads", 3)


def test_limits_without_a_name_belong_to_their_stage():
    first, second = Pipeline("p"), Pipeline("q")
    limits = [pipeline.originate(work, ["x"], name="a").jobs_limit(2).limit for pipeline in (first, second)]
    assert limits == [("p:a", 2), ("q:a", 2)]


def test_touched_files_are_made_or_made_new():
    posttask(touch_file("old", "new"))(work)
    Path("old").write_text("kept")
    for function in the_stage().posttasks:
        function()
    assert (Path("old").read_text(), Path("new").read_text()) == ("kept", "")


def test_functions_without_a_name_of_their_own():
    class Callable:
        def __call__(self, *args): ...

    numbers = itertools.count()
    pipeline = Pipeline("p")
    stages = [
        pipeline.originate(function, ["x"], name=f"s{next(numbers)}") for function in (Callable(), lambda o: None)
    ]
    assert [stage.function_name for stage in stages] == ["Callable", "<lambda>"]


def test_the_main_pipeline_comes_back_after_clearing():
    originate(["x"])(work)
    Pipeline.clear_all()
    assert Pipeline("main") is main_pipeline()
    assert pipeline_get_task_names() == []
    originate(["x"])(work)
    assert [stage.kind for stage in Pipeline.pipelines["main"].tasks] == [Kind.ORIGINATE]


def test_a_pipeline_is_a_mapping_by_name_and_by_function():
    pipeline = Pipeline("p")
    stage = pipeline.originate(work, ["x"], name="first")
    assert pipeline["first"] is pipeline[work] is pipeline["work"] is stage
    pipeline.originate(work, ["y"], name="second")
    assert work not in pipeline
    assert set(pipeline) == {"first", "second"}
    assert pipeline.task_names == {"first", "second"}
    assert pipeline != Pipeline("q")


def test_a_stage_cannot_be_its_own_parent():
    stage = Pipeline("p").originate(work, ["x"], name="a")
    stage.follows(stage)
    with pytest.raises(error_decorator_args, match="Cannot have a task as its own"):
        select(pipeline="p")


def test_unknown_names_name_the_nearest():
    follows("seccond")(work)

    @originate(["x"])
    def second(output): ...

    with pytest.raises(Exception, match=r"Did you mean '.*second'"):
        select()


def test_split_with_an_expression_is_a_subdivide():
    split("*.x", regex("(.)"), r"\1*")(work)
    stage = Pipeline("p").split(work, ["a.x"], regex("(.)[.]x"), r"\1*")
    assert the_stage().kind is stage.kind is Kind.SUBDIVIDE


def test_every_name_of_the_face_is_there():
    for name in face.__all__:
        assert getattr(face, name) is not None
    assert set(face.__all__) <= set(dir(face))
    assert face.combinatorics.product is face.product
    with pytest.raises(AttributeError, match="no attribute 'transfrom'"):
        face.transfrom  # noqa: B018


def test_declaring_repr_is_short():
    assert repr(transform("x", formatter(), output="y")) == "transform('x', formatter(), output='y')"
    assert repr(Pipeline("p").originate(work, ["x"], name="a")) == "<Task 'p::a'>"
