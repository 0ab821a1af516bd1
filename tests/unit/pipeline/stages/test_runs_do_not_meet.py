"""Several pipelines, clones, threads and runs at once."""

import copy
import threading
from pathlib import Path

import pytest

from gangline.errors import UsageError
from gangline.pipeline import Pipeline, active_if, merge, mkdir, originate, regex, split, suffix, transform
from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.pipeline import main_pipeline
from gangline.pipeline.stages.selection import select


def work(*args): ...


def outputs(stage):
    return sorted(map(str, Expansion().outputs(stage)))


def test_a_clone_changes_without_its_original():
    original = Pipeline("original")
    first = original.originate(work, ["a.1"], name="first")
    second = original.transform(work, first, suffix(".1"), ".2", name="second", extras={"k": [1]}).follows(mkdir("d"))
    original.set_head_tasks([first])
    original.set_tail_tasks([second])
    clone = original.clone("clone")
    clone.set_output(output=["z.1", "y.1"])
    clone["second"].jobs_limit(2).set_options(retries=3).posttask(work).active_if(lambda: False).graphviz(color="red")
    select()
    assert outputs(second) == ["a.2"]
    assert (second.limit, second.options.retries, second.posttasks, second.is_active()) == (None, None, (), True)
    assert second.graphviz_attributes == {}
    assert [stage.pipeline for stage in clone["second"].parents] == [clone, clone]
    assert [job.params for job in Expansion().jobs(clone["second"])] == [("y.1", "y.2"), ("z.1", "z.2")]
    assert clone["second"].declaration.show().startswith("pipeline.transform(name = 'clone::second', task_func = work")


def test_stages_are_not_copied_with_what_holds_them():
    stage = Pipeline("p").originate(work, ["x"], name="a")
    assert copy.deepcopy({"input": [stage, stage.pipeline]}) == {"input": [stage, stage.pipeline]}
    assert copy.copy(stage) is stage


def test_the_pipelines_of_threads_do_not_meet():
    failures, start = [], threading.Barrier(8)

    def declare(number):
        try:
            start.wait()
            pipeline = Pipeline(f"p{number}")
            stage = pipeline.originate(work, [f"{number}.{k}" for k in range(20)], name="first")
            for k in range(20):
                stage = pipeline.transform(work, stage, regex("$"), f"_{k}", name=f"s{k}").follows(mkdir(f"d{k}"))
                originate(["x"])(eval("lambda o: None", {"__name__": f"m{number}_{k}"}))
                order = select(pipeline=pipeline).graph.order
                assert len(order) == 2 * k + 3
                assert len(Expansion(order).jobs(stage)) == 20
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=declare, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(main_pipeline().tasks) == 160


def test_one_pipeline_in_two_runs_at_once():
    """Each run has its own answers about what is active and which files there are."""
    active = [True]

    @active_if(lambda: active[0])
    @originate(["a.1"])
    def first(output): ...

    @split(first, "*.part")
    def parts(read, made): ...

    @merge([first, parts], "all")
    def whole(read, made): ...

    order = select().graph.order
    before = Expansion(order)
    active[0] = False
    Path("1.part").touch()
    after = Expansion(order)
    assert [job.inputs for job in before.jobs(order[-1])] == [["a.1", "1.part"]]
    assert [job.inputs for job in after.jobs(order[-1])] == [["1.part"]]
    Path("2.part").touch()
    assert before.outputs(order[1]) == ["1.part"]
    before.forget(order[1])
    before.forget(order[2])
    assert before.outputs(order[1]) == ["1.part", "2.part"]
    assert [job.inputs for job in before.jobs(order[-1])] == [["a.1", "1.part", "2.part"]]
    assert before.is_active(order[0])
    assert not after.is_active(order[0])


def test_an_expansion_remembers_what_was_odd():
    @transform(["a.1", "b.x"], suffix(".1"), ".2")
    def some(read, made): ...

    @transform(["a.1", "b.x"], suffix(".no"), ".2")
    def none(read, made): ...

    expansion = Expansion()
    some_stage, none_stage = select().graph.order
    assert [len(expansion.jobs(stage)) for stage in (some_stage, none_stage)] == [1, 0]
    assert [len(expansion.notes(stage).unmatched) for stage in (some_stage, none_stage)] == [1, 2]
    assert [len(expansion.notes(stage).warnings) for stage in (some_stage, none_stage)] == [0, 1]


def test_run_time_data_must_be_a_dictionary():
    with pytest.raises(UsageError, match="runtime_data should be a dictionary"):
        Expansion(runtime_data=[1])


def test_jobs_say_how_their_function_is_called():
    pipeline = Pipeline("p")
    made = pipeline.originate(work, ["a.1"], extras={"k": 1}, name="a")
    whole = pipeline.merge(work, made, "all", 7, name="b")
    plain = pipeline.follows(work, name="c")
    select(pipeline="p")
    calls = [stage.call_arguments(Expansion().jobs(stage)[0]) for stage in (made, whole, plain)]
    assert calls == [(("a.1",), {"k": 1}), ((["a.1"], "all", 7), {}), ((), {})]


def test_jobs_may_be_suspended_as_a_whole():
    pipeline = Pipeline("p")
    pipeline.suspend_jobs()
    assert pipeline.is_job_suspended()
    assert not pipeline.clone("q").is_job_suspended()
    pipeline.resume_jobs()
    assert not pipeline.is_job_suspended()
