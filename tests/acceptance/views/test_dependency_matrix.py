"""The matrix of `after` and `follow`: what runs, where, and what can never run."""

from __future__ import annotations

import pytest

import gangline.views as ipp

COLUMNS = {
    "all,s": {"all": True, "success": True, "failure": False},
    "all,f": {"all": True, "success": False, "failure": True},
    "all,sf": {"all": True, "success": True, "failure": True},
    "any,s": {"all": False, "success": True, "failure": False},
    "any,f": {"all": False, "success": False, "failure": True},
    "any,sf": {"all": False, "success": True, "failure": True},
}

MATRIX = """
    S0     after   run  X   run   run       X         run
    S0     follow  @0   X   @0    @0        X         @0
    F0     after   X    run run   X         run       run
    F0     follow  X    @0  @0    X         @0        @0
    S0,F0  after   X    X   run   run       run       run
    S0,F0  follow  X    X   @0    @0        @0        @0
    S0,S1  after   run  X   run   run       X         run
    S0,S1  follow  X    X   X     @0|@1     X         @0|@1
    F0,F1  after   X    run run   X         run       run
    F0,F1  follow  X    X   X     X         @0|@1     @0|@1
    S0,F1  after   X    X   run   run       run       run
    S0,F1  follow  X    X   X     @0        @1        @0|@1
"""

CASES = [
    pytest.param(row[0].split(","), row[1], column, answer, id=f"{row[0]}-{row[1]}-{column}-{answer}")
    for row in map(str.split, MATRIX.strip().splitlines())
    for column, answer in zip(COLUMNS, row[2:], strict=True)
]


def submit(rc, name, hold=None):
    """S0: a task on engine 0 that succeeds; F1: one on engine 1 that fails."""
    view = rc.load_balanced_view(targets=[int(name[1])])
    if hold is not None:
        return view.apply_async(hold.hold(name, ValueError(name) if name[0] == "F" else None))
    return view.apply_async(lambda: name) if name[0] == "S" else view.apply_async(lambda: 1 / 0)


def submit_dependent(rc, kind, deps, column):
    view = rc.load_balanced_view()
    with view.temp_flags(**{kind: ipp.Dependency(deps, **COLUMNS[column])}):
        return view.apply_async(lambda: "ran")


def check(ar, answer):
    if answer == "X":
        with pytest.raises(ipp.error.ImpossibleDependency):
            ar.get(timeout=60)
        assert ar.status == "error"
        assert ar.started is None
    else:
        assert ar.get(timeout=60) == "ran"
        if answer != "run":
            assert f"@{ar.engine_id}" in answer.split("|")


@pytest.mark.parametrize(("names", "kind", "column", "answer"), CASES)
def test_matrix_with_finished_dependencies(any_rc, names, kind, column, answer):
    deps = [submit(any_rc, name) for name in names]
    assert any_rc.wait(deps, timeout=60)
    check(submit_dependent(any_rc, kind, deps, column), answer)


@pytest.mark.parametrize(("names", "kind", "column", "answer"), CASES)
def test_matrix_with_pending_dependencies(both_rc, gate, names, kind, column, answer):
    deps = [submit(both_rc, name, hold=gate) for name in names]
    ar = submit_dependent(both_rc, kind, deps, column)
    assert not ar.ready()
    gate.open()
    check(ar, answer)


@pytest.mark.parametrize(("names", "kind", "column", "answer"), [case for case in CASES if len(case.values[0]) == 2])
def test_matrix_with_one_finished_and_one_pending(both_rc, gate, names, kind, column, answer):
    first, second = names
    done = submit(both_rc, first)
    done.wait(60)
    ar = submit_dependent(both_rc, kind, [done, submit(both_rc, second, hold=gate)], column)
    gate.open()
    check(ar, answer)


@pytest.mark.parametrize("kind", ["after", "follow"])
@pytest.mark.parametrize(
    ("column", "decider", "other", "answer"),
    [
        ("all,s", "F0", "S1", "X"),
        ("all,f", "S0", "F1", "X"),
        ("any,s", "S0", "F1", "ran"),
        ("any,f", "F0", "S1", "ran"),
        ("any,sf", "S0", "S1", "ran"),
    ],
)
def test_answer_comes_as_soon_as_the_deciding_dependency_ends(both_rc, gate, kind, column, decider, other, answer):
    pending = submit(both_rc, other, hold=gate)
    gate.wait_for(1)
    deciding = submit(both_rc, decider)
    ar = submit_dependent(both_rc, kind, [deciding, pending], column)
    if answer == "X":
        with pytest.raises(ipp.error.ImpossibleDependency) as caught:
            ar.get(timeout=60)
        assert deciding.msg_ids[0] in str(caught.value)
        assert pending.msg_ids[0] not in str(caught.value)
    else:
        assert ar.get(timeout=60) == answer
    assert not pending.ready()


@pytest.mark.parametrize("column", COLUMNS)
def test_empty_dependency_is_met(any_rc, column):
    assert submit_dependent(any_rc, "after", [], column).get(timeout=60) == "ran"
    assert submit_dependent(any_rc, "follow", [], column).get(timeout=60) == "ran"


def test_after_and_follow_together(both_rc, gate):
    place = submit(both_rc, "S1")
    time = submit(both_rc, "S0", hold=gate)
    view = both_rc.load_balanced_view()
    with view.temp_flags(after=time, follow=place):
        ar = view.apply_async(lambda: "ran")
    place.get(timeout=60)
    assert not ar.ready()
    gate.open()
    assert ar.get(timeout=60) == "ran"
    assert ar.engine_id == 1
    assert ar.started >= time.completed


def test_follow_that_contradicts_targets_is_impossible(any_rc):
    place = submit(any_rc, "S1")
    place.get(timeout=60)
    view = any_rc.load_balanced_view(targets=[0])
    with view.temp_flags(follow=place), pytest.raises(ipp.error.ImpossibleDependency):
        view.apply_async(lambda: "ran").get(timeout=60)
