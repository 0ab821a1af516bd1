"""A site's scheduler, which recipes' jobs are handed to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from gangline._runtime.session import Session
from gangline.backends.batch.backend import BatchBackend
from gangline.recipes.fingerprints import digest, stamp
from gangline.recipes.site import Site
from gangline.remote.resources import Resources

if TYPE_CHECKING:
    from gangline.recipes.batchoptions import BatchOptions
    from gangline.recipes.jobs import ComputeJob
    from gangline.remote.command import Command

__all__ = ["BatchSite"]


class BatchSite(Site):
    """Hosts that the scheduler chooses, each job when there is room.

    Args:
        options: Which scheduler, and what jobs ask of it.

    Raises:
        BackendError: There is no scheduler, or the folder cannot be used.
    """

    no_gangs: ClassVar[str] = (
        "the jobs of a gang start together, but a site's scheduler starts each when there is room: leave out gang, or "
        "have this recipe's jobs run over ssh (without method = batch in section remote of the configuration)"
    )
    most_per_host: ClassVar[int] = 2**31
    queues: ClassVar[bool] = True

    def __init__(self, options: BatchOptions) -> None:
        self._options = options
        backend = BatchBackend(system=options.system, folder=options.folder)
        super().__init__(Session(backend, engines=options.max_jobs or backend.expected))

    def connect(self, host: str) -> None:
        """See `Site`: the scheduler does."""

    def hosts_of(self, job: ComputeJob) -> tuple[str, ...]:
        """See `Site`."""
        return job.hosts if self._options.host_options else job.hosts[:1]

    def needs(self, host: str) -> tuple[tuple[str, float], ...]:
        """See `Site`: a place in the queue is like any other."""
        return ()

    def fitted(self, command: Command, job: ComputeJob, host: str) -> Command:
        """See `Site`. A recipe that died and is started again finds its job, unless the command itself has changed."""
        usual = self._options.resources_on(host).over(self._options.resources)
        return replace(
            command,
            name=job.name,
            key=digest([stamp(word, folders=False) for word in job.words]),
            resources=Resources(wall_time_s=job.time_limit_s or None).over(usual),
        )
