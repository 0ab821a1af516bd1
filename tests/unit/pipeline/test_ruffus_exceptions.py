"""Exceptions of file pipelines: they travel, and they hold together."""

import pickle

import pytest

from gangline.errors import GanglineError
from gangline.pipeline import ruffus_exceptions
from gangline.pipeline.ruffus_exceptions import RethrownJobError, error_task, error_task_contruction

ROW = ["main.stage", "Job = [a -> b]", "builtins.ValueError", "(bad)", "Traceback"]


class Stage:
    _name = "stage"

    def __reduce__(self):
        raise TypeError("holds what cannot travel")


KINDS = [kind for kind in vars(ruffus_exceptions).values() if isinstance(kind, type) and issubclass(kind, error_task)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_exception_travels_with_its_text(kind):
    about = (Stage(),) if issubclass(kind, error_task_contruction) else ()
    error = kind([ROW]) if kind is RethrownJobError else kind(*about, "what is wrong")
    error.specify_task(Stage(), "Heading")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert isinstance(copy, GanglineError)
    assert str(copy) == str(error)
    assert "<stage stage>" in repr(copy.tasks)


def test_failures_are_counted_and_added():
    error = RethrownJobError()
    assert len(error) == 0
    error.append(ROW)
    assert len(error) == 1
    assert error.get_nth_exception_str() == error.get_nth_exception_str(0)


def test_the_originals_stay_in_their_process():
    group = ExceptionGroup("two", [ValueError("a"), KeyError("b")])
    error = RethrownJobError([ROW, ROW], group)
    assert error.group is group
    assert pickle.loads(pickle.dumps(error)).group is None
