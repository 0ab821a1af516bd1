"""Dependencies beyond the matrix: unknown ids, circles, chains, dead engines, order."""

from __future__ import annotations

import pytest

from gangline._core import machine
from gangline._core.commands import Resolve
from gangline._core.state import CoreState
from gangline._core.task import Task
from gangline.errors import ImpossibleDependency, InvalidDependency, UsageError
from gangline.messages import Dependency, EngineId, TaskId, Terms
from gangline.testing import Simulator, Work


def on(*ids: int, **rule: bool) -> Dependency:
    return Dependency(frozenset(TaskId(each) for each in ids), **rule)


@pytest.fixture
def simulator() -> Simulator:
    simulator = Simulator(checked=True)
    simulator.add_engines(2)
    return simulator


@pytest.mark.parametrize("kind", ["after", "follow"])
@pytest.mark.parametrize(("which", "text"), [(99, "there is no such task"), (0, "itself")])
def test_unknown_ids_and_the_task_itself(simulator: Simulator, kind: str, which: int, text: str) -> None:
    task = simulator.submit(terms=Terms(**{kind: on(which)}))
    error = simulator.outcomes[task.id].error
    assert isinstance(error, InvalidDependency)
    assert text in str(error)


def test_a_text_that_names_no_task_is_quoted(simulator: Simulator) -> None:
    task = simulator.submit(terms=Terms(after=on(simulator.state.unknown("nonsense"))))
    assert "nonsense" in str(simulator.outcomes[task.id].error)


def test_any_of_one_that_is_done_and_one_unknown_runs(simulator: Simulator) -> None:
    done = simulator.submit()
    simulator.run()
    for ids in [(done.id, 99), (done.id, done.id + 1)]:
        task = simulator.submit(terms=Terms(after=on(*ids, all=False)))
        simulator.run()
        assert simulator.outcomes[task.id].name == "ok"


def test_any_of_one_that_failed_and_one_unknown_is_impossible_not_invalid(simulator: Simulator) -> None:
    failed = simulator.submit(Work(fails=1))
    simulator.run()
    task = simulator.submit(terms=Terms(after=on(failed.id, 99, all=False)))
    assert type(simulator.outcomes[task.id].error) is ImpossibleDependency


def test_no_ids_are_met_at_once(simulator: Simulator) -> None:
    task = simulator.submit(terms=Terms(after=on(), follow=on(all=False)))
    simulator.run()
    assert simulator.outcomes[task.id].name == "ok"


def test_a_rule_that_counts_nothing_is_refused() -> None:
    with pytest.raises(UsageError):
        on(1, success=False, failure=False)


def test_failure_travels_down_a_chain(simulator: Simulator) -> None:
    a = simulator.submit(Work(fails=1))
    b = simulator.submit(terms=Terms(after=on(a.id)))
    c = simulator.submit(terms=Terms(after=on(b.id)))
    d = simulator.submit(terms=Terms(after=on(b.id, success=False, failure=True)))
    e = simulator.submit(terms=Terms(after=on(b.id, failure=True)))
    simulator.run()
    outcomes = simulator.outcomes
    assert [outcomes[task.id].name for task in (b, c, d, e)] == ["ImpossibleDependency"] * 2 + ["ok"] * 2
    assert f"task_{a.id}" in str(outcomes[b.id].error)
    assert f"task_{b.id}" in str(outcomes[c.id].error)


def test_a_long_chain_of_impossible_tasks_does_not_recurse() -> None:
    simulator = Simulator()
    first = simulator.submit(Work(fails=1))
    simulator.submit_many((Work(), Terms(after=on(number))) for number in range(first.id, 5000))
    simulator.add_engine()
    simulator.run()
    assert simulator.endings == {"error": 1, "ImpossibleDependency": 5000}


def test_following_a_task_whose_engine_has_died(simulator: Simulator) -> None:
    first = simulator.submit()
    simulator.run()
    assert first.engine is not None
    simulator.lose_engine(first.engine)
    task = simulator.submit(terms=Terms(follow=on(first.id)))
    assert f"whose engine {first.engine} is gone" in str(simulator.outcomes[task.id].error)


def test_following_a_task_that_never_ran(simulator: Simulator) -> None:
    never = simulator.submit(terms=Terms(after=on(99)))
    task = simulator.submit(terms=Terms(follow=on(never.id, failure=True)))
    assert "never ran on any engine" in str(simulator.outcomes[task.id].error)


def test_the_followed_engine_dies_while_the_task_waits_for_it(simulator: Simulator) -> None:
    first = simulator.submit()
    simulator.run()
    assert first.engine is not None
    targets = frozenset({first.engine})
    simulator.submit(Work(10.0), Terms(targets=targets))
    task = simulator.submit(terms=Terms(follow=on(first.id)))
    simulator.lose_engine(first.engine)
    assert f"engine {first.engine} is gone" in str(simulator.outcomes[task.id].error)


def test_targets_and_follow_that_exclude_each_other(simulator: Simulator) -> None:
    first = simulator.submit(terms=Terms(targets=frozenset({EngineId(0)})))
    simulator.run()
    task = simulator.submit(terms=Terms(follow=on(first.id), targets=frozenset({EngineId(1)})))
    assert "exclude each other" in str(simulator.outcomes[task.id].error)


@pytest.mark.parametrize(
    ("graph", "refused"),
    [
        ({0: [1], 1: [0], 2: []}, {0, 1}),
        ({0: [1], 1: [2], 2: [0], 3: [2]}, {0, 1, 2}),
        ({0: [1], 1: [2], 2: []}, set()),
        ({0: [0], 1: []}, set()),
    ],
)
def test_circles_within_one_submission(simulator: Simulator, graph: dict[int, list[int]], refused: set[int]) -> None:
    tasks = simulator.submit_many([(Work(), Terms(after=on(*ids))) for ids in graph.values()])
    simulator.run()
    circular = {task.id for task in tasks if "waits for itself" in str(simulator.outcomes[task.id].error)}
    assert circular == refused
    assert len(simulator.outcomes) == len(graph), "whoever depends on the circle fails, and nobody waits for ever"


def test_an_entangled_graph_leaves_nobody_waiting(simulator: Simulator) -> None:
    graph = {0: [1, 2], 1: [3], 2: [3], 3: [0], 4: [2, 5], 5: []}
    tasks = simulator.submit_many([(Work(), Terms(after=on(*ids))) for ids in graph.values()])
    simulator.run()
    assert [simulator.outcomes[task.id].name == "ok" for task in tasks] == [False] * 5 + [True]


def test_references_ahead_within_one_submission(simulator: Simulator) -> None:
    tasks = simulator.submit_many([(Work(), Terms(after=on(2))), (Work(), Terms(after=on(0))), (Work(), Terms())])
    simulator.run()
    starts = {run.task: run.started_at for run in simulator.runs}
    assert starts[tasks[2].id] < starts[tasks[0].id] < starts[tasks[1].id]


def test_tasks_blocked_on_the_same_one_run_by_priority_and_in_order() -> None:
    simulator = Simulator(checked=True)
    simulator.add_engine()
    first = simulator.submit(Work(1.0))
    priorities = [0, 0, 5, 0, 5, -1]
    tasks = [simulator.submit(Work(1.0), Terms(after=on(first.id), priority=each)) for each in priorities]
    simulator.run()
    order = [run.task - 1 for run in sorted(simulator.runs, key=lambda run: run.started_at)][1:]
    assert order == [2, 4, 0, 1, 3, 5]
    assert len(tasks) == 6


def test_a_long_list_of_ids_is_shortened() -> None:
    state = CoreState()
    failed = [Task(TaskId(number), Work(), Terms(after=on(999))) for number in range(8)]
    machine.on_submitted(state, failed, 0.0)
    task = Task(TaskId(8), Work(), Terms(after=on(*range(8), all=False)))
    (command,) = machine.on_submitted(state, [task], 0.0)
    assert isinstance(command, Resolve)
    assert "task_0, task_1, task_2, task_3, task_4 and 3 more" in str(command.error)
