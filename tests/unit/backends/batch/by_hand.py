"""Jobs in their folders, run here as a scheduler would run them."""

from __future__ import annotations

import os
import subprocess

from gangline.backends.batch.endings import attempt_of_record
from gangline.backends.batch.orders import Order, order_of
from gangline.backends.batch.runs import Run, Submission
from gangline.backends.batch.system import BatchSystem, Request, Sight
from gangline.messages import Attempt, TaskId
from gangline.remote.command import Command
from gangline.remote.resources import NOTHING_ASKED


class Names:
    """What the records know of a scheduler."""

    array_variable = "SLURM_ARRAY_TASK_ID"
    job_variable = "SLURM_JOB_ID"
    whole_variable = "SLURM_ARRAY_JOB_ID"

    def __init__(self, name: str = "slurm") -> None:
        self.name = name

    def job_number(self, job: str, index: int, count: int) -> str:
        return f"{job}_{index}" if count > 1 else job


NAMES: BatchSystem = Names()  # type: ignore[assignment]
SGE: BatchSystem = Names("sge")  # type: ignore[assignment]


def order(argv: str | list[str], **more: object) -> Order:
    return order_of(Command(argv, **more), (), {}, NOTHING_ASKED)  # type: ignore[arg-type]


def begin(request: Request, number: int | None = None) -> subprocess.Popen[bytes]:
    """As a scheduler does."""
    array = {} if number is None else {"SLURM_ARRAY_TASK_ID": str(number), "SLURM_ARRAY_JOB_ID": "70"}
    environment = os.environ | {"SLURM_JOB_ID": "77"} | array
    return subprocess.Popen([request.script], cwd=request.directory, env=environment, start_new_session=True)


def attempt(order: Order, submission: Submission, number: int = 1, sight: Sight | None = None) -> Attempt:
    record = submission.how_it_ended(number)
    assert record is not None
    return attempt_of_record(TaskId(1), order, "77", (submission, number), record, sight)


def run_alone(run: Run, order: Order) -> tuple[Submission, int]:
    submission, request = run.prepare([order], [(0, "uuid")], NAMES)
    return submission, begin(request).wait()
