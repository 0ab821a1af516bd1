"""Takes jobs as a worker does, and runs them here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gangline.queue import Deferred, Queue
from gangline.queue.link import ClaimInfo
from gangline.queue.naming import load_class
from gangline.store.jobs.port import Claim, Ending


def distant_times() -> str:
    """A crontab line with five times in each hour, the last ten minutes ago: none comes while a test runs."""
    minute = datetime.now(UTC).minute
    return f"{','.join(str((minute + more) % 60) for more in (30, 35, 40, 45, 50))} * * * *"


@dataclass
class Heard:
    """What a job has said."""

    progress_: list[tuple[float | None, str]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    is_completed: bool = False

    def progress(self, value: float | None, message: str) -> None:
        self.progress_.append((value, message))

    def source(self, name: str) -> None:
        self.sources.append(name)

    def completed(self) -> None:
        self.is_completed = True


class Hands:
    """A worker made of the store's calls alone, for one job at a time."""

    def __init__(self, queue: Queue, name: str = "hands", host: str = "here") -> None:
        self.queue = queue
        self.uid = queue.database.register(name, host, 1, 4, 60.0)
        self.heard = Heard()

    def take(self, room: int = 1) -> list[Claim]:
        return self.queue.database.turn(self.uid, room=room).claimed

    def end(self, *endings: Ending) -> None:
        assert self.queue.database.turn(self.uid, endings).lost == []

    def run(self) -> Any:
        """Take the next job and run it; what it returned."""
        (claim,) = self.take()
        self.heard = Heard()
        info = ClaimInfo(
            claim.id, claim.lane.name, json.loads(claim.args), self.queue._address, claim.fence, claim.trial,
            claim.attempts_left, json.loads(claim.properties), claim.enqueued_at, claim.parent,
        )  # fmt: skip
        job = load_class(claim.lane.name, claim.lane.folder)._begin(info, self.heard)
        try:
            result = job.execute(**info.args)
            if not self.heard.is_completed:
                text = "" if result is None else json.dumps(result)
                self.end(Ending(claim.id, claim.fence, "complete", result=text, next=job._following()))
        except Deferred as signal:
            self.end(Ending(claim.id, claim.fence, "deferred", wait_s=signal.wait_s, message=signal.message))
            return signal
        except Exception as error:
            self.end(Ending(claim.id, claim.fence, "failed", wait_s=job.error_time, error=repr(error)))
            return error
        finally:
            job._end()
        return result
