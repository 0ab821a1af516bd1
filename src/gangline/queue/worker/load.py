"""Whether this host is too busy to start more jobs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gangline.errors import UsageError

__all__ = ["LoadLimits"]


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """When no more jobs are started on this host, other than those that ignore it (`force`).

    Attributes:
        max_load: The load of the last minute for each core; None: any.
        min_free_memory: The part of the memory that must be free, from 0 to 1; None: any.
    """

    max_load: float | None = None
    min_free_memory: float | None = None

    def __post_init__(self) -> None:
        if self.max_load is not None and not self.max_load > 0:
            raise UsageError(f"max_load must be above 0, not {self.max_load!r}")
        if self.min_free_memory is not None and not 0 <= self.min_free_memory < 1:
            raise UsageError(f"min_free_memory must be from 0 to below 1, not {self.min_free_memory!r}")

    @property
    def any(self) -> bool:
        """Whether there is a limit."""
        return self.max_load is not None or self.min_free_memory is not None

    def exceeded(self) -> str:
        """What is exceeded now, in words; empty when nothing is."""
        if self.max_load is not None:
            load = os.getloadavg()[0] / (os.cpu_count() or 1)
            if load > self.max_load:
                return f"the load is {load:.2f} for each core, above {self.max_load:g}"
        if self.min_free_memory is not None and (free := free_memory()) is not None and free < self.min_free_memory:
            return f"{free:.0%} of the memory is free, less than {self.min_free_memory:.0%}"
        return ""


def free_memory() -> float | None:
    """The part of this host's memory that programs can have; None where the system does not tell."""
    try:
        with open("/proc/meminfo") as file:
            rows = dict(line.split(":", 1) for line in file)
        return int(rows["MemAvailable"].split()[0]) / int(rows["MemTotal"].split()[0])
    except (OSError, KeyError, ValueError):
        return None
