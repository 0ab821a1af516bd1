from __future__ import annotations

import pytest

from gangline.errors import UsageError
from gangline.pipeline.ruffus_exceptions import error_checksum_level, error_not_a_pipeline
from gangline.pipeline.running.options import RunOptions, Touching, UnknownOption, read_options
from gangline.pipeline.stages.pipeline import Pipeline

from .conftest import run


def test_parameters_have_the_order_of_ruffus() -> None:
    options = read_options((["a"], ["b"], 3), {"verbose": 2})
    assert (options.target_tasks, options.forcedtorun_tasks, options.multiprocess, options.detail) == (
        ["a"],
        ["b"],
        3,
        2,
    )


def test_an_unknown_keyword_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UnknownOption, match=r"'multiproces'(.|\n)*Did you mean 'multiprocess'\?"):
        read_options((), {"multiproces": 3})
    with pytest.raises(TypeError):
        read_options((), {"multiproces": 3})


def test_a_parameter_given_twice_or_too_many_of_them_is_an_error() -> None:
    with pytest.raises(UnknownOption, match="multiple values for argument 'target_tasks'"):
        read_options(([],), {"target_tasks": []})
    with pytest.raises(UnknownOption, match="at most"):
        read_options((None,) * 100, {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"multiprocess": -1},
        {"multithread": "4"},
        {"pool_manager": "other"},
        {"retries": -1},
        {"time_limit": "soon"},
        {"resources": {"cores": 0}},
        {"missing_outputs": "perhaps"},
        {"progress": 1},
        {"history_wait": -1.0},
    ],
)
def test_a_value_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        read_options((), wrong)


@pytest.mark.parametrize(
    ("value", "touching"),
    [(False, Touching.NO), (True, Touching.FILES), ("regenerate", Touching.HISTORY), (2, Touching.HISTORY)],
)
def test_touching(value: object, touching: Touching) -> None:
    assert RunOptions(touch_files_only=value).touching is touching


def test_none_means_the_usual_value() -> None:
    options = RunOptions(None, None, None, multithread=None)
    assert (options.detail, options.path_level, options.parallelism) == (1, 2, 1)


def test_what_the_run_is_about_must_exist(pipeline: Pipeline) -> None:
    with pytest.raises(error_checksum_level):
        run(pipeline, checksum_level=17)
    with pytest.raises(error_not_a_pipeline):
        run("nobody")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="dictionary"):
        run(pipeline, runtime_data=["a"])
    pipeline.originate(print, ["a"])
    with pytest.raises(UsageError, match="backend 'proceses'"):
        run(pipeline, backend="proceses")
