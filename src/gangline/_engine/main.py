"""An engine process: ``gangline._engine.main.main()`` in a clean interpreter, started by the `processes` backend.

Its arguments are the descriptors of its inbox, outbox, cell and lifeline. Everything else comes in the first packet.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from typing import Any

from gangline._engine import display
from gangline._engine.capture import Capture, install_streams
from gangline._engine.cell import NO_TASK, TASK, WANTED, Cell
from gangline._engine.context import EngineContext, set_process_context
from gangline._engine.server import Server
from gangline._engine.watchdog import Watchdog
from gangline._engine.wire import HELLO, SETUP, Receiver, encode, send_packet

__all__ = ["main"]

_OOM_SCORE = "500"
"""When memory runs out the kernel shall end an engine, not its client."""
_F_SETSIG = 10


def main() -> None:
    """Be an engine until the client says that it is over, or is gone."""
    inbox_fd, outbox_fd, cell_fd, lifeline_fd = (int(argument) for argument in sys.argv[1:5])
    sys.argv[:] = [""]
    for descriptor in (inbox_fd, outbox_fd, cell_fd, lifeline_fd):
        os.set_inheritable(descriptor, False)
    inbox, outbox = socket.socket(fileno=inbox_fd), socket.socket(fileno=outbox_fd)
    setup = Receiver(inbox, private=True, on_release=lambda key: None).receive()
    if setup is None or setup[0] != SETUP:
        return
    options: dict[str, Any] = setup[1]
    _settle_in(options, lifeline_fd)
    context = EngineContext({}, options["engine_id"], options["uuid"])
    set_process_context(context)
    cell = Cell(cell_fd)
    os.close(cell_fd)
    server = Server(inbox, outbox, cell, context)
    signal.signal(signal.SIGINT, _interrupter(context, cell.words))
    watchdog = Watchdog(server, options["parent"])
    server.on_busy = watchdog.on_busy
    watchdog.start()
    send_packet(outbox, encode((HELLO, os.getpid())), server.pool)
    _prepare_for_tasks(context, options)
    try:
        server.serve()
    finally:
        context.close()


def _settle_in(options: dict[str, Any], lifeline: int) -> None:
    """Take over the client's directory and paths, and be bound to its life."""
    if options["path"] is not None:
        sys.path[:] = options["path"]
    try:
        os.chdir(options["directory"])
    except OSError:
        print(f"gangline: cannot change to {options['directory']}; tasks run in {os.getcwd()}", file=sys.stderr)  # noqa: T201
    _bind_to_parent(lifeline)
    if os.getppid() != options["parent"]:
        sys.exit("the client has ended")
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(_OOM_SCORE)
    except OSError:
        pass  # not Linux, or not allowed to
    if options["memory_limit_bytes"] is not None:
        _limit_memory(options["memory_limit_bytes"])


def _bind_to_parent(lifeline: int) -> None:
    """Have the kernel end this process group when the client closes the other end of the lifeline or dies.

    This works even while a task holds the interpreter lock, when the watchdog cannot run.
    """
    if sys.platform == "linux":
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgid(0))
        fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _limit_memory(limit_bytes: int) -> None:
    import resource

    for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS):
        try:
            resource.setrlimit(kind, (limit_bytes, limit_bytes))
        except (OSError, ValueError):
            continue
        return


def _interrupter(context: EngineContext, words: memoryview) -> Any:
    def on_sigint(signum: int, frame: Any) -> None:
        if context.interruptible and words[TASK] == words[WANTED] != NO_TASK:
            words[WANTED] = NO_TASK
            raise KeyboardInterrupt

    return on_sigint


def _prepare_for_tasks(context: EngineContext, options: dict[str, Any]) -> None:
    """What the first task will need; after the announcement, so that the client need not wait for it."""
    import faulthandler

    from gangline._engine.logs import capture_logs

    def route() -> Capture | None:
        return context.capture if context.task is not None else None

    faulthandler.enable(file=2, all_threads=False)
    install_streams(route)
    capture_logs(route, options["log_level"])
    display.install()
