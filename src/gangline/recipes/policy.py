"""What is to happen when jobs of a schedule fail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gangline.errors import UsageError

__all__ = ["Policy", "Tolerance"]

Tolerance = int | float | Literal["none", "some"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What is to happen when jobs fail.

    Args:
        fail_fast: The first failure ends the others.
        tolerate: How many may fail without the whole having failed: "none"; "some": not all; an int: so many; a float
            between 0 and 1: this fraction.
        retries: How often a job that failed, or whose host was lost, is tried again.
        reconnect: How often a host that cannot be reached is tried again.
        reconnect_delay_s: Seconds before that, doubled from one time to the next.
        gang: The jobs start together or not at all, and the first failure ends all.

    Raises:
        UsageError: A value makes no sense.
    """

    fail_fast: bool = False
    tolerate: Tolerance = "none"
    retries: int = 0
    reconnect: int = 0
    reconnect_delay_s: float = 1.0
    gang: bool = False

    def __post_init__(self) -> None:
        for name in ("retries", "reconnect"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 0:
                raise UsageError(f"{name} must be a whole number, 0 or more, not {value!r}")
        if not (self.reconnect_delay_s >= 0 and math.isfinite(self.reconnect_delay_s)):
            raise UsageError(f"reconnect_delay_s must be seconds, 0 or more, not {self.reconnect_delay_s!r}")
        tolerate = self.tolerate
        if isinstance(tolerate, str):
            valid = tolerate in ("none", "some")
        elif isinstance(tolerate, bool) or not isinstance(tolerate, (int, float)):
            valid = False
        else:
            valid = tolerate >= 0 if isinstance(tolerate, int) else 0 <= tolerate <= 1
        if not valid:
            raise UsageError(
                "tolerate must be 'none', 'some', a number of jobs, or a fraction between 0.0 and 1.0, "
                f"not {tolerate!r}"
            )
        if self.gang and self.retries:
            raise UsageError("the jobs of a gang cannot be tried again one by one: leave out retries, or gang")

    def tolerates(self, failed: int, total: int) -> bool:
        """Whether so many failures are within what was allowed."""
        if not failed:
            return True
        if self.tolerate == "some":
            return failed < total
        if isinstance(self.tolerate, str):
            return False
        if isinstance(self.tolerate, int):
            return failed <= self.tolerate
        return failed <= self.tolerate * total
