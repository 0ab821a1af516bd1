import asyncio
import threading

import pytest

from gangline.errors import UsageError
from gangline.views import Dependency
from gangline.views.flags import UnknownFlag
from gangline.views.loadbalanced import PureSchemeError

WRONG = [
    ({"after": 3}, ValueError),
    ({"after": [3]}, ValueError),
    ({"follow": {"nonsense": 1}}, ValueError),
    ({"after": {"dependencies": [3]}}, ValueError),
    ({"timeout": -1}, ValueError),
    ({"timeout": float("nan")}, ValueError),
    ({"timeout": "soon"}, TypeError),
    ({"timeout": True}, TypeError),
    ({"retries": -1}, ValueError),
    ({"retries": "twice"}, TypeError),
    ({"priority": 1.5}, TypeError),
    ({"block": "yes"}, TypeError),
    ({"label": 7}, TypeError),
    ({"limits": [7]}, TypeError),
    ({"resources": {"cores": 0}}, ValueError),
    ({"resources": {7: 1}}, TypeError),
    ({"targets": [99]}, IndexError),
    ({"targets": "some"}, TypeError),
    ({"targets": 1.5}, TypeError),
    ({"nonsense": 1}, ValueError),
    ({"nonsense": 1}, KeyError),
]


def values(view):
    return {name: getattr(view, name) for name in view._flag_names}


@pytest.mark.parametrize(("flags", "error"), WRONG)
@pytest.mark.parametrize("manner", ["set_flags", "temp_flags"])
def test_a_wrong_flag_is_refused_and_changes_nothing(view, manner, flags, error):
    view.set_flags(retries=2, label="mine")
    before = values(view)

    def try_it():
        if manner == "set_flags":
            view.set_flags(label="other", **flags)
        else:
            with view.temp_flags(label="other", **flags):
                pytest.fail("the block was entered")

    with pytest.raises(error):
        try_it()
    assert values(view) == before


def test_a_wrong_attribute_is_refused_too(view):
    with pytest.raises(UsageError):
        view.timeout = -1
    assert view.timeout == 0


def test_an_unknown_flag_is_named_with_the_known_ones(view):
    with pytest.raises(UnknownFlag, match=r"no flag 'retry'; it has .*retries"):
        view.set_flags(retry=1)


def test_what_dependencies_may_be(view):
    done = view.apply_async(int)
    done.get(timeout=60)
    (msg_id,) = done.msg_ids
    for given in (
        msg_id,
        done,
        [msg_id, done],
        {msg_id},
        (msg_id,),
        Dependency(done),
        Dependency(done).as_dict(),
        None,
    ):
        with view.temp_flags(after=given):
            assert view.apply_async(int).get(timeout=60) == 0


class TestTempFlags:
    def test_restored_after_the_block_and_after_an_error(self, view):
        view.retries = 1
        with view.temp_flags(retries=5) as same:
            assert same is view
            assert view.retries == 5
        assert view.retries == 1
        with pytest.raises(ZeroDivisionError), view.temp_flags(retries=5):
            raise ZeroDivisionError
        assert view.retries == 1

    def test_what_is_set_inside_the_block_ends_with_it(self, view):
        with view.temp_flags(retries=5):
            view.label = "inside"
            view.retries = 6
            assert (view.label, view.retries) == ("inside", 6)
        assert (view.label, view.retries) == (None, 0)

    def test_nested(self, view):
        with view.temp_flags(retries=1):
            with view.temp_flags(label="x"):
                assert (view.retries, view.label) == (1, "x")
            assert (view.retries, view.label) == (1, None)

    def test_other_threads_do_not_see_them(self, view):
        inside, checked = threading.Event(), threading.Event()
        seen = []

        def look():
            inside.wait(60)
            seen.append((view.retries, view.apply_async(int)._handles[0].terms.retries))
            checked.set()

        thread = threading.Thread(target=look)
        thread.start()
        with view.temp_flags(retries=5):
            inside.set()
            checked.wait(60)
            assert view.apply_async(int)._handles[0].terms.retries == 5
        thread.join()
        assert seen == [(0, 0)]

    def test_other_tasks_of_asyncio_do_not_see_them(self, view):
        async def flagged(number, everybody):
            with view.temp_flags(retries=number):
                await everybody.wait()
                return view.retries

        async def main():
            everybody = asyncio.Barrier(3)
            return await asyncio.gather(*(flagged(number, everybody) for number in range(3)))

        assert asyncio.run(main()) == [0, 1, 2]


class TestTerms:
    def test_submissions_alike_share_one_object(self, view):
        first, second = view.apply_async(int)._handles[0], view.apply_async(int)._handles[0]
        assert first.terms is second.terms
        view.retries = 1
        assert view.apply_async(int)._handles[0].terms.retries == 1

    def test_a_list_may_grow_after_it_was_set(self, view, gate):
        held = view.apply_async(gate.wait)
        after = []
        view.after = after
        assert view.apply_async(int).get(timeout=60) == 0
        after.append(held)
        waiting = view.apply_async(int)
        assert not waiting.ready()
        gate.set()
        assert waiting.get(timeout=60) == 0

    def test_every_flag_arrives(self, view):
        view.set_flags(
            targets=[1],
            timeout=2,
            retries=3,
            retry_delay=0.5,
            retry_backoff=2,
            priority=4,
            limits="disk",
            resources={"cores": 1},
            patient=True,
            time_limit=60,
            label="all",
        )
        terms = view.apply_async(int)._handles[0].terms
        assert terms.targets == {1}
        assert (terms.timeout_s, terms.retries, terms.retry_delay_s, terms.retry_backoff) == (2, 3, 0.5, 2)
        assert (terms.priority, terms.limits, terms.resources) == (4, ("disk",), (("cores", 1.0),))
        assert (terms.patient, terms.time_limit_s, terms.label) == (True, 60, "all")

    def test_ids_of_another_session_are_unknown(self, view, processes):
        foreign = processes[0].apply_async(int)
        foreign.get(timeout=60)
        with view.temp_flags(after=foreign), pytest.raises(Exception, match=foreign.msg_ids[0]):
            view.apply_async(int).get(timeout=60)


def test_the_pure_scheme_refuses_what_it_cannot_do():
    from gangline.views import Client

    with Client(engines=0, backend="threads", scheme="pure") as rc:
        view = rc.load_balanced_view()
        for flags in ({"after": "x_0"}, {"follow": "x_0"}, {"retries": 1}, {"timeout": 1}):
            with pytest.raises(PureSchemeError, match=next(iter(flags))):
                view.set_flags(**flags)
        view.set_flags(after=None, follow=None, retries=0, timeout=0, targets=None)
