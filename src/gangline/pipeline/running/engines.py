"""Where the jobs of a run are done: a session of the scheduler, and others for stages that want another place."""

from __future__ import annotations

import contextlib
import math
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from gangline.errors import MissingExtra, UsageError
from gangline.pipeline.running.jobs import JobRun, StageRun
from gangline.pipeline.running.options import RunOptions
from gangline.pipeline.running.work import task_of
from gangline.pipeline.stages.words import suggestions
from gangline.pipeline.steering import find_steering

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle
    from gangline._runtime.session import Session
    from gangline.backends.batch.backend import BatchBackend
    from gangline.messages import Terms
    from gangline.pipeline.batch.site import Site
    from gangline.ports import Backend
    from gangline.remote.resources import Resources

__all__ = ["INLINE", "Engines"]

INLINE = "inline"
BATCH = "batch"
DASK = "dask"
_BACKENDS = {
    "processes": ("gangline.backends.processes", "ProcessesBackend"),
    "threads": ("gangline.backends.threads", "ThreadsBackend"),
    INLINE: ("gangline.backends.inline", "InlineBackend"),
    DASK: ("gangline.backends.dask.backend", "DaskBackend"),
    BATCH: ("gangline.backends.batch.backend", "BatchBackend"),
}
"""Where they are; imported, like the scheduler itself, only when a job is to run: most runs have nothing to do."""

_HERE = frozenset({INLINE, "threads", BATCH})
"""Where a job's function runs in this very process."""
_BACKOFF = 2.0

_AT_ONCE = 32
"""How many jobs of this thread are submitted at once, at most."""


class Engines:
    """Takes jobs and says which are done. Sessions are opened when the first job needs them.

    Args:
        options: How many jobs run at once, and where.

    Attributes:
        done: Jobs that have ended, one way or another, and have not been looked at.
    """

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._usual = self._usual_place()
        self._sessions: dict[str, Session] = {}
        self._site: Site | None = None
        self._work: dict[StageRun, tuple[Session, Callable[..., None], Terms]] = {}
        self._interrupted = False
        self.done: deque[JobRun] = deque()

    def _usual_place(self) -> str:
        options = self._options
        if options.backend is not None:
            return options.backend if isinstance(options.backend, str) else options.backend.name
        if options.parallelism == 1:
            return INLINE
        return "threads" if options.multithread or options.pool_manager == "gevent" else "processes"

    def place_of(self, stage: StageRun) -> str:
        """The name of the backend on which a stage's jobs run."""
        if stage.stage.in_main_process:
            return INLINE
        return stage.stage.options.backend or self._usual

    def runs_inline(self, stage: StageRun) -> bool:
        """Whether a stage's jobs run on this very thread, as they are submitted."""
        return self.place_of(stage) == INLINE

    def bring_up(self, stage: StageRun) -> None:
        """Begin to bring up the engines that a stage's jobs will need, if they are not there.

        Raises:
            BackendError: There cannot be any.
        """
        self._session(self.place_of(stage))

    def submit(self, jobs: list[JobRun]) -> None:
        """Have jobs of one stage run.

        Raises:
            Unpicklable: A function or an argument cannot travel.
            BackendError: There are no engines.
        """
        stage = jobs[0].stage
        session, function, terms = self._work.get(stage) or self._prepare(stage)
        calls = [(function, *stage.stage.call_arguments(job.params)) for job in jobs]
        stage.outstanding.update(jobs)
        try:
            if len(calls) == 1:
                handles = [session.submit(*calls[0], terms)]
            else:
                handles = session.submit_many(calls, terms)
        except BaseException:
            stage.outstanding.difference_update(jobs)
            raise
        for job, handle in zip(jobs, handles, strict=True):
            job.handle = handle
            handle.add_listener(partial(self._on_done, session, job))

    def run_next(self) -> bool:
        """Run the next of the jobs that run on this very thread; whether there was one."""
        return self._sessions[INLINE].run_next()

    def at_once(self, stage: StageRun) -> int:
        """How many jobs of a stage that run on this very thread are best submitted at once.

        Each costs less then. But those that may have to wait, or be tried again, go one by one, and so do all while
        jobs are out in other places, which have to be looked after.
        """
        _, _, terms = self._work.get(stage) or self._prepare(stage)
        return _AT_ONCE if terms.plain and not terms.retries and not self.are_busy else 1

    def _on_done(self, session: Session, job: JobRun, handle: Handle) -> None:
        self.done.append(job)
        if len(self._sessions) > 1:
            for other in list(self._sessions.values()):
                if other is not session:
                    other.notify()

    def _prepare(self, stage: StageRun) -> tuple[Session, Callable[..., None], Terms]:
        place = self.place_of(stage)
        session = self._session(place)
        if stage.stage.limit is not None:
            session.set_limit(*stage.stage.limit)
        terms = self._terms(stage)
        _check_resources(session, stage, terms)
        function = task_of(stage.stage, stage.function, apart=place not in _HERE)
        if self._site is not None and place == BATCH:
            function = self._site.placed(function, self._resources(stage), stage.stage.display_name)
        work = session, function, terms
        self._work[stage] = work
        return work

    def _session(self, place: str) -> Session:
        if place in self._sessions:
            return self._sessions[place]
        from gangline._runtime.session import Session

        count: int | None = 1 if place == INLINE else self._options.parallelism
        if place == DASK and (cluster := self._running_cluster()) is not None:
            backend, count = cluster, None
        elif place == BATCH:
            backend, count = self._threads_for(cast("BatchBackend", self._backend(place)))
        else:
            backend = self._backend(place)
        session = self._sessions[place] = Session(backend, engines=count, stepwise=place == INLINE)
        if place == INLINE:
            # It is there only when somebody has waited for it; after that, to submit a job is to run it.
            session.wait_for(lambda: bool(session.engines))
        return session

    def _running_cluster(self) -> Backend | None:
        """The engines of the cluster that this program is in, if it is in one and has not named another."""
        if self._options.backend is not None and not isinstance(self._options.backend, str):
            return None
        from gangline.cluster import connection

        running = connection.current()
        return None if running is None else self._make(DASK, cluster=running)

    def _threads_for(self, backend: BatchBackend) -> tuple[Backend, int]:
        """The threads that wait for jobs of the site's scheduler, one for each."""
        from gangline.pipeline.batch.site import Site  # hardly any run has one

        asked = self._options.parallelism
        told = asked > 1 or self._options.multithread == 1  # multiprocess is 1 where nobody says anything
        self._site = Site(backend, asked if told else None)
        return self._make("threads"), self._site.jobs

    def _resources(self, stage: StageRun) -> Resources:
        """What a stage's jobs ask of the site's scheduler."""
        from gangline.remote.resources import NOTHING_ASKED, Resources

        own, usual = stage.stage.options, self._options.job_defaults
        amounts = dict(own.resources or usual.resources)
        limit = own.time_limit_s if own.time_limit_s is not None else usual.time_limit_s
        cores, memory = amounts.get("cores"), amounts.get("memory_bytes")
        asked = Resources(
            cores=None if cores is None else math.ceil(cores),
            memory_bytes=None if memory is None else math.ceil(memory),
            wall_time_s=limit or None,
        )
        return (own.batch or NOTHING_ASKED).over(asked).over(usual.batch or NOTHING_ASKED)

    def _backend(self, place: str) -> Backend:
        given = self._options.backend
        if given is not None and not isinstance(given, str) and given.name == place:
            return given
        if place not in _BACKENDS:
            raise UsageError(f"there is no backend {place!r} for pipelines.{suggestions([place], list(_BACKENDS))}")
        return self._make(place)

    @staticmethod
    def _make(place: str, **options: Any) -> Backend:
        module, name = _BACKENDS[place]
        try:
            backend: Backend = getattr(import_module(module), name)(**options)
        except ModuleNotFoundError as exc:
            raise MissingExtra(
                f"the backend {place!r} needs the module {exc.name!r}: pip install 'gangline[{place}]'"
            ) from exc
        return backend

    def _terms(self, stage: StageRun) -> Terms:
        from gangline.messages import Terms

        own, usual = stage.stage.options, self._options.job_defaults
        at_site = self.place_of(stage) == BATCH  # which gives cores and memory, and keeps the time
        retries = own.retries if own.retries is not None else usual.retries
        delay = own.retry_delay_s if own.retry_delay_s is not None else usual.retry_delay_s
        limit = own.time_limit_s if own.time_limit_s is not None else usual.time_limit_s
        return Terms(
            retries=retries or 0,
            retry_delay_s=delay or 0.0,
            retry_backoff=_BACKOFF,
            time_limit_s=None if at_site else limit,
            limits=(stage.stage.limit[0],) if stage.stage.limit is not None else (),
            resources=() if at_site else own.resources or usual.resources,
            label=stage.stage.display_name,
        )

    @property
    def are_busy(self) -> bool:
        """Whether jobs are out on other threads or processes."""
        if len(self._sessions) == 1 and INLINE in self._sessions:
            return False
        return any(
            stage.outstanding and session.backend.name != INLINE for stage, (session, _, _) in self._work.items()
        )

    def find_running(self) -> list[JobRun]:
        """The jobs that engines are working on at this moment, as far as it can be told."""
        running = {
            (session, task)
            for session in self._sessions.values()
            for engine in session.engines
            if (task := session.running(engine)) is not None
        }
        out = [(session, job) for stage, (session, _, _) in self._work.items() for job in stage.outstanding]
        return [job for session, job in out if job.handle is not None and (session, job.handle.id) in running]

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return when a job is done: True; or when that time is over: False."""
        if self.done:
            return True
        session = next((each for place, each in self._sessions.items() if place != INLINE), None)
        session = session or self._sessions[INLINE]
        return session.wait_for(lambda: bool(self.done), timeout_s)

    def take_back(self, jobs: list[JobRun]) -> None:
        """Take back what has not been started; what runs, runs on."""
        for job in jobs:
            handle = job.handle
            if handle is not None and handle.status is None:
                with contextlib.suppress(UsageError):  # it has ended meanwhile
                    handle.session.cancel(handle)
                    # On this thread nothing runs meanwhile: what has come back was not begun.
                    job.taken_back = handle.failure is not None and self.runs_inline(job.stage)

    def end(self) -> None:
        """End everything at once. What has not ended is cancelled."""
        if not self._sessions:
            return
        from gangline.pipeline.batch.inflight import end_all

        for session in self._sessions.values():
            # Threads cannot be woken from a command that they wait for.
            end_all(engines={info.uuid for info in session.engines.values()})
            session.close()
        if self._site is not None:
            self._site.close()

    def show_output(self, handle: Handle) -> None:
        """Write to this process's own output what a job has written to its own, if it has one."""
        if handle.extras is None or handle.session.backend.name == INLINE:
            return
        steering = find_steering()
        if steering is not None and not steering.shows_output(failed=handle.failure is not None):
            return
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            text = handle.extras.get(name)
            if text:
                _write(stream, text)


def _check_resources(session: Session, stage: StageRun, terms: Terms) -> None:
    """Refuse a stage whose jobs no engine could ever run."""
    if not terms.resources:
        return
    session.wait_for(lambda: bool(session.engines))
    offers = [info.offers for info in session.engines.values()]
    for name, amount in terms.resources:
        most = max((offer.get(name, 0.0) for offer in offers), default=0.0)
        if amount > most:
            raise UsageError(
                f"stage {stage.stage.display_name!r}: its jobs need {amount:g} {name}, but a host of the backend "
                f"{session.backend.name!r} has {most:g}"
            )


def _write(stream: Any, text: str) -> None:
    stream.write(text)
    stream.flush()
