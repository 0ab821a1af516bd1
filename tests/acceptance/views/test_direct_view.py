"""V28: push, pull, execute, Reference, scatter, gather over rc[:], rc[0], rc[::2]; restarts; large arrays."""

from __future__ import annotations

import os
import signal

import pytest

import gangline.views as ipp


@pytest.fixture(params=["rc[:]", "rc[0]", "rc[::2]", "rc[[1, 0]]", "rc[-1]", "rc.broadcast_view()"])
def view(request, any_rc):
    return eval(request.param, {"rc": any_rc})


def each(view, value):
    """What a view of these targets answers when every engine answers the value."""
    return value if isinstance(view.targets, int) else [value] * len(view)


def test_v28_push_and_pull(view):
    view.push({"a": 1, "b": [2]}, block=True)
    assert view.pull("a", block=True) == each(view, 1)
    assert view.pull(["a", "b"], block=True) == each(view, [1, [2]])
    assert view["b"] == each(view, [2])
    assert view.get("a") == each(view, 1)
    view["c"] = "text"
    assert view["c"] == each(view, "text")
    view.update({"d": None})
    assert view["d"] == each(view, None)


def test_v28_pull_of_a_missing_name(view):
    with pytest.raises(ipp.RemoteError, match="nowhere"):
        view.pull("nowhere", block=True)


def test_v28_pull_of_a_missing_name_is_a_name_error(any_rc):
    with pytest.raises(NameError):
        any_rc[0].pull("nowhere", block=True)


def test_v28_execute(view):
    view.execute("x = 3\ndef f(y):\n    return x * y", block=True)
    assert view.apply_sync(ipp.interactive(lambda: f(4))) == each(view, 12)  # noqa: F821 - a name on the engine
    with pytest.raises(ipp.RemoteError, match="ZeroDivisionError"):
        view.execute("1 / 0", block=True)
    with pytest.raises(ipp.RemoteError, match="SyntaxError"):
        view.execute("1 +", block=True)


def test_v28_reference(view):
    view.push({"a": 5}, block=True)
    assert view.apply_sync(lambda x: x + 1, ipp.Reference("a")) == each(view, 6)
    assert view.apply_sync(lambda x: x, x=ipp.Reference("a * 2")) == each(view, 10)
    with pytest.raises(ipp.RemoteError, match="nowhere"):
        view.apply_sync(lambda x: x, ipp.Reference("nowhere"))


@pytest.mark.parametrize("dist", ["b", "r"])
@pytest.mark.parametrize("length", [0, 1, 2, 7, 10])
def test_v28_scatter_and_gather(view, dist, length):
    items = list(range(length))
    view.scatter("part", items, dist=dist, block=True)
    assert view.gather("part", dist=dist, block=True) == items
    assert list(view.gather("part", dist=dist)) == items


def test_v28_scatter_flatten(any_rc):
    any_rc[:].scatter("one", [10, 20], flatten=True, block=True)
    assert any_rc[:]["one"] == [10, 20]


def test_v28_scattered_work(any_rc):
    view = any_rc[:]
    view.scatter("numbers", list(range(10)), block=True)
    view.execute("total = sum(numbers)", block=True)
    assert view["total"] == [10, 35]


def test_v28_run(view, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("answer = 6 * 7\n")
    view.run(str(script), block=True)
    assert view["answer"] == each(view, 42)


def test_v28_clear(view):
    view.push({"a": 1}, block=True)
    view.clear(block=True)
    with pytest.raises(ipp.RemoteError, match="a"):
        view.pull("a", block=True)
    assert view.apply_sync(lambda: "usable") == each(view, "usable")


def test_v28_importer(rc):
    with rc[:].sync_imports(quiet=True):
        import colorsys
    assert rc[:].apply_sync(ipp.interactive(lambda: colorsys.__name__)) == ["colorsys", "colorsys"]
    assert rc[0].apply_sync(ipp.interactive(lambda: "colorsys" in globals()))


def test_v28_targets_by_keyword(any_rc):
    view = any_rc[:]
    view.push({"only": 1}, targets=[1], block=True)
    assert view.pull("only", targets=1, block=True) == 1
    with pytest.raises(ipp.RemoteError):
        view.pull("only", targets=0, block=True)


def test_v28_namespaces_are_separate_and_lasting(any_rc):
    any_rc[0].push({"a": "zero"}, block=True)
    any_rc[1].push({"a": "one"}, block=True)
    assert any_rc[:]["a"] == ["zero", "one"]
    read = ipp.interactive(lambda: a)  # noqa: F821 - a name on the engine
    assert any_rc.load_balanced_view(targets=[1]).apply_sync(read) == "one"


def test_v28_engine_restarted_names_are_gone_and_the_error_says_so(fresh, until):
    fresh[:].push({"treasure": 1}, block=True)
    os.kill(fresh[0].apply_sync(os.getpid), signal.SIGKILL)
    new = until(lambda: next((engine for engine in fresh.ids if engine not in (0, 1)), None))
    assert fresh[1]["treasure"] == 1
    with pytest.raises(ipp.RemoteError, match="treasure") as caught:
        fresh[new].pull("treasure", block=True)
    assert "restart" in "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def test_v28_view_of_a_dead_engine(fresh, until):
    view = fresh[0]
    os.kill(view.apply_sync(os.getpid), signal.SIGKILL)
    until(lambda: 0 not in fresh.ids)

    def is_told_how_it_ended():
        with pytest.raises((IndexError, ipp.error.EngineError), match="0") as caught:
            view.apply_async(int).get(timeout=60)
        return "SIGKILL" in str(caught.value)

    until(is_told_how_it_ended)


@pytest.mark.parametrize("size", [0, 1, 1000, 10**6])
def test_v28_arrays_arrive_writable(any_rc, size):
    np = pytest.importorskip("numpy")
    data = np.arange(float(size))

    def write(array):
        array += 1
        return array

    back = any_rc.load_balanced_view().apply_sync(write, data)
    assert back.flags.writeable
    assert np.array_equal(back, np.arange(float(size)) + 1)


def test_v28_wrong_engine_numbers(any_rc):
    for wrong in (99, -3):
        with pytest.raises(IndexError, match=str(wrong)):
            any_rc[wrong]
    with pytest.raises(TypeError):
        any_rc["a"]
    with pytest.raises(IndexError):
        any_rc.load_balanced_view(targets=[99])


def test_v28_one_engine_gives_one_result_a_list_gives_a_list(any_rc):
    assert any_rc[0].apply_sync(lambda: 1) == 1
    assert any_rc[[0]].apply_sync(lambda: 1) == [1]
    assert any_rc[:].apply_async(lambda: 1).get_dict() == {0: 1, 1: 1}
