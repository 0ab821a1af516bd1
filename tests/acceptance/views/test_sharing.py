"""V29, V30, V24: several clients, threads and interfaces at once; large graphs; memory that comes back."""

from __future__ import annotations

import concurrent.futures
import random

import pytest

import gangline.views as ipp


def test_v29_two_clients_on_one_cluster():
    with ipp.Cluster(n=2) as first:
        second = first.cluster.connect_client_sync()
        assert second.ids == first.ids
        first[:].push({"shared": 3}, block=True)
        assert second[:]["shared"] == [3, 3]
        mine = [first.load_balanced_view().apply_async(lambda n=n: n) for n in range(50)]
        theirs = [second.load_balanced_view().apply_async(lambda n=n: -n) for n in range(50)]
        assert [ar.get(timeout=60) for ar in mine] == list(range(50))
        assert [ar.get(timeout=60) for ar in theirs] == [-n for n in range(50)]
        assert len(second.history) == 2 + 50
        second.close()
        assert first[:].apply_sync(lambda: "goes on") == ["goes on", "goes on"]


def test_v29_two_clients_with_engines_of_their_own(new_client):
    clients = [new_client(1), new_client(1)]
    for number, client in enumerate(clients):
        client[0].push({"number": number}, block=True)
    assert [client[0]["number"] for client in clients] == [0, 1]


@pytest.mark.parametrize("what", ["apply", "map", "flags"])
def test_v29_twenty_threads_on_one_view(both_rc, what):
    view = both_rc.load_balanced_view()

    def apply(number):
        ars = [view.apply_async(lambda n=n: n) for n in range(number, number + 20)]
        return [ar.get(timeout=60) for ar in ars]

    def mapped(number):
        return view.map_async(lambda n: n, range(number, number + 20)).get(timeout=60)

    def flags(number):
        with view.temp_flags(label=f"label {number}", retries=number):
            ars = [view.apply_async(int) for _ in range(20)]
        assert {ar.metadata["label"] for ar in ars} == {f"label {number}"}
        both_rc.wait(ars, timeout=60)
        return list(range(number, number + 20))

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        results = list(pool.map({"apply": apply, "map": mapped, "flags": flags}[what], range(20)))
    assert results == [list(range(number, number + 20)) for number in range(20)]
    assert view.label is None


def test_v29_view_in_a_forked_child(start_program):
    program = start_program(
        "import os, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "import gangline.views as ipp\n"
        "rc = ipp.Client(n=1)\n"
        "view = rc.load_balanced_view()\n"
        "old = view.apply_async(int)\n"
        "old.get(timeout=60)\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    calls = [lambda: view.apply_async(int), lambda: view.map_sync(abs, [1]), lambda: rc[0].apply_sync(int)]\n"
        "    for what in calls:\n"
        "        try:\n"
        "            what()\n"
        "        except RuntimeError as error:\n"
        "            print('child:', 'fork' in str(error), flush=True)\n"
        "    rc.close()\n"
        "    os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "print('parent:', view.apply_async(lambda: 'goes on').get(timeout=60), flush=True)\n"
        "rc.close()\n"
    )
    assert program.finish().splitlines() == ["child: True"] * 3 + ["parent: goes on"]


def test_v29_a_pending_result_in_a_forked_child_does_not_hang(start_program):
    program = start_program(
        "import os, time, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "import gangline.views as ipp\n"
        "rc = ipp.Client(n=1)\n"
        "told = os.path.join(os.environ['FOLDER'], 'told')\n"
        "def held(told):\n"
        "    import os, time\n"
        "    while not os.path.exists(told): time.sleep(0.01)\n"
        "ar = rc.load_balanced_view().apply_async(held, told)\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    try:\n"
        "        ar.get()\n"
        "    except RuntimeError as error:\n"
        "        print('child:', 'fork' in str(error), flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "open(told, 'w').close()\n"
        "print('parent:', ar.get(timeout=60), flush=True)\n"
        "rc.close()\n"
    )
    assert program.finish().splitlines() == ["child: True", "parent: None"]


def test_v30_both_interfaces_at_once(both_rc, gate):
    direct, balanced = both_rc[:], both_rc.load_balanced_view()
    direct.push({"factor": 3}, block=True)
    scaled = ipp.interactive(lambda n: n * factor)  # noqa: F821 - a name on the engine
    tasks = [balanced.apply_async(scaled, n) for n in range(50)]
    pushed = direct.push({"factor": 3}, block=False)
    executed = direct.execute("other = factor + 1")
    assert [ar.get(timeout=60) for ar in tasks] == [3 * n for n in range(50)]
    assert pushed.get(timeout=60) == [None, None]
    executed.get(timeout=60)
    assert direct["other"] == [4, 4]
    held = both_rc[0].apply_async(gate.hold("held"))
    gate.wait_for(1)
    assert [balanced.apply_async(lambda n=n: n).get(timeout=60) for n in range(5)] == list(range(5))
    gate.open()
    assert held.get(timeout=60) == "held"


def test_v30_graph_of_ten_thousand_nodes(rc):
    networkx = pytest.importorskip("networkx")
    count = 10_000
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(count))
    source = random.Random(4)
    for node in range(1, count):
        for _ in range(source.randint(1, 3)):
            graph.add_edge(source.randint(max(0, node - 300), node - 1), node)
    view = rc.load_balanced_view()
    results = {}
    for node in networkx.topological_sort(graph):
        with view.temp_flags(after=[results[parent] for parent in graph.predecessors(node)]):
            results[node] = view.apply_async(lambda n: n, node)
    assert rc.wait(list(results.values()), timeout=240)
    assert all(results[node].get() == node for node in graph)
    times = {node: (ar.started, ar.completed) for node, ar in results.items()}
    assert all(times[parent][1] <= times[node][0] for parent, node in graph.edges)


def test_v24_memory_comes_back_after_purge(start_program):
    program = start_program(
        "import ctypes, gc\n"
        "import gangline.views as ipp\n"
        "def memory():\n"
        "    gc.collect()\n"
        "    ctypes.CDLL(None).malloc_trim(0)\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * 4096\n"
        "rc = ipp.Client(n=2)\n"
        "view = rc.load_balanced_view()\n"
        "def tasks(count):\n"
        "    ars = [view.apply_async(lambda n: n, n) for n in range(count)]\n"
        "    assert rc.wait(ars, timeout=240)\n"
        "    assert ars[-1].get() == count - 1\n"
        "    del ars\n"
        "    rc.purge_everything()\n"
        "tasks(5000)\n"
        "before = memory()\n"
        "tasks(100_000)\n"
        "print(memory() / before)\n"
        "rc.close()\n",
        PYTHONMALLOC="malloc",  # Python's own allocator gives back whole megabytes only
    )
    assert float(program.finish(280)) < 1.2


def test_v24_purge_forgets(rc):
    ars = [rc.load_balanced_view().apply_async(int) for _ in range(50)]
    rc.wait(ars, timeout=60)
    msg_id = ars[0].msg_ids[0]
    assert rc.get_result(msg_id).get(timeout=60) == 0
    rc.purge_everything()
    assert list(rc.history) == []
    assert rc.hub_history() == []
    assert dict(rc.results) == {}
    with pytest.raises(KeyError):
        rc.metadata[msg_id]
    assert rc.load_balanced_view().apply_sync(lambda: "usable") == "usable"


def test_v24_purge_while_tasks_run_is_refused(both_rc, gate):
    held = both_rc[0].apply_async(gate.hold("held"))
    gate.wait_for(1)
    for purge in (both_rc.purge_everything, lambda: both_rc.purge_results("all"), lambda: both_rc.purge_results(held)):
        with pytest.raises(RuntimeError):
            purge()
    gate.open()
    assert held.get(timeout=60) == "held"
