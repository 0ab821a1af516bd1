"""Jobs that wait for each other, so that it is seen how many run at once. Programs of tests have it beside them."""

from __future__ import annotations

import os
import time

_SHARED_S = 0.1
"""How long a job stays after the meeting, so that one too many would be seen."""


def meet(what: str, count: int, name: str, limit_s: float = 60.0) -> int:
    """Wait until so many jobs run at once, if that has not been so before; gives how many there were at most.

    Args:
        what: Which meeting it is; each has its own marks in this folder.
        count: How many have to be there.
        name: The job's, different from those of all others.
        limit_s: Go on without the others after so many seconds.
    """

    def present() -> int:
        return sum(1 for each in os.listdir() if each.endswith(f".{what}"))

    with open(f"{name}.{what}", "w"):
        pass
    here, limit = present(), time.monotonic() + limit_s
    while not os.path.exists(f"{what} have met") and time.monotonic() < limit:
        if here >= count:
            with open(f"{what} have met", "w"):
                pass
        time.sleep(0.005)
        here = max(here, present())
    time.sleep(_SHARED_S)
    here = max(here, present())
    os.unlink(f"{name}.{what}")
    return here
