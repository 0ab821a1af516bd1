"""This host, as engines on it announce it."""

from __future__ import annotations

import contextlib
import functools
import os

from gangline.messages import EngineInfo

__all__ = ["core_count", "local_engine"]


def core_count() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


@functools.cache
def _offers() -> dict[str, float]:
    offers = {"cores": float(core_count())}
    with contextlib.suppress(ValueError, OSError):
        offers["memory_bytes"] = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return offers


def local_engine(uuid: str, pid: int) -> EngineInfo:
    """The announcement of an engine on this host; all of them share its cores and its memory."""
    host = os.uname().nodename
    return EngineInfo(uuid=uuid, host=host, pid=pid, pool=host, offers=_offers())
