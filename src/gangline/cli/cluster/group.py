"""`gangline cluster`: the group of commands about clusters."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gangline.cli.main import CommandTable, Entry

_HERE = "gangline.cli.cluster.orders"
CLUSTER_COMMANDS: Mapping[str, Entry] = {
    "scale": Entry(f"{_HERE}:scale", "Have more engines on each host, or more jobs; or fewer."),
    "start": Entry(f"{_HERE}:start", "Start engines on hosts, or as jobs, which stay until they are stopped."),
    "status": Entry(f"{_HERE}:status", "Tell which engines a cluster has, and how they are."),
    "stop": Entry(f"{_HERE}:stop", "End a cluster, with everything on its hosts."),
}


class ClusterTable(CommandTable):
    """The commands below `gangline cluster`."""

    @property
    def table(self) -> Mapping[str, Entry]:
        """By name."""
        return CLUSTER_COMMANDS


@click.group(cls=ClusterTable)
def cluster() -> None:
    """Start engines on many hosts, for many runs; end them.

    A program uses them with gangline.Client(), or gangline.Client(profile=NAME).
    """
