import builtins

import numpy as np
import pytest

from gangline.errors import UsageError
from gangline.views import BroadcastView, interactive


@pytest.fixture(params=["threads", "processes"])
def client(request):
    client = request.getfixturevalue("rc" if request.param == "threads" else "processes")
    client.clear(block=True)
    yield client
    client.wait(timeout=60)


@pytest.fixture(params=["one", "all", "some", "broadcast"])
def view(request, client):
    return {
        "one": lambda: client[0],
        "all": lambda: client[:],
        "some": lambda: client[[1]],
        "broadcast": client.broadcast_view,
    }[request.param]()


def each(view, value):
    return value if isinstance(view.targets, int) else [value] * len(view)


class TestApply:
    def test_one_result_or_a_list(self, view):
        assert view.apply_sync(divmod, 7, 2) == each(view, (3, 1))
        assert view.apply_async(int, "f", base=16).get(timeout=60) == each(view, 15)

    def test_block(self, view):
        view.block = True
        assert view.apply(abs, -1) == each(view, 1)
        with view.temp_flags(block=False):
            assert view.apply(abs, -1).get(timeout=60) == each(view, 1)

    def test_names_of_arguments_do_not_matter(self, view):
        assert view.apply_sync(dict, f=1, self=2, args=3, targets=4) == each(
            view, {"f": 1, "self": 2, "args": 3, "targets": 4}
        )

    @pytest.mark.parametrize("f", [5, "abs", None])
    def test_not_a_function(self, view, f):
        with pytest.raises(TypeError, match="applied"):
            view.apply(f)

    def test_label(self, view):
        view.label = "mine"
        assert view.apply_async(int)["label"] == each(view, "mine")


class TestNames:
    def test_push_and_pull(self, view):
        view.push({"a": 1, "b": [2]}, block=True)
        assert view["a"] == each(view, 1)
        assert view.pull(["a", "b"], block=True) == each(view, [1, [2]])
        assert view.pull(("a",)).get(timeout=60) == each(view, [1])
        assert view.get("b[0] + a") == each(view, 3)
        view["c"] = 5
        view.update({"d": 6})
        assert view.pull(["c", "d"], block=True) == each(view, [5, 6])

    def test_parts_of_objects(self, view):
        view["a"] = [1, 2]
        view.push({"a[1]": 7}, block=True)
        assert view["a"] == each(view, [1, 7])

    def test_missing(self, view):
        with pytest.raises(NameError, match="'nowhere'"):
            view["nowhere"]

    @pytest.mark.parametrize("names", [5, [1], None, {"a": 1}])
    def test_not_names(self, view, names):
        with pytest.raises(TypeError):
            view.pull(names)

    @pytest.mark.parametrize("ns", [5, [("a", 1)], {1: 2}])
    def test_not_a_namespace(self, view, ns):
        with pytest.raises(TypeError):
            view.push(ns)

    def test_clear(self, view):
        view.push({"a": 1}, block=True)
        view.clear(block=True)
        with pytest.raises(NameError):
            view["a"]
        assert view.apply_sync(abs, -1) == each(view, 1)

    def test_what_was_pushed_is_seen_by_functions(self, view):
        @interactive
        def double():
            return 2 * a  # noqa: F821  a name on the engine

        view["a"] = 4
        assert view.apply_sync(double) == each(view, 8)
        view["a"] = 5
        assert view.apply_sync(double) == each(view, 10)


class TestExecute:
    def test_code_runs_in_the_namespace(self, view):
        result = view.execute("a = 5\ndef f(): return a", block=True)
        assert result.successful()
        assert view["f()"] == each(view, 5)

    def test_replies(self, client):
        reply = client[0].execute("print('out'); 6 * 7", silent=False).get(timeout=60)
        assert (reply.data, reply.stdout, reply.source) == ({"text/plain": "42"}, "out\n", "print('out'); 6 * 7")
        assert repr(reply) == f"<ExecuteReply[{reply.execution_count}]: 42>"
        assert reply["engine_id"] == 0
        later = client[0].execute("None", silent=False).get(timeout=60)
        assert (later.execution_count, later.data) == (reply.execution_count + 1, {})
        with pytest.raises(AttributeError):
            reply.nonsense  # noqa: B018
        quiet = client[0].execute("6 * 7").get(timeout=60)
        assert (quiet.data, quiet.execution_count) == ({}, later.execution_count)

    def test_long_and_many_lines(self, client):
        reply = client[0].execute("'x' * 100", silent=False).get(timeout=60)
        assert repr(reply).endswith("xxx...>")
        assert reply._repr_mimebundle_()[0]["text/plain"].startswith(f"Out[0:{reply.execution_count}]: 'xxx")

    @pytest.mark.parametrize(
        ("code", "error"), [("1 / 0", ZeroDivisionError), ("a b", SyntaxError), ("nowhere", NameError)]
    )
    def test_errors(self, view, code, error):
        with pytest.raises(error):
            view.execute(code, block=True)
        assert view.execute(code).exception(60) is not None

    def test_await_at_the_top(self, view):
        view.execute("import asyncio\nawait asyncio.sleep(0)\na = 3", block=True)
        assert view["a"] == each(view, 3)

    def test_only_text(self, view):
        with pytest.raises(TypeError):
            view.execute(5)

    def test_run(self, view, tmp_path):
        script = tmp_path / "script.py"
        script.write_text("if True:\n    answer = 42\n    ")
        view.run(str(script), block=True)
        assert view["answer"] == each(view, 42)
        with pytest.raises(OSError, match="nowhere"):
            view.run("/nowhere.py")


class TestScatter:
    @pytest.mark.parametrize("dist", ["b", "r"])
    @pytest.mark.parametrize("length", [0, 1, 2, 7])
    def test_back_and_forth(self, view, dist, length):
        if isinstance(view.targets, int):
            view = view.client[[view.targets]]
        view.scatter("part", list(range(length)), dist=dist, block=True)
        assert view.gather("part", dist=dist, block=True) == list(range(length))
        assert view.gather("part", dist=dist).get(timeout=60) == list(range(length))

    def test_arrays_stay_arrays(self, client):
        whole = np.arange(10.0).reshape(5, 2)
        assert client[:].scatter("part", whole).get(timeout=60) == [None, None]
        assert [part.shape for part in client[:]["part"]] == [(3, 2), (2, 2)]
        assert (client[:].gather("part", block=True) == whole).all()

    def test_flatten(self, client):
        client[:].scatter("part", [10, 20], flatten=True, block=True)
        assert client[:]["part"] == [10, 20]

    def test_unknown_way(self, client):
        for ask in (lambda: client[:].scatter("a", [], dist="z"), lambda: client[:].gather("a", dist="z")):
            with pytest.raises(UsageError, match="'b', 'r'"):
                ask()

    def test_gathering_what_is_not_there(self, client):
        with pytest.raises(NameError):
            client[:].gather("nowhere", block=True)


class TestMap:
    def test_like_the_builtin(self, view):
        assert view.map_sync(abs, range(-3, 3)) == [3, 2, 1, 0, 1, 2]
        assert view.map_sync(pow, [2, 3, 4], (n for n in (1, 2, 3))) == [2, 9, 64]
        assert list(view.imap(abs, [-1, -2])) == [1, 2]
        assert view.map_async(abs, []).get(timeout=60) == []

    def test_wrong_calls(self, view):
        with pytest.raises(UsageError):
            view.map(abs)
        for method in (view.map_sync, view.map_async):
            with pytest.raises(TypeError, match="block"):
                method(abs, [1], block=True)


class TestImports:
    def test_here_and_there(self, client, capsys):
        with client[:].sync_imports():
            import colorsys
            import os.path
            from fractions import Fraction
        said = "importing {} on engine(s)\n".format
        assert capsys.readouterr().out == said("colorsys") + said("os.path") + said("Fraction from fractions")
        assert client[:]["colorsys.__name__"] == ["colorsys"] * 2
        assert client[:]["Fraction(1, 2) + 0.5, os.sep"] == [(1.0, "/")] * 2
        assert (colorsys.__name__, Fraction.__name__, os.sep) == ("colorsys", "Fraction", "/")

    def test_quietly(self, client, capsys):
        with client[:].sync_imports(quiet=True):
            import colorsys  # noqa: F401
        assert capsys.readouterr().out == ""

    def test_errors_and_the_way_back(self, client):
        real = builtins.__import__
        with pytest.raises(ImportError), client[:].importer:
            import no_such_module  # noqa: F401
        assert builtins.__import__ is real
        with pytest.raises(NotImplementedError):
            client[:].sync_imports(local=False)


class TestBroadcast:
    def test_a_fixed_set(self, client):
        view = client.broadcast_view(is_coalescing=True)
        assert isinstance(view, BroadcastView)
        assert (view.targets, view.is_coalescing) == ([0, 1], True)
        assert view.apply_sync(abs, -1) == [1, 1]


@pytest.mark.parametrize("use", ["use_dill", "use_cloudpickle", "use_pickle"])
def test_serializers(client, use):
    pytest.importorskip("dill")
    assert getattr(client[:], use)().get(timeout=60) == [None, None]


def test_targets_as_a_flag(rc):
    view = rc[:]
    with view.temp_flags(targets=0):
        assert view.apply_sync(abs, -1) == 1
    with view.temp_flags(targets=[1]):
        assert len(view) == 1
    view.targets = "all"
    assert (len(view), repr(view)) == (2, "<DirectView all>")
    assert rc[:].push({"a": 1}, targets=[1], block=True) == [None]
    with pytest.raises(NameError):
        rc[0]["a"]


def test_a_name_from_before_a_restart(processes):
    from gangline.views import Client

    with Client(n=1) as rc:
        rc[0].push({"a": 1}, block=True)
        rc._session.kill_engine(0)
        assert rc._session.wait_for(lambda: rc.ids == [1], 60)
        for ask in (lambda: rc[1]["a"], lambda: rc[1].execute("a", block=True), lambda: rc[:].gather("a", block=True)):
            with pytest.raises(NameError, match="engine 1 was started after engine 0 had ended"):
                ask()
        rc[1]["a"] = 2
        assert rc[1]["a"] == 2
