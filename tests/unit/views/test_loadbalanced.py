import pytest

from gangline.errors import UsageError
from gangline.views import LoadBalancedView, Reference
from gangline.views.view import View


def test_apply(view):
    assert view.apply_sync(divmod, 7, 2) == (3, 1)
    assert view.apply(int, "f", base=16).get(timeout=60) == 15
    assert view.apply_async(dict, f=1, self=2, block=3).get(timeout=60) == {"f": 1, "self": 2, "block": 3}
    view.block = True
    assert view.apply(abs, -1) == 1


@pytest.mark.parametrize("apply", ["apply", "apply_async", "apply_sync"])
@pytest.mark.parametrize("f", [5, "abs", None])
def test_not_a_function(view, apply, f):
    with pytest.raises(TypeError, match="applied"):
        getattr(view, apply)(f)


def test_a_reference_as_the_function(rc):
    rc[:]["f"] = abs
    view = rc.load_balanced_view()
    assert view.apply_async(Reference("f"), -3).get(timeout=60) == 3
    assert view.apply_sync(Reference("f"), -3) == 3


@pytest.mark.parametrize(
    ("targets", "shown", "length"),
    [(None, None, 2), ("all", None, 2), ([1], [1], 1), (0, [0], 1), (slice(1, None), [1], 1)],
)
def test_targets(rc, targets, shown, length):
    view = rc.load_balanced_view(targets)
    assert (view.targets, len(view), bool(view)) == (shown, length, True)
    result = view.apply_async(int)
    result.get(timeout=60)
    assert result.engine_id in (shown or [0, 1])
    assert repr(view) == f"<LoadBalancedView {shown}>"


def test_map(view):
    assert view.map_sync(abs, range(-3, 3), chunksize=2) == [3, 2, 1, 0, 1, 2]
    assert sorted(view.map(abs, range(5), ordered=False)) == list(range(5))
    assert list(view.imap(abs, iter([-1, -2]))) == [1, 2]
    labelled = view.map_async(abs, range(3), label="L")
    labelled.get(timeout=60)
    assert set(labelled["label"]) == {"L"}
    assert view.label is None
    for method in (view.map, view.imap):
        with pytest.raises(UsageError):
            method(abs)


def test_maps_are_in_the_history(rc, view):
    result = view.map_async(abs, range(10), chunksize=5)
    result.get(timeout=60)
    assert view.history == rc.history == result.msg_ids
    assert len(result.msg_ids) == 2


def test_the_base_is_no_view(rc):
    with pytest.raises(TypeError):
        View(rc)
    assert isinstance(LoadBalancedView(rc, None, retries=2), View)


def test_a_clone_shares_the_history_and_not_the_flags(view):
    clone = view._clone(retries=3)
    clone.apply_sync(int)
    assert view.history == clone.history
    assert (view.retries, clone.retries) == (0, 3)


def test_the_client_s_block_is_the_view_s(rc):
    rc.block = True
    assert rc.load_balanced_view().apply(abs, -1) == 1
    assert rc[:].apply(abs, -1) == [1, 1]
