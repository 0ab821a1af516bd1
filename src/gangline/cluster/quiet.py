"""Dask as the processes of a cluster have it: no web pages, and nothing that runs all the time to watch itself."""

from __future__ import annotations

import logging

import dask

__all__ = ["settle"]

_TCP_TIMEOUT_MIN_S = 12.0
"""Dask takes no less."""


def settle(keepalive_s: float) -> None:
    """Set Dask up in this process.

    Args:
        keepalive_s: After how much silence the other end of a connection is taken for lost.
    """
    logging.getLogger("distributed").setLevel(logging.WARNING)
    dask.config.set({
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.comm.timeouts.tcp": f"{max(keepalive_s, _TCP_TIMEOUT_MIN_S):.0f}s",
        # No task runs in a worker itself: these would tell nothing, and an idle engine is to cost nothing.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "2s",
        "distributed.admin.system-monitor.gil.enabled": False,
    })  # fmt: skip
