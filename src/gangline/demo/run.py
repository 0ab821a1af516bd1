"""The demonstration's program, written as a user would write it: submit, say what waits for what, watch, collect."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

from gangline.demo.sources import Library
from gangline.demo.summary import PackageSummary
from gangline.demo.tasks import draw_library, measure_module, summarize_package
from gangline.views import AsyncResult, Client

LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the analysis is.

    Attributes:
        done: Tasks that have ended.
        tasks: Tasks in all.
        lines: Lines of source measured so far.
        engines: Engines at work.
    """

    done: int
    tasks: int
    lines: int
    engines: int


@dataclass(frozen=True, slots=True)
class Kill:
    """What became of the engine that was killed on purpose.

    Attributes:
        engine: Its number.
        after: How many tasks had ended before.
        replaced_by: The engines that joined since.
    """

    engine: int
    after: int
    replaced_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that was found out.

    Attributes:
        library: What was looked at.
        packages: One summary for each package, in alphabetical order.
        picture: Where the picture is; None if none was asked for.
        tasks: How many tasks it took.
        per_engine: How many of them each engine finished.
        seconds: From the first submission to the last result.
        kill: What was done to an engine on the way; None if nothing.
    """

    library: Library
    packages: tuple[PackageSummary, ...]
    picture: str | None
    tasks: int
    per_engine: dict[int, int]
    seconds: float
    kill: Kill | None

    @property
    def digest(self) -> str:
        """A short name for the answer: equal digests, equal answers."""
        content = json.dumps([asdict(package) for package in self.packages], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Submitted:
    """The handles of all tasks, by kind."""

    measured: list[AsyncResult] = field(default_factory=list)
    summaries: list[AsyncResult] = field(default_factory=list)
    drawing: AsyncResult | None = None

    @property
    def all(self) -> list[AsyncResult]:
        return [*self.measured, *self.summaries, *([self.drawing] if self.drawing else [])]


@dataclass(frozen=True, slots=True)
class _Victim:
    """The engine that was killed, how many tasks had ended before, and the engines of that moment."""

    engine: int
    after: int
    present: frozenset[int]


def analyse(
    client: Client,
    library: Library,
    folder: str,
    *,
    picture: str | None = None,
    kill: bool = False,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> Analysis:
    """Analyse a library on the client's engines.

    Args:
        client: The engines.
        library: The sources.
        folder: An empty folder for what the tasks hand on to each other.
        picture: Where to draw the result; None draws nothing.
        kill: Kill one engine when half of the tasks are done.
        watch: Called about ten times a second with the progress.

    Returns:
        The answer, the same on every backend.
    """
    began = time.monotonic()
    submitted = _submit(client, library, folder, picture)
    victim = _watch(client, submitted, kill, watch)
    summaries: list[PackageSummary] = [result.get() for result in submitted.summaries]
    drawn = submitted.drawing.get() if submitted.drawing else None
    newcomers = sorted(set(client.ids) - victim.present) if victim else ()
    return Analysis(
        library,
        tuple(summaries),
        drawn,
        tasks=len(submitted.all),
        per_engine=_count_per_engine(submitted.all),
        seconds=time.monotonic() - began,
        kill=Kill(victim.engine, victim.after, tuple(newcomers)) if victim else None,
    )


def _submit(client: Client, library: Library, folder: str, picture: str | None) -> _Submitted:
    view = client.load_balanced_view()
    view.set_flags(retries=3)  # an engine that dies costs a little time, but no result
    submitted = _Submitted()
    for package, sources in library.packages.items():
        measured = [view.apply_async(measure_module, source, folder) for source in sources]
        submitted.measured += measured
        with view.temp_flags(after=measured):
            modules = [source.module for source in sources]
            submitted.summaries.append(view.apply_async(summarize_package, package, modules, folder))
    if picture:
        with view.temp_flags(after=submitted.summaries):
            modules = [source.module for source in library.sources]
            submitted.drawing = view.apply_async(draw_library, modules, folder, picture)
    return submitted


def _watch(client: Client, submitted: _Submitted, kill: bool, watch: Callable[[Progress], None]) -> _Victim | None:
    """Wait for all tasks; return the engine that was killed, if one was."""
    waiting, measured = submitted.all, set(submitted.measured)
    tasks, lines, victim = len(waiting), 0, None
    while waiting:
        client.wait(waiting, timeout=LOOK_EVERY_S)
        ended = {result for result in waiting if result.ready()}
        lines += sum(result.get() for result in ended & measured)
        waiting = [result for result in waiting if result not in ended]
        done = tasks - len(waiting)
        watch(Progress(done, tasks, lines, len(client.ids)))
        if kill and victim is None and 2 * done >= tasks:
            victim = _Victim(client.ids[0], done, frozenset(client.ids))
            client.send_signal(signal.SIGKILL, targets=victim.engine)
    return victim


def _count_per_engine(results: Iterable[AsyncResult]) -> dict[int, int]:
    counts: Counter[int] = Counter(result.engine_id for result in results)
    return dict(sorted(counts.items()))
