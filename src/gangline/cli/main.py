"""The command `gangline`: finds the subcommand, turns errors into messages and exit codes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from gangline.cli.exits import INTERRUPTED, Failed
from gangline.errors import GanglineError


class Entry(NamedTuple):
    """A row of the table of commands.

    Attributes:
        place: Module and name of the command in it.
        help: What it does, in one line; here, so that listing the commands imports none of them.
    """

    place: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "cluster": Entry("gangline.cli.cluster.group:cluster", "Start engines on many hosts, for many runs; end them."),
    "demo": Entry("gangline.cli.demo:demo", "Analyse Python's standard library on all cores, and draw it."),
    "doctor": Entry("gangline.cli.doctor:doctor", "Tell what this installation can do, and what it lacks."),
    "explain": Entry(
        "gangline.cli.pipelines.explain:explain",
        "Tell why a stage or a file is out of date, or is not, or is waited for.",
    ),
    "graph": Entry(
        "gangline.cli.pipelines.graph:graph", "Draw the stages of a pipeline, what each builds on, and which would run."
    ),
    "logs": Entry("gangline.cli.pipelines.logs:logs", "Show what tasks of a run have written, and how they ended."),
    "plan": Entry("gangline.cli.pipelines.plan:plan", "Tell what a run would do, and why; nothing is run or changed."),
    "queue": Entry("gangline.cli.queue.group:queue", "Enter durable jobs, look after them, give orders to them."),
    "retry": Entry(
        "gangline.cli.pipelines.retry:retry",
        "Run the program of the last run again, if that failed, was interrupted or killed.",
    ),
    "run": Entry(
        "gangline.cli.pipelines.run:run",
        "Run a program with a file pipeline: all its stages that have something to do.",
    ),
    "status": Entry("gangline.cli.pipelines.status:status", "Tell how far the last run is, or how it ended."),
    "worker": Entry("gangline.cli.worker:worker", "Take durable jobs from a queue and run them on this host."),
}


class CommandTable(click.Group):
    """A group whose commands are imported when they are called."""

    @property
    def table(self) -> Mapping[str, Entry]:
        """The commands by name."""
        return COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in alphabetical order."""
        return sorted(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.table:
            return None
        module, _, name = self.table[cmd_name].place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        # Click's mark for lines that are kept as they are; docstrings with a backslash in them are raw.
        command.help = (command.help or "").replace("\\b\n", "\b\n")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.table[name].help) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of Gangline's becomes its message and an exit code, without a traceback."""
        try:
            return super().invoke(ctx)
        except GanglineError as exc:
            raise Failed(exc) from exc
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version  # slow to import

        click.echo(f"gangline {version('gangline')}")
        ctx.exit()


@click.group(
    cls=CommandTable,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Exit codes: 0 done; 1 the work failed; 2 the command was wrong;
3 engines, hosts or stores could not be reached; 70 a bug in Gangline;
130 interrupted. Results go to stdout, progress and messages to stderr.""",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Print it.")
def gangline() -> None:
    """Work that is made of many pieces which run in parallel, from a laptop to a cluster."""


def main() -> None:
    """Run the command line and exit."""
    gangline(prog_name="gangline")
