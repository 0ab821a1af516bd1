"""V21-V23: flags of views, and the schemes by which engines are chosen."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest

import gangline.views as ipp
from gangline.messages import Scheme

FLAGS = ("after", "follow", "timeout", "retries", "targets", "block", "label")


@pytest.mark.parametrize(
    "wrong",
    [
        {"after": 3},
        {"after": [3]},
        {"after": {"nonsense": 1}},
        {"after": NotImplemented},
        {"follow": 2.5},
        {"timeout": -1},
        {"timeout": "soon"},
        {"timeout": float("nan")},
        {"retries": -1},
        {"retries": "many"},
        {"retries": 1.5},
        {"block": "yes"},
        {"no_such_flag": 1},
        {"retries": 4, "no_such_flag": 1},
        {"retries": 4, "after": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("how", ["temp_flags", "set_flags"])
def test_v21_wrong_flag_changes_nothing(any_rc, wrong, how):
    view = any_rc.load_balanced_view()
    view.set_flags(retries=2, label="before")
    before = [getattr(view, name) for name in FLAGS]
    with contextlib.ExitStack() as stack, pytest.raises((ValueError, TypeError)):
        stack.enter_context(view.temp_flags(**wrong)) if how == "temp_flags" else view.set_flags(**wrong)
    assert [getattr(view, name) for name in FLAGS] == before
    assert view.apply_sync(lambda: "usable") == "usable"


def test_v21_unknown_flag_is_named(any_rc):
    with pytest.raises((ValueError, TypeError), match="no_such_flag"):
        any_rc.load_balanced_view().set_flags(no_such_flag=1)
    with pytest.raises((ValueError, TypeError), match="retries"):
        any_rc[0].set_flags(retries=1)


@pytest.mark.parametrize(
    "form",
    [
        lambda ar: ar.msg_ids[0],
        lambda ar: ar,
        lambda ar: [ar],
        lambda ar: ar.msg_ids,
        lambda ar: {ar.msg_ids[0]},
        lambda ar: (ar, ar.msg_ids[0]),
        ipp.Dependency,
        lambda ar: ipp.Dependency([ar], all=False).as_dict(),
        lambda ar: {"dependencies": ar.msg_ids},
    ],
    ids=["id", "AsyncResult", "list", "list of ids", "set", "tuple", "Dependency", "as_dict", "dict"],
)
@pytest.mark.parametrize("kind", ["after", "follow"])
def test_v21_accepted_forms(both_rc, gate, kind, form):
    view = both_rc.load_balanced_view()
    held = view.apply_async(gate.hold())
    with view.temp_flags(**{kind: form(held)}):
        ar = view.apply_async(lambda: "ran")
    assert not ar.ready()
    gate.open()
    assert ar.get(timeout=60) == "ran"
    assert ar.started >= held.completed


def test_v21_none_is_no_dependency(any_rc):
    view = any_rc.load_balanced_view()
    with view.temp_flags(after=None, follow=None, timeout=None, targets=None, label=None):
        assert view.apply_sync(lambda: "ran") == "ran"


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_v21_flags_return_after_an_error(any_rc, error):
    view = any_rc.load_balanced_view()
    with pytest.raises(error), view.temp_flags(retries=3):
        raise error
    assert view.retries == 0


@pytest.mark.parametrize("flag", ["after", "follow", "retries", "targets", "timeout"])
def test_v22_pure_refuses_what_it_cannot_do(new_client, flag):
    client = new_client(2, "threads", scheme="pure")
    view = client.load_balanced_view()
    done = view.apply_async(int)
    done.get(timeout=60)
    value = {"retries": 2, "targets": [0], "timeout": 5}.get(flag, done)
    with pytest.raises((ValueError, RuntimeError), match="pure") as caught, view.temp_flags(**{flag: value}):
        view.apply_async(int)
    assert flag in str(caught.value)
    assert view.apply_async(lambda: "ran").get(timeout=60) == "ran"
    assert view.map_sync(lambda x: x, range(5)) == list(range(5))


def one_after_the_other(client, count, **flags):
    """On which engines tasks ran that were submitted one by one, each after the one before had ended."""
    view = client.load_balanced_view()
    engines = []
    for _ in range(count):
        ar = view.apply_async(int)
        ar.get(timeout=60)
        engines.append(ar.engine_id)
    return engines


@pytest.mark.parametrize("scheme", ["lru", "leastload", Scheme.LRU])
def test_v23_lru_and_idle_leastload_go_round(new_client, scheme):
    engines = one_after_the_other(new_client(4, "threads", scheme=scheme), 40)
    assert Counter(engines) == dict.fromkeys(range(4), 10)
    assert engines[:4] * 10 == engines


def test_v23_leastload_is_the_default_and_avoids_the_busy(new_client, gate):
    client = new_client(3, "threads")
    held = client[1].apply_async(gate.hold())
    gate.wait_for(1)
    assert Counter(one_after_the_other(client, 20)) == {0: 10, 2: 10}
    gate.open()
    held.get(timeout=60)


@pytest.mark.parametrize("scheme", ["plainrandom", "twobin", "weighted"])
def test_v23_random_schemes_follow_their_seed(new_client, scheme):
    runs = [one_after_the_other(new_client(4, "inline", scheme=scheme, seed=seed), 60) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert set(runs[0]) == {0, 1, 2, 3}
    assert runs[0] != runs[0][:4] * 15


def test_v23_twobin_evens_out_better_than_plain_random(new_client):
    spread = {}
    for scheme in ("plainrandom", "twobin"):
        counts = Counter(one_after_the_other(new_client(4, "inline", scheme=scheme, seed=5), 200))
        spread[scheme] = max(counts.values()) - min(counts.values())
    assert spread["twobin"] < spread["plainrandom"]


@pytest.mark.parametrize("scheme", ["twobin", "weighted"])
def test_v23_no_numpy_needed(new_client, scheme, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "numpy", None)
    assert new_client(2, "threads", scheme=scheme).load_balanced_view().apply_sync(lambda: "ran") == "ran"


def test_v23_unknown_scheme():
    with pytest.raises(ValueError, match="leastload"):
        ipp.Client(n=1, backend="threads", scheme="cleverest")
