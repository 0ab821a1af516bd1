"""The places where this process's recipes have jobs run: one scheduler for all schedules that mean the same one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from gangline.recipes.hostssite import HostsSite
from gangline.remote.connection import ConnectionOptions

if TYPE_CHECKING:
    from gangline.recipes.batchoptions import BatchOptions
    from gangline.recipes.site import Site

__all__ = ["site_for"]


def site_for(options: ConnectionOptions | BatchOptions) -> Site:
    """The site of this process that is meant; it lasts as long as the process does.

    Raises:
        BackendError: There is no scheduler, or it cannot be used.
    """
    with _lock:
        site = _sites.get(options)
        if site is None or site.session.closed or not _usable(site):
            site = _sites[options] = _make(options)
        return site


def _make(options: ConnectionOptions | BatchOptions) -> Site:
    if isinstance(options, ConnectionOptions):
        return HostsSite(options)
    from gangline.recipes.batchsite import BatchSite  # what is about schedulers hardly any recipe needs

    return BatchSite(options)


def _usable(site: Site) -> bool:
    """Whether this process is the one that made it, not a fork."""
    try:
        site.session.check_usable()
    except ValueError:
        return False
    return True


_sites: dict[Any, Site] = {}
_lock = threading.Lock()
