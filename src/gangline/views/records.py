"""The record of each task as plain fields, and the search in them."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gangline._runtime.handle import Handle
from gangline.errors import UsageError
from gangline.messages import Dependency, Terms
from gangline.views import ids as task_ids
from gangline.views.metadata import metadata_of

__all__ = ["find", "record_of"]

_BUFFERS = ("buffers", "result_buffers")


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A test that a missing value never meets."""
    return lambda value, given: value is not None and test(_zoned(value), _zoned(given))


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, given: bool(_zoned(value) == _zoned(given)),
    "$ne": lambda value, given: bool(_zoned(value) != _zoned(given)),
    "$lt": _ordered(lambda value, given: bool(value < given)),
    "$lte": _ordered(lambda value, given: bool(value <= given)),
    "$gt": _ordered(lambda value, given: bool(value > given)),
    "$gte": _ordered(lambda value, given: bool(value >= given)),
    "$in": lambda value, given: value in given,
    "$nin": lambda value, given: value not in given,
    "$all": lambda value, given: all(value in each for each in given),
    "$mod": lambda value, given: bool(value % given[0] == given[1]),
    "$exists": lambda value, given: bool(given) == (value is not None),
    "$glob": lambda value, given: value is not None and fnmatch.fnmatch(str(value), given),
}


def find(
    handles: Iterable[Handle], query: Mapping[str, Any], keys: str | Iterable[str] | None = None
) -> list[dict[str, Any]]:
    """The records of the tasks that match a query, in the order of the tasks.

    Args:
        handles: Where to search.
        query: Values by field; in place of a value, a mapping of tests such as ``{"$gte": time}``.
        keys: The fields to give; None is all but the buffers.

    Raises:
        UsageError: An unknown test or field.
    """
    wanted = {keys} if isinstance(keys, str) else None if keys is None else set(keys)
    matches = _matcher(query)
    found = []
    for handle in handles:
        record = record_of(handle)
        if not matches(record):
            continue
        if wanted is not None and not wanted <= record.keys():
            raise UsageError(f"a record has no {', '.join(sorted(wanted - record.keys()))}; it has {', '.join(record)}")
        keep = record.keys() - _BUFFERS if wanted is None else wanted | {"msg_id"}
        found.append({name: value for name, value in record.items() if name in keep})
    return found


def _matcher(query: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    tests: list[tuple[str, Callable[[Any, Any], bool], Any]] = []
    for name, wanted in query.items():
        for test, given in wanted.items() if isinstance(wanted, Mapping) else (("$eq", wanted),):
            if test not in _TESTS:
                raise UsageError(f"unknown test {test!r} for {name!r}; there are {', '.join(_TESTS)}")
            tests.append((name, _TESTS[test], given))
    return lambda record: all(test(record.get(name), given) for name, test, given in tests)


def record_of(handle: Handle) -> dict[str, Any]:
    """All that is known of one task, by field."""
    metadata = metadata_of(handle)
    msg_id = task_ids.msg_id(handle)
    kind = "execute" if metadata["execute_input"] is not None else "apply"
    record: dict[str, Any] = {
        "msg_id": msg_id,
        "header": _header(msg_id, f"{kind}_request", handle.session.id, metadata["submitted"]),
        "metadata": _conditions(handle),
        "content": {} if kind == "apply" else {"code": metadata["execute_input"]},
        "client_uuid": handle.session.id,
        "queue": "mux" if handle.terms.pinned else "task",
        "resubmitted": None,
    }
    copied = ("submitted", "started", "completed", "received", "engine_uuid", "stdout", "stderr", "label")
    record.update((name, metadata[name]) for name in (*copied, "execute_input", "execute_result", "error"))
    ended = handle.status is not None
    record["result_header"] = (
        _header(msg_id, f"{kind}_reply", handle.session.id, metadata["completed"]) if ended else None
    )
    record["result_metadata"] = {"engine": metadata["engine_uuid"], "status": handle.status} if ended else None
    record["result_content"] = _outcome(handle) if ended else None
    record["buffers"] = []
    record["result_buffers"] = [handle.value] if handle.status == "ok" else []
    return record


def _header(msg_id: str, kind: str, session: str, date: datetime.datetime | None) -> dict[str, Any]:
    return {"msg_id": msg_id, "msg_type": kind, "session": session, "date": date}


def _conditions(handle: Handle) -> dict[str, Any]:
    terms: Terms = handle.terms
    return {
        "after": _dependency_ids(handle, terms.after),
        "follow": _dependency_ids(handle, terms.follow),
        "timeout": terms.timeout_s,
        "targets": sorted(terms.targets or ()),
        "retries": terms.retries,
        "label": terms.label or None,
    }


def _dependency_ids(handle: Handle, dependency: Dependency | None) -> list[str]:
    if dependency is None:
        return []
    return [f"{handle.session.id}_{number}" for number in sorted(dependency.ids)]


def _outcome(handle: Handle) -> dict[str, Any]:
    outcome: dict[str, Any] = {"status": handle.status}
    if handle.failure is not None:
        outcome.update(ename=handle.failure.ename, evalue=handle.failure.evalue, traceback=handle.failure.traceback)
    return outcome


def _zoned(value: Any) -> Any:
    """A time without a zone is taken as local time, so that it can be compared."""
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.astimezone()
    return value
