"""Engines as jobs of a site's scheduler: what is asked of it, and how dask-jobqueue is told so.

A job is one of dask-jobqueue's, which knows how each scheduler wants to be asked. What runs in it is the program
`gangline.cluster.job`.
"""

from __future__ import annotations

import difflib
import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gangline.errors import UsageError
from gangline.remote.resources import Resources

__all__ = ["LAUNCHERS", "WALL_TIME_S", "JobShape", "Launcher", "job_options"]

WALL_TIME_S = 1800.0
"""How long a job may run if nothing else is said: half an hour, as with dask-jobqueue."""

_NAME_MAX = 15
"""PBS takes no longer name of a job."""

_MEMORY_UNSAID = "1 GiB"
"""dask-jobqueue wants a number; the line of the script that says it is left out."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """One kind of scheduler.

    Attributes:
        title: What people call it.
        job: The class of dask-jobqueue, with its module.
        account: What the class calls the account; None: it knows none.
        memory: The parts of lines that ask for memory, to be left out where none is asked for.
        dashes: What stands before a long option.
        ask: The command that tells people of a job, whose number comes behind it; empty where we can ask ourselves.
        fixed: More arguments of the class.
    """

    title: str
    job: str
    account: str | None
    memory: tuple[str, ...] = ()
    dashes: str = "-"
    ask: str = ""
    fixed: Mapping[str, Any] | None = None


LAUNCHERS: Mapping[str, Launcher] = {
    "slurm": Launcher("Slurm", "dask_jobqueue.slurm.SLURMJob", "account", ("--mem=",), "--"),
    "sge": Launcher("Grid Engine", "dask_jobqueue.sge.SGEJob", "project"),
    "pbs": Launcher("PBS", "dask_jobqueue.pbs.PBSJob", "account", ask="qstat -f"),
    "moab": Launcher("Moab", "dask_jobqueue.moab.MoabJob", "account", ask="checkjob"),
    "lsf": Launcher("LSF", "dask_jobqueue.lsf.LSFJob", "project", ("#BSUB -M",), ask="bjobs -l"),
    "oar": Launcher("OAR", "dask_jobqueue.oar.OARJob", "project", (), "--", ask="oarstat -f -j",
                    fixed={"memory_per_core_property_name": "not_applicable"}),
    "htcondor": Launcher("HTCondor", "dask_jobqueue.htcondor.HTCondorJob", None, ("RequestMemory",), "",
                         ask="condor_q -better-analyze", fixed={"disk": "1 GB"}),
}  # fmt: skip
"""By the names that a configuration has for them."""


@dataclass(frozen=True, slots=True)
class JobShape:
    """The jobs that a cluster consists of.

    Args:
        launcher: The site's scheduler: one of `LAUNCHERS`.
        jobs: How many there are to be.
        engines: How many engines each has; None: one for each of its cores.
        resources: What each asks for.
        setup: Lines of shell that each runs before its engines, such as ``module load python``.
        folder: Where the jobs find their keys and leave what they write: a folder that all hosts share.

    Raises:
        UsageError: A value makes no sense.
    """

    launcher: str
    jobs: int = 1
    engines: int | None = None
    resources: Resources = Resources()  # noqa: RUF009  it is frozen
    setup: tuple[str, ...] = ()
    folder: str | None = None

    def __post_init__(self) -> None:
        if self.launcher not in LAUNCHERS:
            near = difflib.get_close_matches(self.launcher, LAUNCHERS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(LAUNCHERS)}"
            raise UsageError(f"there is no launcher {self.launcher!r}; {hint}")
        if type(self.jobs) is not int or self.jobs < 0:
            raise UsageError(f"jobs must be a whole number, 0 or more, not {self.jobs!r}")
        if self.engines is not None and (type(self.engines) is not int or self.engines < 1):
            raise UsageError(f"each job must have 1 engine or more, not {self.engines!r}")
        if self.folder is not None and len(self.folder.split()) != 1:
            raise UsageError(f"the folder {self.folder!r} cannot be named in the script of a job: it has spaces")
        if self.launcher == "htcondor" and (self.resources.queue or self.resources.wall_time_s):
            raise UsageError("htcondor knows neither a queue nor a wall_time; what it knows goes into options")
        if self.launcher == "sge" and (self.resources.cores or 1) > 1 and "pe" not in dict(self.resources.options):
            cores = self.resources.cores
            named = f'options = {{ pe = "smp {cores}" }}'
            raise UsageError(f"with sge, {cores} cores need a parallel environment (`qconf -spl` lists them): {named}")

    @property
    def engines_per_job(self) -> int:
        """How many engines each job has."""
        return self.engines or self.resources.cores or 1

    @property
    def wall_time_s(self) -> float | None:
        """After how long the site ends a job; None: this is not known."""
        return None if self.launcher == "htcondor" else self.resources.wall_time_s or WALL_TIME_S

    def to_json(self) -> dict[str, Any]:
        """As it can be handed to another process."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> JobShape:
        """As it was handed."""
        resources = fields["resources"]
        options = tuple((name, value) for name, value in resources["options"])
        words = tuple(resources["words"])
        return cls(**{**fields, "resources": Resources(**{**resources, "options": options, "words": words}),
                      "setup": tuple(fields["setup"])})  # fmt: skip

    def with_jobs(self, jobs: int) -> JobShape:
        """The same with so many jobs."""
        return replace(self, jobs=jobs)


def job_options(shape: JobShape, *, name: str, folder: str, python: str, pythonpath: str) -> dict[str, Any]:
    """The arguments for the job's class of dask-jobqueue, but for the scheduler's address and the job's own name.

    Args:
        shape: What is asked for.
        name: What the site is to show.
        folder: For what the jobs write.
        python: The Python there.
        pythonpath: Where it imports from besides.
    """
    launcher, wanted = LAUNCHERS[shape.launcher], shape.resources
    setup = [f"export PYTHONPATH={shlex.quote(pythonpath)}"] if pythonpath else []
    skipped = () if wanted.memory_bytes is not None else launcher.memory
    options: dict[str, Any] = {
        "cores": wanted.cores or 1,
        "processes": 1,
        "memory": f"{wanted.memory_bytes} B" if wanted.memory_bytes is not None else _MEMORY_UNSAID,
        "job_name": name[:_NAME_MAX] if shape.launcher in ("pbs", "moab") else name,
        "log_directory": folder,
        "python": f"exec {shlex.quote(python)}",
        "worker_command": "gangline.cluster.job",
        "job_script_prologue": [*shape.setup, *setup],
        "job_directives_skip": list(skipped),
        "job_extra_directives": _directives(launcher, wanted),
        "worker_extra_args": [
            "--folder", shlex.quote(folder), "--engines", str(shape.engines_per_job),
            *(() if shape.wall_time_s is None else ("--wall-time", f"{shape.wall_time_s:g}")),
        ],
        **(launcher.fixed or {}),
    }  # fmt: skip
    if shape.wall_time_s is not None:
        options["walltime"] = _in_clock(shape.wall_time_s, with_seconds=shape.launcher != "lsf")
    if wanted.queue is not None:
        options["queue"] = wanted.queue
    if wanted.account is not None and launcher.account is not None:
        options[launcher.account] = wanted.account
    more = _MORE.get(shape.launcher)
    return options if more is None else options | more(wanted)


def _directives(launcher: Launcher, wanted: Resources) -> Any:
    if not launcher.dashes:  # HTCondor's are a table
        account = {} if wanted.account is None else {"accounting_group": wanted.account}
        return {**account, **{name: value or "True" for name, value in wanted.options}}
    lines = []
    for name, value in wanted.options:
        dashes = "-" if len(name) == 1 else launcher.dashes
        joint = "=" if dashes == "--" else " "
        lines.append(f"{dashes}{name}" if value is None else f"{dashes}{name}{joint}{value}")
    return [*lines, *((shlex.join(wanted.words),) if wanted.words else ())]


def _more_of_pbs(wanted: Resources) -> dict[str, Any]:
    """Without memory, where none is asked for."""
    return {} if wanted.memory_bytes is not None else {"resource_spec": f"select=1:ncpus={wanted.cores or 1}"}


def _more_of_sge(wanted: Resources) -> dict[str, Any]:
    """Memory is counted for each slot there."""
    if wanted.memory_bytes is None:
        return {}
    return {"resource_spec": f"h_vmem={math.ceil(wanted.memory_bytes / (wanted.cores or 1) / 2**20)}M"}


_MORE: Mapping[str, Callable[[Resources], dict[str, Any]]] = {
    "pbs": _more_of_pbs, "moab": _more_of_pbs, "sge": _more_of_sge
}  # fmt: skip


def _in_clock(seconds: float, *, with_seconds: bool) -> str:
    """Hours, minutes and, where they are known, seconds; upwards."""
    if with_seconds:
        whole = math.ceil(seconds)
        return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
