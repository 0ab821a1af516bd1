"""Which names mean this host, so that no connection is needed."""

from __future__ import annotations

import os
import socket

__all__ = ["is_this_host"]

_ALWAYS = frozenset({"", "localhost", "127.0.0.1", "::1"})


def is_this_host(name: str) -> bool:
    """Whether a host's name means this host."""
    own, name = os.uname().nodename.lower(), name.lower()
    if name in _ALWAYS:
        return True
    short = own.partition(".")[0]
    if name in (own, short):
        return bool(own)
    # Another domain may have a host of the same short name; only then is it worth asking for the full one.
    return name.partition(".")[0] == short and name == socket.getfqdn().lower()
