"""One schedule: jobs that are handed to the scheduler together, from the first to the last that ends.

Rules:
    Everything here happens on the thread that waits; others only put news into a queue.
    Each job has at most one task at a time. A job is decided once: by what became of its task, by its host, or before.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from gangline.backends.hosts import Gate, HostEvent, HostLost, HostUp, run_command
from gangline.errors import HostUnreachable, JobRejected, UsageError
from gangline.messages import Terms, replace
from gangline.recipes.entry import Entry, outcome_of
from gangline.recipes.outcome import JobOutcome, ScheduleResult
from gangline.recipes.receiving import JobVoice
from gangline.recipes.site import SLOTS_MAX, Site, limit_name
from gangline.remote.command import Command

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle
    from gangline.recipes.jobs import ComputeJob
    from gangline.recipes.policy import Policy
    from gangline.recipes.witnesses import Journal, Memory

__all__ = ["Schedule"]

_END_S = 5.0
"""So long an interrupted schedule waits for its jobs to end."""


class Schedule:
    """Has jobs run and waits for all of them.

    Args:
        site: Where.
        jobs: What.
        policy: What is to happen when some fail.
        logger: Whom to tell.
        path: Folders that come first in the commands' PATH.
        env: Environment of all commands; their own comes before it.
        log_level: Below it, node scripts' records are not sent.
        max_per_node: How many jobs run on one host at once; None: as many as there are.
        memory: Of earlier runs; None: there is none.
        journal: Of this run; None: there is none.

    Raises:
        UsageError: The jobs cannot be run as they are; all that is wrong is said together.
    """

    def __init__(
        self,
        site: Site,
        jobs: Sequence[ComputeJob],
        policy: Policy,
        *,
        logger: logging.Logger,
        path: Sequence[str] = (),
        env: dict[str, str] | None = None,
        log_level: int = logging.INFO,
        max_per_node: int | None = None,
        memory: Memory | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._site = site
        self._policy = policy
        self._logger = logger
        self._path = tuple(path)
        self._env = env or {}
        self._log_level = log_level
        self._max_per_node = max_per_node
        self._memory = memory
        self._journal = journal
        self._jobs = list(jobs)
        self._news: deque[Entry | HostEvent] = deque()
        self._open: dict[int, Entry] = {}
        self._down: Counter[str] = Counter()
        self._retry_at: dict[str, float] = {}
        self._gate: Gate | None = None
        self._cause = ""
        self._most = min(max_per_node or SLOTS_MAX, SLOTS_MAX)
        if policy.gang:
            site.check_gang(self._jobs, self._most)

    # From the first to the last -----------------------------------------------------------------------------------

    def run(self) -> ScheduleResult:
        """Have all of them run.

        Raises:
            KeyboardInterrupt: Ctrl-C; all that ran has been ended.
        """
        for number, job in enumerate(self._jobs):
            self._admit(number, job)
        if self._open:
            if self._policy.gang:
                with self._site.gathering:
                    self._gate = Gate(len(self._open))
                    self._work()
            else:
                self._work()
        return self._result()

    def _admit(self, number: int, job: ComputeJob) -> None:
        if any(getattr(product, "skip", False) for product in job.products):
            self._decide(job, JobOutcome("skipped", job.host, message="what it works on is marked to be skipped"))
            return
        outputs = self._memory.recall(job) if self._memory is not None else None
        if outputs is not None:
            self._logger.debug("%s: done before", job.label)
            self._decide(job, JobOutcome("succeeded", job.host, exit_code=0, outputs=outputs, remembered=True))
            return
        host, *left = self._site.hosts_of(job)
        self._open[number] = self._entry(number, job, host, left)

    def _entry(self, number: int, job: ComputeJob, host: str, left: list[str]) -> Entry:
        token = secrets.token_hex(16)
        voice = JobVoice(host, number, job.name, token)
        return Entry(number, job, host, voice, token, left=left, retries=self._policy.retries)

    def _work(self) -> None:
        wanted: Counter[str] = Counter()
        for entry in self._open.values():
            wanted.update((entry.host, *entry.left))  # whichever of the alternatives it will be
        with self._site.use(wanted, self._max_per_node, self._hear):
            try:
                for host in {entry.host: None for entry in self._open.values()}:
                    self._site.connect(host)
                self._submit(list(self._open.values()))
                self._go_on_until_done()
            except BaseException:
                self._find_lost_handles()
                self._end_all("the recipe was interrupted")
                self._wait_for_ends()
                raise

    def _go_on_until_done(self) -> None:
        session = self._site.session
        while self._open:
            now = time.monotonic()
            next_at = min([*self._retry_at.values(), *(at for _, at in self._time_limits(now))], default=None)
            session.wait_for(lambda: bool(self._news), None if next_at is None else max(next_at - now, 0.0))
            while self._news:
                news = self._news.popleft()
                if isinstance(news, Entry):
                    self._on_end(news)
                else:
                    self._on_host(news)
            now = time.monotonic()
            self._reconnect(now)
            for entry, at in list(self._time_limits(now)):
                if at <= now and entry.handle is not None:
                    entry.late = True
                    self._cancel(entry.handle)

    def _time_limits(self, now: float) -> Iterator[tuple[Entry, float]]:
        """Until when jobs may run that wait before they begin: the scheduler would count that, too."""
        for entry in self._open.values() if self._gate is not None or self._site.queues else ():
            limit_s, started_at = entry.job.time_limit_s, entry.voice.started_at
            if limit_s is not None and not (entry.late or entry.unwanted):
                yield entry, limit_s + (now if started_at is None else started_at)

    def _wait_for_ends(self) -> None:
        """Have the logs and ends of what is being ended come in, for a while."""
        self._site.session.wait_for(
            lambda: all(entry.handle is None or entry.handle.status is not None for entry in self._open.values()),
            _END_S,
        )
        # Not by the news: the interrupt may have come when some were being taken in.
        for entry in list(self._open.values()):
            if entry.handle is not None and entry.handle.status is not None:
                self._on_end(entry)
        for entry in self._open.values():
            why = f"was called off, and has not been seen to end: {entry.unwanted}"
            self._decide(entry.job, JobOutcome("cancelled", entry.host, message=why))

    # To the scheduler -------------------------------------------------------------------------------------------

    def _submit(self, entries: Sequence[Entry]) -> None:
        # If one is refused, none is to have been started.
        prepared = [(self._command(entry), self._terms(entry)) for entry in entries]
        for entry, (command, terms) in zip(entries, prepared, strict=True):
            entry.handle = self._site.session.submit(
                run_command, (command, entry.voice, self._gate), {}, terms, name=entry.job.name
            )
            entry.handle.add_listener(partial(self._tell_end, entry))

    def _find_lost_handles(self) -> None:
        """An interrupt may have come when a task had been submitted, and its handle not been kept."""
        voices = {entry.voice: entry for entry in self._open.values() if entry.handle is None}
        for handle in self._site.session.handles if voices else ():
            entry = voices.get(getattr(handle.payload, "listener", None))  # type: ignore[arg-type]
            if entry is not None:
                entry.handle = handle
                handle.add_listener(partial(self._tell_end, entry))

    def _command(self, entry: Entry) -> Command:
        job = entry.job
        before = [*job.words, str(entry.number)] if job.wants_number else job.words
        command = Command(
            argv=(*before, *job.arguments),
            env={**self._env, **job.env, "GANGLINE_LOG_TOKEN": entry.token},
            cwd=job.cwd,
            input=job.input,
            path=self._path,
            logs=len(before) if job.node_script else None,
            log_level=self._log_level,
        )
        return self._site.fitted(command, job, entry.host)

    def _terms(self, entry: Entry) -> Terms:
        terms = Terms(
            resources=self._site.needs(entry.host),
            limits=(limit_name(entry.host),),
            retries=entry.retries,
            time_limit_s=None if self._site.queues else entry.job.time_limit_s,
            patient=True,
            label=entry.job.label,
        )
        if self._gate is None:
            return terms
        # For the time, see _time_limits. The limit of another schedule, which may itself wait for places that some of
        # the gang hold, could let in these and never the rest; that the gang keeps to its own has been checked.
        return replace(terms, time_limit_s=None, limits=())

    def _tell_end(self, entry: Entry, _handle: Handle) -> None:
        """Called from the session's thread."""
        self._news.append(entry)

    def _hear(self, event: HostEvent) -> None:
        """Called from a thread of the backend."""
        self._news.append(event)
        self._site.session.notify()

    # What has become of jobs and hosts --------------------------------------------------------------------------

    def _on_end(self, entry: Entry) -> None:
        if self._open.get(entry.number) is not entry:
            return
        outcome = outcome_of(entry)
        if not entry.unwanted:
            elsewhere = outcome.kind == "lost" or isinstance(outcome.error, JobRejected)
            if elsewhere and (left := self._left(entry)):
                self._move(entry, left, outcome.message)
                return
            if entry.late and outcome.kind == "timed_out" and self._tried_again(entry):
                return
        self._close(entry, outcome)

    def _tried_again(self, entry: Entry) -> bool:
        """Whether a job that took too long is tried again; where the scheduler counts the time, it sees to that."""
        assert entry.handle is not None
        used = len(entry.handle.earlier) + 1
        if used > entry.retries:
            return False
        again = self._open[entry.number] = self._entry(entry.number, entry.job, entry.host, entry.left)
        again.tried, again.retries = entry.tried + used, entry.retries - used
        self._submit([again])
        return True

    def _on_host(self, event: HostEvent) -> None:
        host = event.host
        waiting = [entry for entry in self._open.values() if entry.host == host]
        if not waiting:
            return
        if isinstance(event, HostUp):
            self._down.pop(host, None)
        elif isinstance(event, HostLost):
            self._logger.warning("the connection to host %s is lost: %s", host, event.reason)
            # What ran there is told by its tasks; what waits for a place there waits for the host to come back.
            self._retry_at[host] = time.monotonic()
        elif host in self._retry_at:
            return  # another schedule has tried; this one does at its own time
        elif self._down[host] < self._policy.reconnect:
            delay_s = self._policy.reconnect_delay_s * 2 ** self._down[host]
            self._down[host] += 1
            self._retry_at[host] = time.monotonic() + delay_s
            self._logger.warning("%s; trying again in %g s", event.error, delay_s)
        else:
            self._give_up(waiting, event.error)

    def _reconnect(self, now: float) -> None:
        for host, at in list(self._retry_at.items()):
            if at <= now:
                del self._retry_at[host]
                if any(entry.host == host for entry in self._open.values()):
                    self._site.connect(host)

    def _give_up(self, entries: Sequence[Entry], error: HostUnreachable) -> None:
        """A host cannot be reached: other hosts are asked where the jobs name some."""
        for entry in entries:
            if entry.unwanted and entry.handle is not None:
                continue  # it is being called off, and its end will be told
            if not entry.unwanted and (left := self._left(entry)):
                self._move(entry, left, str(error))
            else:
                handle, entry.handle = entry.handle, None
                self._close(entry, JobOutcome("unreachable", entry.host, message=str(error), error=error))
                if handle is not None:
                    self._cancel(handle)

    def _left(self, entry: Entry) -> list[str]:
        """Hosts that may be taken instead. For one of a gang there must be room, since none of the others makes any."""
        if self._gate is None:
            return entry.left
        there = Counter(each.host for each in self._open.values())
        return [host for host in entry.left if there[host] < self._most]

    def _move(self, entry: Entry, hosts: Sequence[str], why: str) -> None:
        """To the first of these hosts; the others are for later."""
        host, *left = hosts
        self._logger.warning("%s: %s; going to host %s instead", entry.job.label, why, host)
        old, entry.handle = entry.handle, None
        moved = self._open[entry.number] = self._entry(entry.number, entry.job, host, left)
        moved.tried = entry.tried + 1
        if old is not None:
            self._cancel(old)
        self._site.connect(host)
        self._submit([moved])

    def _cancel(self, handle: Handle) -> None:
        try:
            self._site.session.cancel(handle, interrupt=True)
        except UsageError:  # it has just ended
            if handle.status is None:
                raise

    def _close(self, entry: Entry, outcome: JobOutcome) -> None:
        del self._open[entry.number]
        handle = entry.handle
        self._decide(
            entry.job, outcome,
            started_at=None if handle is None else handle.started_at, output=entry.voice.tail,
        )  # fmt: skip
        if outcome.ok or outcome.kind == "skipped":
            return
        if not self._cause and (self._policy.fail_fast or self._policy.gang):
            self._cause = f"{entry.job.label}: {outcome.message}"
            why = "its gang cannot go on" if self._policy.gang else "the first failure ends all"
            self._end_all(f"{why}: {self._cause}")

    def _end_all(self, why: str) -> None:
        if self._gate is not None:
            self._gate.break_()
        # The last ones first: they may still wait, and would begin where those before them have ended.
        for entry in reversed(list(self._open.values())):
            entry.unwanted = entry.unwanted or why
            if entry.handle is None:
                continue
            self._cancel(entry.handle)

    # What is said of them -----------------------------------------------------------------------------------------

    def _decide(
        self, job: ComputeJob, outcome: JobOutcome, *, started_at: float | None = None, output: str = ""
    ) -> None:
        job.outcome = outcome
        job.results = outcome.as_results()
        if outcome.ok:
            if self._memory is not None and not outcome.remembered:
                self._memory.remember(job)
        elif outcome.kind == "skipped":
            self._logger.info("%s: %s", job.label, outcome.message)
        else:
            attempt = f" (attempt {outcome.attempts})" if outcome.attempts > 1 else ""
            job_id = f" (job {outcome.job_id})" if outcome.job_id else ""
            self._logger.error("%s%s%s: %s", job.label, job_id, attempt, outcome.message)
            for product in job.products:
                product.skip = True
        if self._journal is not None:
            self._journal.job_ended(job, started_at=started_at, ended_at=time.time(), output=output)

    def _result(self) -> ScheduleResult:
        result = ScheduleResult(self._jobs)
        failed, asked = result.failed, len(self._jobs) - len(result.skipped)
        if failed:
            result.tolerated = self._policy.tolerates(len(failed), asked)
            result.message = f"{len(failed)} of {asked} jobs failed"
            if self._cause:
                result.message += f"; the first: {self._cause}"
            if result.tolerated:
                self._logger.warning("%s, which is tolerated", result.message)
        return result
