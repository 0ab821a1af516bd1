"""`after` and `follow`: every row and column of the matrix, with dependencies finished and pending."""

from __future__ import annotations

import pytest

from gangline.errors import ImpossibleDependency
from gangline.messages import Dependency, EngineId, Terms
from gangline.testing import Simulator, Work

COLUMNS = {
    "all,s": (True, True, False),
    "all,f": (True, False, True),
    "all,sf": (True, True, True),
    "any,s": (False, True, False),
    "any,f": (False, False, True),
    "any,sf": (False, True, True),
}
# deps, kind, then one answer for each column: run anywhere, the engines that it must be one of, or X: impossible.
MATRIX = """
S0     after   run  X    run  run  X    run
S0     follow  0    X    0    0    X    0
F0     after   X    run  run  X    run  run
F0     follow  X    0    0    X    0    0
S0,F0  after   X    X    run  run  run  run
S0,F0  follow  X    X    0    0    0    0
S0,S1  after   run  X    run  run  X    run
S0,S1  follow  X    X    X    01   X    01
F0,F1  after   X    run  run  X    run  run
F0,F1  follow  X    X    X    X    01   01
S0,F1  after   X    X    run  run  run  run
S0,F1  follow  X    X    X    0    1    01
"""
ROWS = [line.split() for line in MATRIX.strip().splitlines()]
CASES = [
    pytest.param(deps.split(","), kind, *COLUMNS[column], answer, id=f"{deps}-{kind}-{column}")
    for deps, kind, *answers in ROWS
    for column, answer in zip(COLUMNS, answers, strict=True)
]


@pytest.mark.parametrize("finished", [True, False], ids=["finished", "pending"])
@pytest.mark.parametrize(("deps", "kind", "all_", "success", "failure", "answer"), CASES)
def test_matrix(
    deps: list[str], kind: str, all_: bool, success: bool, failure: bool, answer: str, finished: bool
) -> None:
    simulator = Simulator(checked=True)
    engines = simulator.add_engines(2)
    ids = frozenset(
        simulator.submit(Work(fails=dep[0] == "F"), Terms(targets=frozenset({EngineId(int(dep[1]))}))).id
        for dep in deps
    )
    if finished:
        simulator.run()
    rule = Dependency(ids, all=all_, success=success, failure=failure)
    task = simulator.submit(terms=Terms(after=rule) if kind == "after" else Terms(follow=rule))
    simulator.run()
    outcome = simulator.outcomes[task.id]
    if answer == "X":
        assert isinstance(outcome.error, ImpossibleDependency)
        assert any(simulator.state.name(which) in str(outcome.error) for which in ids), "it names who decided"
    else:
        assert outcome.name == "ok"
        allowed = {EngineId(int(digit)) for digit in answer} if answer != "run" else set(engines)
        assert task.engine in allowed


@pytest.mark.parametrize("column", ["all,s", "all,f"])
def test_the_answer_comes_with_the_dependency_that_decides(column: str) -> None:
    all_, success, failure = COLUMNS[column]
    simulator = Simulator(checked=True)
    simulator.add_engines(2)
    deciding = simulator.submit(Work(1.0, fails=int(success)))
    other = simulator.submit(Work(100.0))
    rule = Dependency(frozenset({deciding.id, other.id}), all=all_, success=success, failure=failure)
    task = simulator.submit(terms=Terms(after=rule))
    simulator.run(until=2.0)
    assert isinstance(simulator.outcomes[task.id].error, ImpossibleDependency)
    assert simulator.state.name(deciding.id) in str(simulator.outcomes[task.id].error)
    assert simulator.state.name(other.id) not in str(simulator.outcomes[task.id].error)
