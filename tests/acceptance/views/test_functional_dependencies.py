"""V4-V8: @depend, @require, dependent and UnmetDependency.

Functions that read names of the engine are `interactive` here; in a script or a notebook they are that by themselves.
"""

from __future__ import annotations

import time

import pytest

import gangline.views as ipp


@pytest.fixture
def numbered(rc):
    """Engines that know their number as ENGINE."""
    for engine in rc.ids:
        rc[engine].push({"ENGINE": engine}, block=True)
    return rc


def visits(folder):
    return sorted(path.name for path in folder.iterdir())


def recording(folder, answer):
    """A dependency function that leaves a file for each engine that evaluates it."""
    path = str(folder)

    @ipp.interactive
    def evaluate():
        from pathlib import Path

        number = len(list(Path(path).iterdir()))
        Path(path, f"{number}-{ENGINE}").touch()  # noqa: F821 - a name on the engine
        return answer

    return evaluate


@pytest.fixture
def visited(tmp_path):
    folder = tmp_path / "visits"
    folder.mkdir()
    return folder


def test_v4_refused_everywhere_is_impossible_and_never_tried_twice(numbered, visited):
    view = numbered.load_balanced_view()
    with view.temp_flags(retries=3), pytest.raises(ipp.error.ImpossibleDependency):
        view.apply_async(ipp.dependent(int, recording(visited, False))).get(timeout=60)
    assert sorted(name[-1] for name in visits(visited)) == ["0", "1"]


def test_v4_refusal_leaves_the_retries_untouched(numbered, visited):
    path, unmet = str(visited), ipp.error.UnmetDependency

    @ipp.interactive
    def body():
        from pathlib import Path

        number = len(list(Path(path).iterdir()))
        Path(path, f"{number}-{ENGINE}").touch()  # noqa: F821 - a name on the engine
        if number == 0:
            raise unmet
        if number < 3:
            raise ValueError(number)
        return number

    view = numbered.load_balanced_view()
    with view.temp_flags(retries=2):
        assert view.apply_async(body).get(timeout=60) == 3


def test_v4_with_timeout_it_is_a_dependency_timeout(numbered, visited):
    view = numbered.load_balanced_view()
    for timeout in (0.3, 3, 30):  # a longer one if the machine has not tried both engines in time
        for path in visited.iterdir():
            path.unlink()
        with view.temp_flags(timeout=timeout), pytest.raises(ipp.error.DependencyTimeout):
            view.apply_async(ipp.dependent(int, recording(visited, False))).get(timeout=60)
        if len(visits(visited)) == 2:
            return
    pytest.fail(f"after {timeout} s it has been refused by {visits(visited)} only")


def test_v4_option_waits_for_new_engines(growing):
    client = growing(1)
    client[0].push({"ENGINE": 0}, block=True)
    view = client.load_balanced_view()

    @ipp.interactive
    def only_new():
        return "ENGINE" not in globals()

    with view.temp_flags(patient=True):
        ar = view.apply_async(ipp.dependent(lambda: "ran", only_new))
    client[0].apply_sync(int)
    assert not ar.ready()
    client.cluster.start_engines_sync(1)
    assert ar.get(timeout=60) == "ran"
    assert ar.engine_id != 0


def test_v4_true_on_one_engine_only(numbered):
    view = numbered.load_balanced_view()
    number = ipp.interactive(lambda: ENGINE)  # noqa: F821 - a name on the engine
    is_number = ipp.interactive(lambda wanted: wanted == ENGINE)  # noqa: F821 - a name on the engine
    on_one = ipp.dependent(number, is_number, 1)
    assert {view.apply_sync(on_one) for _ in range(10)} == {1}


@pytest.mark.parametrize("answer", [0, None, "", [], True, 0.0])
def test_v5_only_false_is_unmet(any_rc, answer):
    task = ipp.dependent(lambda: "ran", lambda: answer)
    assert any_rc.load_balanced_view().apply_async(task).get(timeout=60) == "ran"


def test_v6_error_in_the_dependency_function_is_the_answer(numbered, visited):
    evaluate = recording(visited, None)

    @ipp.depend(lambda: evaluate() or 1 / 0)
    def task():
        return "ran"

    with pytest.raises(ZeroDivisionError):
        numbered.load_balanced_view().apply_async(task).get(timeout=60)
    assert len(visits(visited)) == 1


@pytest.mark.parametrize("how", ["the class", "a subclass"])
def test_v7_body_that_raises_unmet_dependency_moves(numbered, how):
    class Pickier(ipp.error.UnmetDependency):
        pass

    kind = Pickier if how == "a subclass" else ipp.error.UnmetDependency

    @ipp.interactive
    def body():
        if ENGINE == 0:  # noqa: F821 - a name on the engine
            raise kind("not on 0")
        return ENGINE  # noqa: F821 - a name on the engine

    view = numbered.load_balanced_view()
    assert {view.apply_async(body).get(timeout=60) for _ in range(6)} == {1}


def test_v7_foreign_class_of_that_name_is_an_ordinary_failure(numbered, visited):
    foreign = type("UnmetDependency", (Exception,), {})
    evaluate = recording(visited, None)

    def body():
        evaluate()
        raise foreign("mine")

    ar = numbered.load_balanced_view().apply_async(body)
    with pytest.raises(ipp.RemoteError) as caught:
        ar.get(timeout=60)
    assert not isinstance(caught.value, ipp.error.UnmetDependency)
    assert len(visits(visited)) == 1


def test_v7_through_a_direct_view_it_is_the_error(rc):
    def body():
        raise ipp.error.UnmetDependency("not here")

    with pytest.raises(ipp.error.UnmetDependency) as caught:
        rc[0].apply_sync(body)
    assert isinstance(caught.value, ipp.RemoteError)
    assert caught.value.engine_info["engine_id"] == 0


def test_v8_require_by_name_binds_in_the_globals_of_the_task(any_rc):
    @ipp.require("colorsys", "json.decoder")
    def task():
        return colorsys.__name__, json.decoder.__name__  # noqa: F821 - the decorator binds them

    assert any_rc.load_balanced_view().apply_async(task).get(timeout=60) == ("colorsys", "json.decoder")


def test_v8_require_a_module_itself(any_rc):
    @ipp.require(time)
    def task():
        return time.__name__

    assert any_rc.load_balanced_view().apply_async(task).get(timeout=60) == "time"


def test_v8_require_by_function_and_keyword(any_rc):
    def helper(x):
        return x + OFFSET  # noqa: F821 - the decorator binds it

    @ipp.require(helper, OFFSET=100)
    def task(x):
        return globals()["helper"](x)

    assert any_rc.load_balanced_view().apply_async(task, 1).get(timeout=60) == 101


def test_v8_missing_module_is_tried_everywhere_and_then_impossible(any_rc):
    @ipp.require("no_such_module_anywhere")
    def task():
        return "ran"

    with pytest.raises(ipp.error.ImpossibleDependency) as caught:
        any_rc.load_balanced_view().apply_async(task).get(timeout=60)
    assert "no_such_module_anywhere" in str(caught.value)


def test_v8_runs_only_where_importable(rc):
    def provide():
        import sys
        import types

        sys.modules["only_on_one_engine"] = types.ModuleType("only_on_one_engine")

    rc[1].apply_sync(provide)

    @ipp.require("only_on_one_engine")
    def task():
        return only_on_one_engine.__name__  # noqa: F821 - the decorator binds it

    ars = [rc.load_balanced_view().apply_async(task) for _ in range(6)]
    assert {ar.get(timeout=60) for ar in ars} == {"only_on_one_engine"}
    assert {ar.engine_id for ar in ars} == {1}


def test_v8_require_with_cloudpickle(rc):
    rc[:].use_cloudpickle()

    @ipp.require("colorsys", scale=3)
    def task(x):
        return colorsys.__name__, x * scale  # noqa: F821 - the decorator binds them

    assert rc.load_balanced_view().apply_async(task, 2).get(timeout=60) == ("colorsys", 6)
    assert rc[0].apply_sync(task, 3) == ("colorsys", 9)


def test_v8_require_refuses_what_it_cannot_name():
    with pytest.raises(TypeError):
        ipp.require(3)


def test_depend_is_evaluated_on_the_engine_and_not_here(rc):
    here = []

    @ipp.depend(lambda: here.append(1))
    def task():
        return "ran"

    assert rc.load_balanced_view().apply_async(task).get(timeout=60) == "ran"
    assert here == []


def test_dependent_in_a_map(numbered):
    double = ipp.interactive(lambda x: (x * 2, ENGINE))  # noqa: F821 - a name on the engine
    double_on_one = ipp.dependent(double, ipp.interactive(lambda: ENGINE == 1))  # noqa: F821 - a name on the engine
    assert numbered.load_balanced_view().map(double_on_one, range(6)).get(timeout=60) == [(2 * n, 1) for n in range(6)]
