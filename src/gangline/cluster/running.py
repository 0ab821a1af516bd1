"""Clusters for the time of a block."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from gangline._engine.installation import own_folders
from gangline.cluster.configuration import ClusterConfiguration, bounds_of, configured_file, read_configuration
from gangline.cluster.connection import ClusterConnection, using
from gangline.cluster.keeper import EngineReport, Keeper
from gangline.errors import UsageError

__all__ = ["RunningCluster", "cluster"]


@dataclass(frozen=True, slots=True)
class RunningCluster:
    """A cluster that runs. `gangline.Client()` uses it within the block, `gangline.Client(cluster)` anywhere.

    Attributes:
        connection: How it is reached.
        engines: Those that have come up, and those that have not.
    """

    connection: ClusterConnection
    engines: tuple[EngineReport, ...]

    @property
    def scheduler_address(self) -> str:
        """Its scheduler's address, as objects of Dask have it."""
        return self.connection.address

    @property
    def security(self) -> Any:
        """What Dask's clients need to be let in."""
        return self.connection.security


@contextmanager
def cluster(
    nproc: int | None = None,
    *,
    config: str | os.PathLike[str] | ClusterConfiguration | None = None,
    hosts: Sequence[str] | None = None,
    min_engines: int | None = None,
    start_timeout_s: float | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
) -> Iterator[RunningCluster]:
    """Engines on the hosts of the configuration for as long as the block lasts; nothing is left running after it.

    Args:
        nproc: How many engines each host gets; None: what the configuration says, else one for each core.
        config: The configuration, or its file; None: that of the pipeline, else `~/.pipeline.cfg`, else this host.
        hosts: Their names, in place of those of the configuration.
        min_engines: Go on if so many have come up; None: all must.
        start_timeout_s: How long they may take, in seconds.
        minimum: Where a maximum is given: so many engines in all there are always; None: none.
        maximum: There are as many engines as there is work for, up to so many in all.

    Raises:
        UsageError: Something that is given makes no sense.
        BackendError: Too few engines have come up; names those that have not, and why.
    """
    if isinstance(config, ClusterConfiguration):
        wanted = config
    else:
        wanted = read_configuration(config if config is not None else configured_file())
    if nproc is not None and (type(nproc) is not int or nproc < 1):
        raise UsageError(f"nproc must be a whole number, 1 or more, not {nproc!r}")
    if min_engines is not None:
        wanted = replace(wanted, min_engines=min_engines)
    if start_timeout_s is not None:
        wanted = replace(wanted, start_timeout_s=start_timeout_s)
    if hosts is not None:
        wanted = replace(wanted, hosts=tuple((host, None) for host in hosts))
    if (bounds := bounds_of(minimum, maximum)) is not None:
        wanted = replace(wanted, bounds=bounds)
    # What lies beside the program, for one, can be imported by its engines, too.
    wanted = replace(wanted, pythonpath=(*wanted.pythonpath, *own_folders()))
    keeper = Keeper(wanted.with_engines(nproc))
    engines = keeper.start()
    try:
        assert keeper.connection is not None
        with using(keeper.connection):
            yield RunningCluster(keeper.connection, tuple(engines))
    finally:
        keeper.close()
