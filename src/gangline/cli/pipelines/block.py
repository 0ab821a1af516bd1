"""The live block of a run: the stages that are at work and the jobs that run."""

from __future__ import annotations

import time
from operator import itemgetter

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gangline.cli.pipelines.figures import show_duration
from gangline.cli.pipelines.tally import StageTally, Tally
from gangline.cli.pipelines.terminal import LiveBlock
from gangline.cli.pipelines.words import job_words

__all__ = ["RunBlock"]

_BAR_WIDTH = 24
_STAGES_SHOWN = 8
_JOBS_SHOWN = 4
_MINUTE = 60
_LONG_S = 1.0
"""Jobs that run shorter than that are not named: nobody could read it."""


class RunBlock:
    """Draws how far a run is, until `close`.

    Args:
        console: Where.
        tally: What is known of the run.
    """

    def __init__(self, console: Console, tally: Tally) -> None:
        self._tally = tally
        self._block = LiveBlock(console, self._draw)

    def say(self, line: str) -> None:
        """Put a line above it."""
        self._block.say(line)

    def close(self) -> None:
        """Take it away."""
        self._block.close()

    def _draw(self) -> RenderableType:
        running = list(self._tally.running.items())
        by_stage: dict[str, int] = {}
        for job, _ in running:
            name = job.stage.stage.display_name
            by_stage[name] = by_stage.get(name, 0) + 1
        table = Table.grid(padding=(0, 2, 0, 0))
        stages = [stage for stage in self._tally.stages if stage.begun and stage.outcome is None]
        for stage in stages[:_STAGES_SHOWN]:
            table.add_row(*_row(stage, by_stage.get(stage.name, 0)))
        lines: list[RenderableType] = [table]
        if len(stages) > _STAGES_SHOWN:
            lines.append(Text(f"and {len(stages) - _STAGES_SHOWN} more stages", style="dim"))
        now_s = time.monotonic()
        long = sorted(((since, job) for job, since in running if now_s - since >= _LONG_S), key=itemgetter(0))
        for since, job in long[:_JOBS_SHOWN]:
            words = f"{job.stage.stage.display_name}  {job_words(job)}"
            lines.append(Text(f"  {words}  {_whole(now_s - since)}", style="dim", no_wrap=True))
        lines.append(Text(f"{_whole(self._tally.elapsed_s)}, Ctrl-C stops", style="dim"))
        return Group(*lines)


def _whole(seconds: float) -> str:
    """A duration that goes on."""
    return f"{seconds:.0f} s" if seconds < _MINUTE else show_duration(seconds)


def _row(stage: StageTally, running: int) -> tuple[RenderableType, ...]:
    ended = stage.done + stage.fresh + stage.failed + stage.held
    bar = ProgressBar(total=max(1, stage.total), completed=ended, width=_BAR_WIDTH)
    numbers = Text(f"{ended:,}/{stage.total:,}")
    details = Text(f"{running:,} running" if running else "", style="cyan")
    if stage.failed:
        details.append(f"  {stage.failed:,} failed", style="red")
    return Text(stage.name, no_wrap=True), bar, numbers, details
