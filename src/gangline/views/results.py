"""What a client can ask about tasks by id: results again, status, resubmission, and forgetting."""

from __future__ import annotations

from collections.abc import Iterable
from types import GeneratorType
from typing import Any

from gangline._runtime.handle import Handle
from gangline.errors import UsageError
from gangline.views import ids as task_ids
from gangline.views import records
from gangline.views.asyncresult import AsyncHubResult, AsyncResult
from gangline.views.connection import Connection
from gangline.views.error import as_exception, collect_exceptions
from gangline.views.tasks import outcome

__all__ = ["OutstandingTasks", "Results", "UnknownTask"]

Job = int | str | AsyncResult
Jobs = Job | Iterable[Job]


class UnknownTask(UsageError, KeyError):
    """No task of this id is remembered."""

    def __str__(self) -> str:
        return str(self.args[0])


class OutstandingTasks(UsageError, RuntimeError):
    """This can be done with tasks that have ended only."""


class Results(Connection):
    """A connection that can be asked about its tasks."""

    # Results again -------------------------------------------------------------------------------------------

    def get_result(
        self, indices_or_msg_ids: Jobs | None = None, block: bool | None = None, owner: bool = True
    ) -> AsyncResult:
        """The result of one task or several, whether it has ended or not.

        Args:
            indices_or_msg_ids: Ids, positions in `history`, results, or a list of them; None is the last task.
            block: Whether to wait for it; None is the client's own `block`.
            owner: Kept for programs that say it; results are kept until they are purged.

        Raises:
            UnknownTask: An id that is not remembered; a KeyError.
            TypeError: For anything else.
        """
        jobs = -1 if indices_or_msg_ids is None else indices_or_msg_ids
        result = self._result_of(jobs, owner=owner)
        if self.block if block is None else block:
            result.wait()
        return result

    def resubmit(
        self, indices_or_msg_ids: Jobs | None = None, metadata: Any = None, block: bool | None = None
    ) -> AsyncHubResult:
        """Run tasks again that have ended, under the same conditions. They get new ids.

        The result is a list, also of a single task.

        Args:
            indices_or_msg_ids: As in `get_result`.
            metadata: Kept for programs that say it; the conditions stay those of the first submission.
            block: Whether to wait for it; None is the client's own `block`.

        Raises:
            UsageError: A task that has not ended; none was resubmitted.
            UnknownTask: An id that is not remembered; a KeyError.
        """
        jobs = -1 if indices_or_msg_ids is None else indices_or_msg_ids
        handles = self._handles_of(jobs)
        pending = [task_ids.msg_id(handle) for handle in handles if handle.status is None]
        if pending:
            raise OutstandingTasks(f"only tasks that have ended can be resubmitted; still pending: {_some(pending)}")
        again = [self._session.resubmit(handle) for handle in handles]
        self._ids.extend(handle.id for handle in again)
        result = AsyncHubResult(self, again, fname="resubmit", owner=True, single=False)
        if self.block if block is None else block:
            result.wait()
        return result

    def result_status(self, msg_ids: Jobs, status_only: bool = True) -> dict[str, Any]:
        """Which of these tasks have ended.

        Args:
            msg_ids: As in `get_result`.
            status_only: Whether to leave out the results themselves.

        Returns:
            The lists ``pending`` and ``completed``; ``status``, which is ok; without `status_only`, results by id.

        Raises:
            RemoteError: Unless `status_only`, when tasks have failed.
        """
        handles = self._handles_of(msg_ids)
        status: dict[str, Any] = {
            "status": "ok",
            "pending": [task_ids.msg_id(handle) for handle in handles if handle.status is None],
            "completed": [task_ids.msg_id(handle) for handle in handles if handle.status is not None],
        }
        if status_only:
            return status
        ended = [handle for handle in handles if handle.status is not None]
        failures = [as_exception(handle) for handle in ended if handle.status != "ok"]
        if len(failures) == 1 == len(handles):
            raise failures[0]
        collect_exceptions(failures, "result_status")
        status.update((task_ids.msg_id(handle), outcome(handle, "apply")[1]) for handle in ended)
        return status

    # The record ----------------------------------------------------------------------------------------------

    def hub_history(self) -> list[str]:
        """The ids of all tasks that are remembered, of every client of this session, in order."""
        return [task_ids.msg_id(handle) for handle in self.known_handles()]

    def db_query(self, query: dict[str, Any], keys: str | Iterable[str] | None = None) -> list[dict[str, Any]]:
        """The records of the tasks that match.

        Args:
            query: Values by field; in place of a value, tests such as ``{"$in": [...]}`` or ``{"$gte": time}``.
            keys: The fields to give; None is all but the buffers. ``msg_id`` is always there.

        Raises:
            UsageError: An unknown test or field.
        """
        return records.find(self.known_handles(), query, keys)

    # Forgetting ----------------------------------------------------------------------------------------------

    def purge_local_results(self, jobs: Jobs = (), targets: Any = ()) -> None:
        """Take tasks out of `results` and `metadata`; `get_result` still finds them.

        Args:
            jobs: As in `get_result`, or ``"all"``.
            targets: Engines all of whose tasks are meant.

        Raises:
            OutstandingTasks: One has not ended; a RuntimeError, and nothing was purged.
            UsageError: Neither tasks nor engines are named.
        """
        self._hide(self._to_purge(jobs, targets))

    def purge_hub_results(self, jobs: Jobs = (), targets: Any = ()) -> None:
        """Forget tasks altogether: they are freed as soon as no result object holds them.

        Args:
            jobs: As in `get_result`, or ``"all"``.
            targets: Engines all of whose tasks are meant.

        Raises:
            OutstandingTasks: One has not ended; a RuntimeError, and nothing was purged.
            UsageError: Neither tasks nor engines are named.
        """
        handles = self._to_purge(jobs, targets)
        self._session.purge(None if _is_all(jobs) else handles)

    def purge_results(self, jobs: Jobs = (), targets: Any = ()) -> None:
        """Both `purge_local_results` and `purge_hub_results`."""
        self.purge_local_results(jobs, targets)
        self.purge_hub_results(jobs, targets)

    def purge_everything(self) -> None:
        """Forget every task that has ended, and the history of the client and of its views.

        Raises:
            OutstandingTasks: One has not ended; a RuntimeError, and nothing was purged.
        """
        self.purge_results("all")
        for history in (self._ids, *self._histories.values()):
            del history[:]

    def _to_purge(self, jobs: Jobs, targets: Any) -> list[Handle]:
        engines_named = targets is not None and targets != () and targets != []
        if not engines_named and not isinstance(jobs, int | AsyncResult) and not jobs:
            raise UsageError("name at least one of jobs and targets")
        if _is_all(jobs):
            handles = self.known_handles()
        else:
            handles = self._handles_of(jobs)
            if engines_named:
                engines = set(self._build_targets(targets))
                handles += [handle for handle in self.known_handles() if handle.engine in engines]
        pending = [task_ids.msg_id(handle) for handle in handles if handle.status is None]
        if pending:
            raise OutstandingTasks(f"tasks that have not ended cannot be purged: {_some(pending)}")
        return handles

    # Finding -------------------------------------------------------------------------------------------------

    def _result_of(self, jobs: Jobs, *, owner: bool) -> AsyncResult:
        handles = self._handles_of(jobs)
        if isinstance(jobs, AsyncResult):
            return jobs if jobs._client is self else AsyncHubResult(self, handles, single=jobs._single_result)
        made = AsyncResult if self._has_had(handles) else AsyncHubResult
        return made(self, handles, owner=owner, single=_is_single(jobs))

    def _has_had(self, handles: Iterable[Handle]) -> bool:
        """Whether these tasks are this client's own, or were asked for before; from now on they were."""
        if self._owns_session:
            return True
        others = {handle.id for handle in handles} - self._fetched
        others.difference_update(self._ids)
        self._fetched |= others
        return not others

    def _handles_of(self, jobs: Jobs | None) -> list[Handle]:
        """The tasks that are meant, each once for each time it is named."""
        if jobs is None:
            jobs = -1
        several = isinstance(jobs, list | tuple | set | frozenset | GeneratorType)
        handles: list[Handle] = []
        for job in jobs if several else (jobs,):  # type: ignore[union-attr]
            if isinstance(job, AsyncResult):
                handles.extend(job._handles)
            elif isinstance(job, str):
                handles.append(self._get_handle(job))
            elif isinstance(job, int):
                handles.append(self._get_handle(self.history[job]))
            else:
                raise TypeError(f"a task is given by its id, its place in the history or its result, not {job!r}")
        return handles

    def _get_handle(self, msg_id: str) -> Handle:
        handle = self.find_handle(msg_id)
        if handle is None:
            raise UnknownTask(f"no task {msg_id!r} is remembered; it may have been purged, or belong to another client")
        return handle


def _is_single(jobs: Jobs) -> bool:
    return isinstance(jobs, int | str)


def _is_all(jobs: Jobs) -> bool:
    return isinstance(jobs, str) and jobs == "all"


def _some(msg_ids: list[str]) -> str:
    shown = ", ".join(msg_ids[:3])
    return shown + (f" and {len(msg_ids) - 3} more" if len(msg_ids) > 3 else "")
