from __future__ import annotations

import os
import threading

from gangline.remote import keepalive


class Pinged:
    ping_interval_s = 0.05

    def __init__(self) -> None:
        self.come = threading.Event()

    def ping(self, now: float) -> None:
        self.come.set()


def test_a_fork_pings_what_it_has_connected_itself() -> None:
    ours = Pinged()
    keepalive.watch(ours)
    try:
        assert ours.come.wait(30)
        child = os.fork()
        if child == 0:
            theirs = Pinged()
            keepalive.watch(theirs)
            os._exit(0 if theirs.come.wait(30) else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        keepalive.unwatch(ours)
