"""The code in the description of the IPython task interface, as written there but for the name of the module.

And for times that are to be kept: a machine that is busy with other things may stand still for longer.
"""

from __future__ import annotations

import sys
import time

import pytest

import gangline.views as ipp
from gangline.views import Client, depend, dependent, require


@pytest.fixture
def lview(any_rc):
    return any_rc.load_balanced_view()


def test_creating_a_load_balanced_view():
    from gangline.views import Client

    rc = Client()
    lview = rc.load_balanced_view()
    assert isinstance(lview, ipp.LoadBalancedView)
    assert lview.apply_sync(lambda: 1) == 1
    rc.close()


@pytest.mark.parametrize("form", [("tcp://192.168.1.16:10101",), {"profile": "mpi"}], ids=str)
def test_connecting_where_nothing_runs_is_refused(form):
    with pytest.raises((OSError, ValueError)):
        Client(**form) if isinstance(form, dict) else Client(*form)


def test_parallel_map(lview):
    lview.block = True
    serial_result = map(lambda x: x**10, range(32))  # noqa: C417 - as written there
    parallel_result = lview.map(lambda x: x**10, range(32))
    assert list(serial_result) == parallel_result


def test_parallel_function_decorator(lview):
    @lview.parallel()
    def f(x):
        return 10.0 * x**4

    answer = f.map(range(32))  # this is done in parallel
    assert list(answer) == [10.0 * x**4 for x in range(32)]
    lview.block = True

    @lview.parallel()
    def g(x):
        return 10.0 * x**4

    assert g.map(range(32))[:3] == [0.0, 10.0, 160.0]


def test_map_results_are_iterable(lview):
    def work(x):
        import time

        time.sleep(0.001)
        return x + 1

    amr = lview.map_async(work, range(10))
    assert [r for r in amr] == list(range(1, 11))  # noqa: C416 - iterated as a user would
    amr = lview.map_async(work, range(10), ordered=False)
    assert sorted(amr) == list(range(1, 11))


def test_results_one_by_one_with_metadata(any_rc, lview):
    """Split the ids of a map, and handle them as they end."""
    amr = lview.map_async(lambda x: x + 1, range(10), chunksize=2)
    pending = set(amr.msg_ids)
    assert len(pending) == 5
    seen = []
    while pending:
        any_rc.wait(pending, 1e-3)
        finished = pending.difference(any_rc.outstanding)
        pending = pending.difference(finished)
        for msg_id in finished:
            ar = any_rc.get_result(msg_id)
            assert ar.engine_id in any_rc.ids
            assert ar.metadata["msg_id"] == msg_id
            seen.extend(ar.get() if isinstance(ar.get(), list) else ar.get()[0])
    assert sorted(seen) == list(range(1, 11))


def test_require(lview):
    @require("colorsys", "zlib")
    def myfunc():
        return colorsys.__name__, zlib.__name__  # noqa: F821 - the decorator binds them

    assert lview.apply_async(myfunc).get(timeout=60) == ("colorsys", "zlib")


def platform_tests():
    def platform_specific(plat):
        import sys

        return sys.platform == plat

    return platform_specific


def test_depend(lview):
    platform_specific = platform_tests()

    @depend(platform_specific, sys.platform)
    def thistask():
        return "ran here"

    @depend(platform_specific, "nt")
    def wintask():
        return "ran on windows"

    assert lview.apply_async(thistask).get(timeout=60) == "ran here"
    with pytest.raises(ipp.error.ImpossibleDependency):
        lview.apply_async(wintask).get(timeout=60)


def test_dependents(lview):
    platform_specific = platform_tests()

    def mytask(*args):
        return args

    here = dependent(mytask, platform_specific, sys.platform)
    wintask = dependent(mytask, platform_specific, plat="nt")
    assert lview.apply_async(here, 1, 2).get(timeout=60) == (1, 2)
    with pytest.raises(ipp.error.ImpossibleDependency):
        lview.apply_async(wintask, 1, 2).get(timeout=60)


def test_graph_dependencies(any_rc, lview):
    any_rc.block = False

    def f(a, key=None):
        return a, key

    ar = lview.apply(f, 1, key=2)
    ar2 = lview.apply(lambda: "f2")
    with lview.temp_flags(after=[ar, ar2]):
        ar3 = lview.apply(lambda: "f3")
    with lview.temp_flags(follow=[ar], timeout=60):
        ar4 = lview.apply(lambda: "f3")
    assert ar3.get(timeout=60) == "f3"
    assert ar4.get(timeout=60) == "f3"
    assert ar.get(timeout=60) == (1, 2)
    assert ar3.started >= max(ar.completed, ar2.completed)
    assert ar4.engine_id == ar.engine_id


def test_cleanup_task_runs_only_after_a_failure(lview):
    failed = lview.apply(lambda: 1 / 0)
    fine = lview.apply(lambda: 1)
    for ar, ran in ((failed, True), (fine, False)):
        with lview.temp_flags(after=ipp.Dependency(ar, failure=True, success=False)):
            cleanup = lview.apply(lambda: "cleaned")
        cleanup.wait(60)
        assert cleanup.successful() is ran


@pytest.mark.parametrize(
    ("rule", "outcomes"),
    [
        pytest.param(
            {"all": True, "success": True, "failure": False}, ["ok", "error"], id="any failed, all successes wanted"
        ),
        pytest.param(
            {"all": False, "success": True, "failure": False}, ["error", "error"], id="all failed, any success wanted"
        ),
    ],
)
def test_impossible_dependencies(lview, rule, outcomes):
    ars = [lview.apply(int if outcome == "ok" else dict, 1) for outcome in outcomes]
    with lview.temp_flags(after=ipp.Dependency(ars, **rule)):
        ar = lview.apply(int)
    with pytest.raises(ipp.error.ImpossibleDependency):
        ar.get(timeout=60)


def test_impossible_follow_on_more_than_one_machine(any_rc, lview):
    ars = [any_rc.load_balanced_view(targets=[engine]).apply(int) for engine in any_rc.ids]
    with lview.temp_flags(follow=ars):
        ar = lview.apply(int)
    with pytest.raises(ipp.error.ImpossibleDependency):
        ar.get(timeout=60)


def test_depending_on_nonexistent_messages(lview):
    with lview.temp_flags(after="nonexistent"):
        ar = lview.apply(int)
    with pytest.raises(ipp.error.ImpossibleDependency):
        ar.get(timeout=60)


def test_retries_and_resubmit(any_rc, lview, tmp_path):
    path = str(tmp_path / "tries")

    def sometimes():
        with open(path, "a") as file:
            file.write("x")
        with open(path) as file:
            if len(file.read()) < 3:
                raise OSError("a statistical chance of failing")
        return "done"

    with lview.temp_flags(retries=1):
        ar = lview.apply(sometimes)
    with pytest.raises(OSError, match="statistical"):
        ar.get(timeout=60)
    again = any_rc.resubmit(ar.msg_ids)
    assert isinstance(again, ipp.AsyncHubResult)
    assert again.get(timeout=60) in ("done", ["done"])


def test_get_result_later(any_rc, lview):
    msg_id = lview.apply(lambda: "kept").msg_ids[0]
    assert any_rc.get_result(msg_id).get(timeout=60) == "kept"


def test_dag_dependencies(any_rc, lview):
    """The graph of the documentation's example: nodes run after their parents."""
    networkx = pytest.importorskip("networkx")
    graph = networkx.gn_graph(32, seed=3).reverse()
    jobs = {node: (lambda: __import__("time").time()) for node in graph}
    results = {}
    for node in networkx.topological_sort(graph):
        deps = [results[parent] for parent in graph.predecessors(node)]
        with lview.temp_flags(after=deps, block=False):
            results[node] = lview.apply_async(jobs[node])
    assert any_rc.wait(list(results.values()), timeout=60)
    for node in graph:
        for parent in graph.predecessors(node):
            assert results[parent].metadata.completed <= results[node].metadata.started
            assert results[parent].get() <= results[node].get() <= time.time()


@pytest.mark.parametrize("scheme", ["lru", "plainrandom", "twobin", "leastload", "weighted", "pure"])
def test_schedulers(new_client, scheme):
    view = new_client(2, "threads", scheme=scheme).load_balanced_view()
    assert view.map_sync(lambda x: 2 * x, range(20)) == list(range(0, 40, 2))
