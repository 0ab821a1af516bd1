import pickle
import types

import pytest

from gangline.errors import ImpossibleDependency, UnmetDependency, UsageError
from gangline.views import Dependency, Reference, depend, dependent, interactive, require


class TestDependency:
    def test_where_ids_come_from(self, view):
        ar = view.apply_async(int)
        assert Dependency(ar) == set(ar.msg_ids)
        assert Dependency([ar, "other"]) == {*ar.msg_ids, "other"}
        assert Dependency("one") == {"one"}
        with pytest.raises(TypeError):
            Dependency([3])

    @pytest.mark.parametrize(
        ("all_", "completed", "failed", "met", "unreachable"),
        [
            (True, {"a", "b"}, set(), True, False),
            (True, {"a"}, set(), False, False),
            (True, {"a"}, {"b"}, False, True),
            (False, {"a"}, set(), True, False),
            (False, set(), {"a"}, False, False),
            (False, set(), {"a", "b"}, False, True),
        ],
    )
    def test_check(self, all_, completed, failed, met, unreachable):
        dependency = Dependency(["a", "b"], all=all_)
        assert dependency.check(completed, failed) is met
        assert dependency.unreachable(completed, failed) is unreachable

    def test_nothing_is_met_at_once(self):
        assert Dependency().check(set())
        assert not Dependency().unreachable(set())

    def test_failures_may_count(self):
        dependency = Dependency(["a"], success=False, failure=True)
        assert dependency.check(set(), {"a"})
        assert dependency.unreachable({"a"}, set())

    def test_something_must_count(self):
        with pytest.raises(UsageError):
            Dependency(["a"], success=False, failure=False)

    def test_as_dict_and_pickle(self):
        dependency = Dependency(["a"], all=False, failure=True)
        for copy in (Dependency(dependency.as_dict()), pickle.loads(pickle.dumps(dependency))):
            assert copy == {"a"}
            assert (copy.all, copy.success, copy.failure) == (False, True, True)


class TestDepend:
    @pytest.mark.parametrize("answer", [0, None, "", [], True])
    def test_only_false_refuses(self, view, answer):
        assert view.apply_async(dependent(abs, lambda: answer), -1).get(timeout=60) == 1

    def test_refused_everywhere(self, view):
        @depend(lambda: False)
        def task():
            return "ran"

        with pytest.raises(ImpossibleDependency):
            view.apply_async(task).get(timeout=60)
        assert task() == "ran"

    def test_refused_by_a_direct_view_is_the_error(self, rc):
        with pytest.raises(UnmetDependency):
            rc[0].apply_async(dependent(abs, lambda: False), -1).get(timeout=60)

    def test_an_error_of_the_check_is_the_task_s(self, view):
        with pytest.raises(ZeroDivisionError):
            view.apply_async(dependent(abs, lambda: 1 / 0), -1).get(timeout=60)

    def test_arguments_reach_the_check(self, view):
        @depend(lambda number, scale: number * scale == 6, 2, scale=3)
        def task(x):
            """What it does."""
            return x

        assert view.apply_async(task, 5).get(timeout=60) == 5
        assert (task.__name__, task.__doc__, task.dargs, task.dkwargs) == ("task", "What it does.", (2,), {"scale": 3})


class TestRequire:
    def test_names_are_bound_in_the_task_s_globals(self, processes):
        def helper(x):
            return x + 1

        @require("json", helper, scale=10)
        def task(x):
            return json.dumps(helper(x) * scale)  # noqa: F821  what the decorator binds

        assert processes.load_balanced_view().apply_async(task, 3).get(timeout=60) == "40"

    def test_a_dotted_module_binds_its_package(self, processes):
        @require("os.path")
        def task():
            return os.path.join("a", "b")  # noqa: F821  what the decorator binds

        assert processes[0].apply_async(task).get(timeout=60) == "a/b"

    def test_a_module_itself(self, processes):
        @require(types)
        def task():
            return types.SimpleNamespace(a=1).a

        assert processes[0].apply_async(task).get(timeout=60) == 1

    def test_together_with_depend(self, processes):
        @require("math")
        @depend(lambda: True)
        def task():
            return math.sqrt(16)  # noqa: F821  what the decorator binds

        assert processes.load_balanced_view().apply_async(task).get(timeout=60) == 4

    def test_a_missing_module(self, processes):
        @require("no_such_module")
        def task():
            return 1

        with pytest.raises(UnmetDependency, match="no_such_module"):
            processes[0].apply_async(task).get(timeout=60)

    def test_an_object_without_a_name(self):
        with pytest.raises(TypeError, match="by keyword"):
            require(5)


class TestInteractive:
    def test_globals_are_the_engine_s(self, processes):
        @interactive
        def task():
            return on_the_engine  # noqa: F821  a name there

        processes[0].push({"on_the_engine": 7}, block=True)
        assert processes[0].apply_async(task).get(timeout=60) == 7

    def test_closures_and_defaults_are_kept(self):
        outside = 3

        @interactive
        def f(a, b=2, *, c=4):
            return a + b + c + outside

        assert f(1) == 10
        assert f.__module__ == "__main__"


class TestReference:
    def test_on_the_client_it_stays_one(self):
        copy = pickle.loads(pickle.dumps(Reference("a.b")))
        assert repr(copy) == "<Reference: 'a.b'>"
        with pytest.raises(TypeError):
            Reference(5)

    @pytest.mark.parametrize("where", ["rc", "processes"])
    def test_on_an_engine_it_is_the_object(self, request, where):
        client = request.getfixturevalue(where)
        client[:].push({"a": 5, "d": {"k": [1, 2]}, "f": abs}, block=True)
        view = client[:]
        assert view.apply_sync(divmod, Reference("a"), 2) == [(2, 1)] * 2
        assert view.apply_sync(int, Reference("d['k'][1]")) == [2, 2]
        assert view.apply_sync(Reference("f"), -4) == [4, 4]
        assert client.load_balanced_view().apply_async(dict, x=Reference("a")).get(timeout=60) == {"x": 5}
        with pytest.raises(NameError, match="nowhere"):
            client[0].apply_sync(abs, Reference("nowhere"))

    def test_it_is_looked_up_when_the_task_starts(self, processes):
        engine = processes[0]
        pushed = [engine.push({"n": n}) and engine.apply_async(int, Reference("n")) for n in range(20)]
        assert [ar.get(timeout=60) for ar in pushed] == list(range(20))
