"""`start_cluster.py` and `stop_cluster.py`, as the commands are called in the LOFAR framework."""

from __future__ import annotations

import click

from gangline.cli.cluster.orders import configuration_for, profile_for
from gangline.cli.exits import INTERRUPTED, Failed
from gangline.cluster import standing
from gangline.errors import GanglineError

__all__ = ["start_cluster", "stop_cluster"]

_HELP = {"help_option_names": ["-h", "--help"]}
_config = click.option(
    "--config", metavar="FILE", type=click.Path(dir_okay=False), help="Which hosts.  [default: ~/.pipeline.cfg]"
)


@click.command(context_settings=_HELP)
@_config
@click.option(
    "--num-engines", type=click.IntRange(min=1), metavar="N", help="Engines on each host.  [default: its cores]"
)
def _start(config: str | None, num_engines: int | None) -> None:
    """Start engines on the hosts of a configuration, which stay until `stop_cluster.py` ends them."""
    found, is_new = standing.start(configuration_for(config, None, num_engines))
    up = sum(engine.state == "up" for engine in found.engines)
    click.echo(f"{up} engines are up" if is_new else f"the cluster is running already, with {up} engines")


@click.command(context_settings=_HELP)
@_config
def _stop(config: str | None) -> None:
    """End the engines that `start_cluster.py` has started."""
    was_running = standing.stop(profile_for(config, None))
    click.echo("the cluster is stopped" if was_running else "the cluster is not running")


def _run(command: click.Command, name: str) -> None:
    try:
        command.main(prog_name=name, standalone_mode=True)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except GanglineError as error:
        failed = Failed(error)
        failed.show()
        raise SystemExit(failed.exit_code) from error


def start_cluster() -> None:
    """The command `start_cluster.py`."""
    _run(_start, "start_cluster.py")


def stop_cluster() -> None:
    """The command `stop_cluster.py`."""
    _run(_stop, "stop_cluster.py")
