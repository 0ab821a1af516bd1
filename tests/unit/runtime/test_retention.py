"""Which finished tasks are remembered."""

from types import SimpleNamespace

import pytest

from gangline._runtime import retention
from gangline._runtime.retention import Retention


class Finished(SimpleNamespace):
    """A task that has ended."""


def finished(number, value=None, size_bytes=0):
    return Finished(id=number, value=value, payload=SimpleNamespace(size_bytes=size_bytes))


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(retention, "TASKS_MAX", 100)
    return Retention()


def test_what_was_added_is_found_until_it_is_forgotten():
    kept = Retention()
    task = finished(3)
    kept.add(task)
    assert kept.get(3) is task
    kept.forget(3)
    assert kept.get(3) is None
    kept.forget(3)


def test_the_oldest_are_forgotten_when_there_are_too_many(few):
    for number in range(1000):
        few.add(finished(number))
    assert len(few) <= 100
    assert few.get(999) is not None
    assert few.get(0) is None
    assert [task.id for task in few] == sorted(task.id for task in few)


def test_large_results_and_arguments_count(monkeypatch):
    monkeypatch.setattr(retention, "BYTES_MAX", 1_000_000)
    kept = Retention()
    for number in range(20):
        kept.add(finished(number, value=bytes(100_000)))
    assert 5 <= len(kept) <= 10
    for number in range(20, 40):
        kept.add(finished(number, size_bytes=100_000))
    assert 5 <= len(kept) <= 10


def test_the_youngest_is_kept_however_large_it_is(monkeypatch):
    monkeypatch.setattr(retention, "BYTES_MAX", 1_000)
    kept = Retention()
    kept.add(finished(0, value=bytes(10_000)))
    kept.add(finished(1, value=bytes(10_000)))
    assert [task.id for task in kept] == [1]


def test_forgetting_all_starts_the_account_anew(monkeypatch):
    monkeypatch.setattr(retention, "BYTES_MAX", 1_000_000)
    kept = Retention()
    for number in range(9):
        kept.add(finished(number, value=bytes(100_000)))
    kept.forget_all()
    assert len(kept) == 0
    for number in range(9):
        kept.add(finished(number, value=bytes(100_000)))
    assert len(kept) == 9


def test_what_takes_memory_elsewhere_is_remembered_as_long_as_somebody_has_it():
    class Elsewhere:
        elsewhere = True

    kept = Retention()
    task = finished(3, value=Elsewhere())
    kept.add(task)
    assert kept.get(3) is task
    assert list(kept) == [task]
    del task
    assert kept.get(3) is None
    assert len(kept) == 0
    kept.add(other := finished(4, value=Elsewhere()))
    kept.forget(4)
    assert kept.get(other.id) is None
