"""What `gangline run` prints while a pipeline runs, and when it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.text import Text

from gangline.cli.pipelines.figures import counted, show_duration
from gangline.cli.pipelines.tally import Tally, Totals
from gangline.cli.pipelines.words import FailureReport, job_words
from gangline.pipeline.running.options import Touching
from gangline.pipeline.running.watching import JobOutcome, RunOutcome

if TYPE_CHECKING:
    from gangline.cli.output import Screen
    from gangline.cli.pipelines.block import RunBlock
    from gangline.pipeline.running.failures import Failed
    from gangline.pipeline.running.jobs import JobRun
    from gangline.pipeline.running.options import RunOptions

__all__ = ["Progress"]

_WORD_WIDTH = 7
_NAME_WIDTH = 24
_INDENT = " " * (_WORD_WIDTH + 1)


class Progress(Tally):
    """Tells people how a run goes on: a line for each task that has ended, and on a terminal a block below them.

    Args:
        screen: Where it is told.
        options: What is run.
    """

    def __init__(self, screen: Screen, options: RunOptions) -> None:
        super().__init__()
        self._screen = screen
        self._touching = options.touching is not Touching.NO
        self._block: RunBlock | None = None
        self._begun = False
        self._warned: set[str] = set()
        self._width = 0
        self._on_terminal = screen.messages.is_terminal

    def say(self, line: Text) -> None:
        """One line; a terminal gets it in colours, a pipe as it is."""
        console = self._screen.messages
        if console.quiet:
            return
        if not self._on_terminal:
            text = line.plain
        else:
            from gangline.cli.pipelines.terminal import coloured  # what draws is imported when there is one

            text = coloured(line, console)
        if self._block is not None:
            self._block.say(text)
        else:
            click.echo(text, err=True, color=self._on_terminal)

    def warned(self, text: str) -> None:
        """See `Watcher`; the same is said once."""
        if text in self._warned:
            return
        self._warned.add(text)
        first, *more = text.splitlines()
        self.say(Text.assemble((f"{'warning':<{_WORD_WIDTH}} ", "yellow"), first.strip()))
        for line in more:
            self.say(Text(_INDENT + line.rstrip()))

    # While it runs ------------------------------------------------------------------------------------------------

    def job_started(self, job: JobRun) -> None:
        """See `Watcher`."""
        if not self._begun:
            self._begin()

    def _begin(self) -> None:
        self._begun = True
        from gangline.cli.pipelines.terminal import is_lively  # what draws is imported when there is something to draw

        if is_lively(self._screen.messages):
            from gangline.cli.pipelines.block import RunBlock

            self._block = RunBlock(self._screen.messages, self)

    def job_ended(self, job: JobRun, outcome: JobOutcome) -> None:
        """See `Watcher`."""
        super().job_ended(job, outcome)
        if outcome == "ok":
            word = "touched" if self._touching else "ok"
            self.say(self._line(word, "green", job.stage.stage.display_name, job_words(job), job.seconds))

    def failed(self, failed: Failed) -> None:
        """See `Watcher`."""
        super().failed(failed)
        failure = self.failures[-1]
        self.say(self._line("FAILED", "bold red", failure.stage, failure.job, failure.seconds))
        for line in _details(failure):
            self.say(Text(_INDENT).append_text(line))

    def _line(self, word: str, style: str, stage: str, job: str, seconds: float | None) -> Text:
        self._width = max(self._width, min(len(stage), _NAME_WIDTH))
        line = Text.assemble((f"{word:<{_WORD_WIDTH}} ", style), f"{stage:<{self._width}}  {job}".rstrip())
        if seconds is not None:
            line.append(f"  {show_duration(seconds)}", style="dim")
        return line

    # At the end ---------------------------------------------------------------------------------------------------

    def run_ended(self, outcome: RunOutcome, message: str) -> None:
        """See `Watcher`."""
        super().run_ended(outcome, message)
        if self._block is not None:
            self._block.close()
            self._block = None
        for line in self._ending():
            self.say(line)

    def _ending(self) -> Iterator[Text]:
        stages = self.stages
        totals = Totals.of(stages)
        if self.outcome == "ok" and not self._begun and not totals.done:
            yield Text(self._nothing_to_do(totals), style="green")
            return
        if self.failures:
            yield Text("")
            yield Text(f"{counted(len(self.failures), 'failure')}:", style="bold")
            for failure in self.failures:
                yield Text.assemble((f"  {failure.stage}", "bold red"), f"  {failure.job}".rstrip())
                yield Text(f"      {failure.headline}")
        held = [f"{stage.name} {stage.held:,}" for stage in stages if stage.held]
        if held:
            yield Text(f"Held back by what failed: {', '.join(held)}")
        left_out = [stage.name for stage in stages if stage.outcome == "skipped" and not stage.begun]
        if left_out:
            yield Text(f"Not gone into: {', '.join(left_out)}")
        style = {"ok": "green", "failed": "bold red", "interrupted": "yellow"}[self.outcome or "ok"]
        before = "Interrupted: " if self.outcome == "interrupted" else ""
        yield Text(f"{before}{self._summary(totals)}", style=style)
        if self.outcome != "ok":
            yield Text(self._advice(), style="dim")

    def _nothing_to_do(self, totals: Totals) -> str:
        stages = [stage for stage in self.stages if stage.fresh]
        if not stages:
            return "Nothing to do: there are no jobs."
        jobs, parts = counted(totals.fresh, "job"), counted(len(stages), "stage")
        return f"Nothing to do: {'the only job' if totals.fresh == 1 else f'all {jobs} of {parts}'} " + (
            "is up to date." if totals.fresh == 1 else "are up to date."
        )

    def _summary(self, totals: Totals) -> str:
        done = f"{counted(totals.done, 'task')} {'touched' if self._touching else 'done'}"
        taken_back = "not finished" if self.outcome == "interrupted" else "not run"
        others = ("fresh", "up to date"), ("failed", "failed"), ("held", "held back"), ("cancelled", taken_back)
        parts = [done, *(f"{number:,} {words}" for name, words in others if (number := getattr(totals, name)))]
        return f"{', '.join(parts)} in {show_duration(self.seconds)}"

    def _advice(self) -> str:
        if not self.run_id:
            return "The next run does what is left."
        logs = "`gangline logs` shows all that failed tasks have written; " if self.failures else ""
        return f"{logs}`gangline retry` does what is left."


def _details(failure: FailureReport) -> Iterator[Text]:
    for line in failure.error.splitlines():
        yield Text(line, style="red")
    for line in failure.command.strip().splitlines():
        yield Text(f"$ {line}")
    if failure.place:
        yield Text(f"at {failure.place}", style="dim")
    if failure.attempts > 1:
        yield Text(f"after {failure.attempts} attempts", style="dim")
    for line in failure.output:
        yield Text(f"| {line}", style="dim")
