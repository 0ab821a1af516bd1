"""One submitted task, as the front ends hold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from gangline._core.task import Task
from gangline._core.transitions import State
from gangline.errors import TaskCancelled
from gangline.messages import Attempt, EngineInfo, Failure, Payload, TaskId, Terms

if TYPE_CHECKING:
    from gangline._runtime.session import Session

Outcome = Literal["ok", "error", "aborted"]
Listener = Callable[["Handle"], None]


class Handle(Task):
    """A task and what became of it. Made by `Session.submit`.

    `status` is set last, so whoever sees it set may read the rest without a lock.

    Attributes:
        session: The session that it was submitted to.
        name: The function's name, for people.
        submitted_at: Seconds since the epoch, like all times here.
        status: None while it is pending, then how it ended.
        value: What the function returned, when the status is ok.
        failure: What went wrong, when it is not.
        started_at: When the last attempt began on its engine; None if it never did, or has not been reported yet.
        completed_at: When the last attempt ended on its engine; None likewise.
        received_at: When the result arrived here.
        extras: What else it has written: stdout, stderr (str), output (str: what its child processes have written to
            either), outputs (list), data (dict), logs (list of dict). Filled while the task runs, complete when it is
            done; None as long as there is nothing.
        listeners: Whom to tell when it is done; None when nobody.
    """

    __slots__ = (
        "__weakref__",
        "completed_at",
        "extras",
        "failure",
        "listeners",
        "name",
        "received_at",
        "session",
        "started_at",
        "status",
        "submitted_at",
        "value",
    )

    def __init__(
        self,
        session: Session,
        task_id: TaskId,
        payload: Payload,
        terms: Terms,
        expected_s: float | None,
        name: str,
        submitted_at: float,
    ) -> None:
        # As Task.__init__; calling it would cost as much as all of this.
        self.id = task_id
        self.payload = payload
        self.terms = terms
        self.expected_s = expected_s
        self.state = State.NEW
        self.engine = None
        self.cost_s = 0.0
        self.detail = None
        self.session = session
        self.name = name
        self.submitted_at = submitted_at
        self.status: Outcome | None = None
        self.value: Any = None
        self.failure: Failure | None = None
        self.started_at: float | None = None
        self.completed_at: float | None = None
        self.received_at: float | None = None
        self.extras: dict[str, Any] | None = None
        self.listeners: list[Listener] | None = None

    @property
    def engine_info(self) -> EngineInfo | None:
        """The engine that it is assigned to or ran on last."""
        return self.session.engine_info(self.engine) if self.engine is not None else None

    @property
    def earlier(self) -> tuple[Failure, ...]:
        """Why earlier attempts failed, oldest first."""
        return tuple(self.detail.failures) if self.detail is not None else ()

    def add_listener(self, listener: Listener) -> None:
        """Call `listener(handle)` once the task is done: at once if it is, else from the thread that resolves it.

        Listeners must not raise, and must not wait for other tasks unless they run on their own thread.
        """
        if self.status is None:
            with self.session.lock:
                if self.status is None:
                    if self.listeners is None:
                        self.listeners = [listener]
                    else:
                        self.listeners.append(listener)
                    return
        listener(self)

    def take_listeners(self) -> list[Listener]:
        """Those to call now; they are forgotten here."""
        listeners, self.listeners = self.listeners, None
        return listeners or []

    def succeed(self, attempt: Attempt, received_at: float) -> None:
        """The task has ended with a result."""
        # Only what is in the attempt is kept, not the attempt: an object less for the collector to visit.
        _, _, self.value, self.started_at, self.completed_at, extras = attempt
        self.received_at = received_at
        if extras is not None:
            self._complete(extras)
        self.status = "ok"

    def fail(self, failure: Failure, attempt: Attempt | None, received_at: float) -> None:
        """The task has ended without one."""
        self.failure = failure
        self.received_at = received_at
        if attempt is not None:
            self.started_at, self.completed_at = attempt.started_at, attempt.completed_at
            if attempt.extras is not None:
                self._complete(attempt.extras)
        self.status = "aborted" if isinstance(failure.error, TaskCancelled) else "error"

    def _complete(self, extras: Mapping[str, Any]) -> None:
        """What the engine has kept takes the place of what came while the task ran."""
        output = (self.extras or extras).get("output")
        self.extras = dict(extras) if output is None else {**extras, "output": output}

    def write(self, stream: str, content: Any) -> None:
        """Take in what the running task has written so far."""
        if self.status is not None:
            return
        extras = self.extras = {} if self.extras is None else self.extras
        match stream:
            case "stdout" | "stderr" | "output":
                extras[stream] = extras.get(stream, "") + content
            case "data":
                extras.setdefault("data", {}).update(content)
            case _:
                extras.setdefault("outputs" if stream == "display" else "logs", []).append(content)
