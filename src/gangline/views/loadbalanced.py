"""The view that leaves the choice of engine to the scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from gangline.errors import Unpicklable, UsageError
from gangline.messages import Dependency as CoreDependency
from gangline.messages import EngineId, Scheme, TaskId, Terms
from gangline.views import ids as task_ids
from gangline.views import joblib_backend
from gangline.views.arguments import submit_late
from gangline.views.asyncresult import AsyncMapResult, AsyncResult
from gangline.views.control import Control
from gangline.views.dependency import Dependency
from gangline.views.flags import (
    Flag,
    amounts,
    count,
    dependency,
    integer,
    names,
    seconds,
    some_seconds,
    truth,
)
from gangline.views.mapping import balanced_map, lazy_map
from gangline.views.mapresult import LazyMapIterator
from gangline.views.remotefunction import ParallelFunction
from gangline.views.view import View, block_or, callable_of

__all__ = ["LoadBalancedView", "PureSchemeError"]

_NOT_PURE = ("after", "follow", "retries", "targets", "timeout")
"""What the scheme "pure" does not offer."""

_LASTING = (type(None), str, tuple, frozenset)
"""Dependencies of these types cannot change after they were set."""


class PureSchemeError(UsageError, RuntimeError):
    """The scheme "pure" deals tasks out in turn and cannot honour this flag."""


class LoadBalancedView(View):
    """Runs each task on whichever engine suits best.

    Attributes:
        after: Tasks that must have ended before: an id, an `AsyncResult`, several of them, or a `Dependency`.
        follow: Tasks on whose engine it must run; as `after`.
        timeout: Seconds that a task may wait to be started; None or 0 is for ever. It never limits the running.
        retries: How often a task is attempted again after a failure.
        targets: Engines that may be chosen; None is all.
        priority: Tasks with a higher number run first.
        limits: Names of limits that the task counts against while it runs.
        resources: What it needs of its engine, such as ``{"cores": 2}``.
        patient: When no engine may run the task, wait for new ones rather than fail.
        time_limit: Seconds that one attempt may run; None is for ever.
        retry_delay: Seconds before the first retry.
        retry_backoff: Factor on that delay from one retry to the next.
    """

    _balanced = True

    follow = Flag(None, dependency)
    after = Flag(None, dependency)
    timeout = Flag(0.0, some_seconds)
    retries = Flag(0, count)
    priority = Flag(0, integer)
    limits = Flag((), names)
    resources = Flag((), amounts)
    patient = Flag(False, truth)
    time_limit = Flag(None, seconds)
    retry_delay = Flag(0.0, some_seconds)
    retry_backoff = Flag(1.0, some_seconds)

    def __init__(self, client: Control, socket: Any = None, **flags: Any) -> None:
        self._task_scheme = client._scheme
        super().__init__(client, socket, **flags)

    def _check_flags(self, flags: Mapping[str, Any]) -> dict[str, Any]:
        checked = super()._check_flags(flags)
        if checked.get("targets") is not None:
            checked["targets"] = self._checked_targets(checked["targets"])
        if self._task_scheme is Scheme.PURE:
            refused = [name for name in _NOT_PURE if checked.get(name)]
            if refused:
                raise PureSchemeError(
                    f"the scheme 'pure' does not support {', '.join(refused)}; make the client with another scheme"
                )
        return checked

    def _checked_targets(self, targets: Any) -> list[int] | None:
        if isinstance(targets, str) and targets.lower() == "all":
            return None
        return self.client._build_targets(targets)

    def _make_terms(self, flags: Mapping[str, Any]) -> tuple[Terms, bool]:
        after, follow = flags["after"], flags["follow"]
        targets = flags["targets"]
        terms = Terms(
            after=self._core_dependency(after),
            follow=self._core_dependency(follow),
            targets=None if targets is None else frozenset(map(EngineId, targets)),
            timeout_s=flags["timeout"] or None,
            retries=flags["retries"],
            retry_delay_s=flags["retry_delay"],
            retry_backoff=flags["retry_backoff"],
            time_limit_s=flags["time_limit"] or None,
            priority=flags["priority"],
            limits=flags["limits"],
            resources=flags["resources"],
            patient=flags["patient"],
            label=flags["label"] or "",
        )
        lasting = isinstance(after, (*_LASTING, AsyncResult)) and isinstance(follow, (*_LASTING, AsyncResult))
        return terms, lasting

    def _core_dependency(self, value: Any) -> CoreDependency | None:
        if value is None:
            return None
        given = [value] if isinstance(value, str | AsyncResult) else value
        ids: set[TaskId] = set()
        for each in given:
            if isinstance(each, str):
                ids.add(self._task_id(each))
            else:
                ids.update(self._task_ids(each))
        if not ids:
            return None
        if isinstance(value, Dependency):
            return CoreDependency(frozenset(ids), value.all, value.success, value.failure)
        return CoreDependency(frozenset(ids))

    def _task_id(self, msg_id: str) -> TaskId:
        number = task_ids.parse(self.client, msg_id)
        return self._session.unknown_task(msg_id) if number is None else number

    def _task_ids(self, result: AsyncResult) -> Iterable[TaskId]:
        handles = result._handles
        if all(handle.session is self._session for handle in handles):
            return [handle.id for handle in handles]
        return [self._task_id(msg_id) for msg_id in result.msg_ids]

    def apply_async(self, f: Any, /, *args: Any, **kwargs: Any) -> AsyncResult:
        """As `apply`, without waiting."""
        # This is the way of most tasks, so it does without a call of `_apply`.
        if not callable(f):
            f, args = callable_of(f, args)
        try:
            handle = self._submit(f, args, kwargs, self._terms or self._terms_now())
        except Unpicklable:
            handle = submit_late(self, f, args, kwargs, self._terms_now())
        self._record(handle.id)
        self._record_in_client(handle.id)
        return AsyncResult(self.client, (handle,), handle.name, single=True)

    def _apply(self, f: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AsyncResult:
        if not callable(f):
            f, args = callable_of(f, args)
        try:
            handle = self._submit(f, args, kwargs, self._terms or self._terms_now())
        except Unpicklable:
            handle = submit_late(self, f, args, kwargs, self._terms_now())
        self._record(handle.id)
        self._record_in_client(handle.id)
        return AsyncResult(self.client, (handle,), handle.name, single=True)

    def _apply_parts(self, function: ParallelFunction, sequences: list[Any], length: int) -> AsyncMapResult:
        parts = -(-length // (function.chunksize or 1))
        split = function.mapObject.getPartition
        calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
            (function.func, tuple(split(sequence, part, parts, length) for sequence in sequences), {})
            for part in range(parts)
        ]
        handles = self._session.submit_many(calls, self._terms_now())
        self._note(handles)
        return AsyncMapResult(
            self.client,
            handles,
            function.mapObject.joinPartitions,
            fname=function.__name__,
            ordered=function.ordered,
            return_exceptions=function.return_exceptions,
            contiguous=function.mapObject.contiguous,
        )

    def map(
        self,
        f: Callable[..., Any],
        *sequences: Iterable[Any],
        block: bool | None = None,
        chunksize: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        label: str | None = None,
    ) -> Any:
        """As the builtin `map`, each item on whichever engine is free.

        Args:
            f: The function.
            sequences: Its arguments; the shortest one decides how many calls there are.
            block: Whether to wait; None is what the view does.
            chunksize: Items that travel together; None measures how many are best. An item that fails fails alone.
            ordered: Whether to iterate over the results in the order of the items, or as they come.
            return_exceptions: Whether to give the error of an item in place of its result, rather than raise it.
            label: For people; None is the view's.

        Returns:
            The list of results, if it waits; else an `AsyncMapResult`.

        Raises:
            UsageError: No sequence, or a chunk size below 1.
        """
        if not sequences:
            raise UsageError("map needs at least one sequence")
        view = self if label is None else self._clone(label=label)
        result = balanced_map(
            self.client,
            f,
            sequences,
            view._terms_now(),
            chunksize=chunksize,
            ordered=ordered,
            return_exceptions=return_exceptions,
            on_submit=self._note,
        )
        self._watch_map(result)
        return result.get() if block_or(self, block) else result

    def imap(
        self,
        f: Callable[..., Any],
        *sequences: Iterable[Any],
        ordered: bool = True,
        max_outstanding: int | Literal["auto"] = "auto",
        return_exceptions: bool = False,
    ) -> LazyMapIterator:
        """As `map`, but the sequences are read as results are taken, so that they may be endless.

        Args:
            f: The function.
            sequences: Its arguments.
            ordered: Whether the results come in the order of the items, or as they are ready.
            max_outstanding: Items that may be on their way at once; "auto" is a few for each engine, 0 is no bound.
            return_exceptions: Whether to give the error of an item in place of its result, rather than raise it.

        Returns:
            An iterator over the results; its ``cancel()`` stops the reading.

        Raises:
            UsageError: No sequence.
        """
        if not sequences:
            raise UsageError("imap needs at least one sequence")
        return lazy_map(
            self.client,
            f,
            sequences,
            self._terms_now(),
            ordered=ordered,
            max_outstanding=max_outstanding,
            return_exceptions=return_exceptions,
            on_submit=self._note,
        )

    def register_joblib_backend(self, name: str = "gangline", make_default: bool = False) -> None:
        """Let joblib, and so scikit-learn, run through this view.

        Args:
            name: For ``joblib.parallel_config(backend=name)``.
            make_default: Whether joblib is to use it unless told otherwise.

        Raises:
            MissingExtra: joblib is not installed.
        """
        joblib_backend.register(lambda: self, name, make_default, owned=False)
