"""A program that has commands run on hosts until it is ended. Run as: master.py HOST ..."""

from __future__ import annotations

import os
import sys

from gangline._runtime.session import Session
from gangline.backends.hosts import HostsBackend, resource_of, run_command
from gangline.messages import Terms
from gangline.remote import Command, ConnectionOptions

STUBBORN = "trap '' INT; sleep 1000 & echo begun; while :; do sleep 1000; done"


class Printing:
    """Tells that a command has begun."""

    def on_start(self) -> None:
        pass

    def on_line(self, stream: str, line: str) -> None:
        os.write(1, f"{line}\n".encode())  # at once: lines come on several threads

    def on_message(self, message: object) -> None:
        """There are none."""


def main(hosts: list[str]) -> None:
    backend = HostsBackend(ConnectionOptions(keepalive_s=60.0))
    session = Session(backend, engines=0)
    for host in hosts:
        backend.connect(host, 2)
    handles = [
        session.submit(
            run_command,
            (Command(("sh", "-c", STUBBORN)), Printing()),
            {},
            Terms(resources=((resource_of(host), 1.0),), patient=True),
        )
        for host in hosts
        for _ in range(2)
    ]
    session.wait(handles)


if __name__ == "__main__":
    main(sys.argv[1:])
