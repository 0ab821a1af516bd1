"""What bad input gets: a clear error, nothing lost, the session usable afterwards."""

from __future__ import annotations

import pytest

import gangline.views as ipp


@pytest.fixture(autouse=True)
def usable_afterwards(borrowed):
    yield
    if borrowed is not None:
        assert borrowed.load_balanced_view().apply_async(lambda: "usable").get(timeout=60) == "usable"


def test_function_that_is_not_importable_on_the_engine(rc, tmp_path, monkeypatch):
    (tmp_path / "only_here_module.py").write_text("def f(x):\n    return x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here_module

    (tmp_path / "only_here_module.py").unlink()
    ars = [rc.load_balanced_view().apply_async(lambda n=n: n) for n in range(4)]
    ar = rc.load_balanced_view().apply_async(only_here_module.f, 1)
    ar.wait(60)
    assert ar.get() == 1 if ar.successful() else "only_here_module" in str(ar.exception())
    assert [one.get(timeout=60) for one in ars] == list(range(4))


def test_function_that_is_gone_from_its_module(rc):
    import types

    function = types.FunctionType((lambda: 1).__code__, {}, "no_such_function")
    function.__module__ = "math"
    ar = rc.load_balanced_view().apply_async(function)
    assert ar.get(timeout=60) == 1


def test_cycle(any_rc):
    view = any_rc.load_balanced_view()
    first = view.apply_async(int)
    session, _, number = first.msg_ids[0].rpartition("_")
    with view.temp_flags(after=[f"{session}_{int(number) + 2}"]):
        one = view.apply_async(int)
    with view.temp_flags(after=one):
        two = view.apply_async(int)
    for ar in (one, two):
        with pytest.raises(ipp.error.ImpossibleDependency):
            ar.get(timeout=60)


@pytest.mark.parametrize("timeout", [-1, -0.001, float("nan"), float("inf"), "1"])
def test_wrong_timeout_of_a_task(any_rc, timeout):
    view = any_rc.load_balanced_view()
    with pytest.raises((ValueError, TypeError), match="timeout"), view.temp_flags(timeout=timeout):
        view.apply_async(int)


def test_negative_timeout_of_a_wait_is_for_ever(any_rc):
    ar = any_rc.load_balanced_view().apply_async(lambda: "came")
    assert ar.wait(-1)
    assert ar.get(timeout=-1) == "came"


@pytest.mark.parametrize("engine", [2, 99, -3])
def test_engine_that_does_not_exist(any_rc, engine):
    for call in (
        lambda: any_rc[engine],
        lambda: any_rc.direct_view(engine).apply_async(int),
        lambda: any_rc.load_balanced_view(targets=[engine]).apply_async(int),
        lambda: any_rc.queue_status(engine),
        lambda: any_rc[:].push({"a": 1}, targets=[engine], block=True),
    ):
        with pytest.raises(IndexError, match=str(engine)):
            call()


@pytest.mark.parametrize("n", [-1, "two", 1.5])
def test_wrong_number_of_engines(n):
    with pytest.raises((ValueError, TypeError)):
        ipp.Client(n=n)


def test_zero_engines(new_client):
    client = new_client(0)
    assert client.ids == []
    assert len(client) == 0
    with pytest.raises(ipp.error.NoEnginesRegistered):
        client[:].apply_async(int)
    ar = client.load_balanced_view().apply_async(int)
    with pytest.raises(TimeoutError):
        ar.get(timeout=0.05)
    with pytest.raises(TimeoutError):
        client.wait_for_engines(1, timeout=0.05)


def test_unknown_backend():
    with pytest.raises(ValueError, match="processes"):
        ipp.Client(n=1, backend="carrier pigeons")


def test_use_after_close(new_client):
    for backend in ("inline", "threads", "processes"):
        client = new_client(1, backend)
        view, direct = client.load_balanced_view(), client[0]
        done = view.apply_async(lambda: "kept")
        done.get(timeout=60)
        client.close()
        client.close()
        for call in (
            lambda view=view: view.apply_async(int),
            lambda view=view: view.map_sync(abs, [1]),
            lambda direct=direct: direct.apply_async(int),
            lambda direct=direct: direct.push({"a": 1}),
            lambda client=client, done=done: client.resubmit(done.msg_ids),
        ):
            with pytest.raises(RuntimeError, match=r"(?i)closed"):
                call()
        assert done.get() == "kept"


def test_pending_results_after_close(new_client, gate):
    client = new_client(1, "processes")
    running = client[0].apply_async(gate.hold())
    gate.wait_for(1)
    waiting = client[0].apply_async(int)
    client.close()
    for ar in (running, waiting):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which error is told below
            ar.get(timeout=60)
        assert not isinstance(caught.value, TimeoutError)
        assert isinstance(caught.value, ipp.error.KernelError | RuntimeError)


def test_deeply_nested_argument(rc):
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    try:
        with pytest.raises((TypeError, RecursionError, ValueError)):
            rc.load_balanced_view().apply_async(len, nested).get(timeout=60)
    finally:
        while nested:
            nested = nested.pop()


def test_very_many_arguments(any_rc):
    view = any_rc.load_balanced_view()
    assert view.apply_sync(lambda *args: len(args), *range(10_000)) == 10_000
    assert view.apply_sync(lambda **kw: len(kw), **{f"k{n}": n for n in range(1_000)}) == 1_000


def test_arguments_named_like_parameters_of_apply(any_rc):
    view = any_rc.load_balanced_view()

    def task(**kwargs):
        return sorted(kwargs)

    names = ["args", "block", "f", "function", "kwargs", "retries", "targets", "timeout"]
    assert view.apply_sync(task, **dict.fromkeys(names)) == names


def test_ids_of_another_session(any_rc, new_client):
    other = new_client(1, "threads").load_balanced_view().apply_async(int)
    other.get(timeout=60)
    with any_rc.load_balanced_view().temp_flags() as view, view.temp_flags(after=[other.msg_ids[0]]):
        ar = view.apply_async(int)
    with pytest.raises(ipp.error.InvalidDependency):
        ar.get(timeout=60)
    with pytest.raises((KeyError, ValueError)):
        any_rc.get_result(other.msg_ids[0]).get(timeout=60)


def test_thousands_of_errors(any_rc):
    def fail(n):
        raise ValueError(n)

    found = any_rc.load_balanced_view().map(fail, range(2_000), return_exceptions=True).get(timeout=60)
    assert len(found) == 2_000
    assert all(isinstance(one, ValueError) for one in found)
