"""What the tests of queues make jobs of."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from gangline.store.jobs.port import Claim, Ending, JobRow, JobStore, Lane, NewJob

LANE = Lane("tests.Job")
_numbers = itertools.count(1)


def new(lane: Lane = LANE, args: dict[str, Any] | None = None, **fields: Any) -> NewJob:
    """A job that is equal to no other one unless it says what its arguments are."""
    values = {"number": next(_numbers)} if args is None else args
    text = json.dumps(values)
    digest = hashlib.blake2b(f"{lane.name} {text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return NewJob(lane, text, digest, **fields)


class Alike:
    """Jobs that differ in their arguments only.

    Args:
        like: One of them.
        many: The arguments of each.
    """

    def __init__(self, like: NewJob, many: list[dict[str, Any]]) -> None:
        self.like = like
        self._many = many

    def __len__(self) -> int:
        return len(self._many)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for args in self._many:
            job = new(self.like.lane, args)
            yield job.args, job.digest


def worker(store: JobStore, name: str = "w", host: str = "h", lease_s: float = 30.0) -> str:
    return store.register(name, host, 1, 4, lease_s)


def take(store: JobStore, uid: str, room: int = 1, **options: Any) -> list[Claim]:
    return store.turn(uid, room=room, **options).claimed


def take_one(store: JobStore, uid: str) -> Claim:
    (claim,) = take(store, uid)
    return claim


def end(store: JobStore, uid: str, claim: Claim, kind: Any = "complete", **fields: Any) -> list[tuple[int, int]]:
    return store.turn(uid, [Ending(claim.id, claim.fence, kind, **fields)]).lost


def row(store: JobStore, job: int) -> JobRow:
    found = store.get(job)
    assert found is not None
    return found


def let_lease_end(store: JobStore, job: int) -> None:
    """As if its worker had been silent for too long."""
    connection = store.connect()
    connection.execute(f"UPDATE jobs SET lease_until = lease_until - 3600 WHERE id = {job}")
    connection.commit()
    connection.close()


def eventually(condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """What a condition says as soon as it is true of it."""
    until = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.005)
    return value
