"""Running a command so that what it writes belongs to the job that runs it."""

from __future__ import annotations

import codecs
import os
import selectors
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from gangline._engine import context
from gangline.pipeline.batch.inflight import started
from gangline.pipeline.batch.placement import placement

__all__ = ["run_command", "run_in_order"]

_PIECE_BYTES = 65536
_LOOK_S = 0.05
"""How often it is looked whether the command has ended, which only matters when it leaves others behind that write."""


def run_in_order(commands: Sequence[str]) -> None:
    """Run commands one after the other, up to the first that fails: where the job that runs them has its place.

    Raises:
        CalledProcessError: A command failed here.
        GanglineError: At a site's scheduler, where they are one job: what became of that.
    """
    where = placement()
    if where is None:
        for command in commands:
            run_command(command)
        return
    from gangline.pipeline.batch.site import run_at_site  # it is there already

    (first, *more) = commands
    text = " && ".join(f"sh -c {shlex.quote(command)}" for command in commands) if more else first
    ran = run_at_site(where, text)
    sys.stdout.write(ran.stdout)
    sys.stderr.write(ran.stderr)
    if ran.error is not None:
        raise ran.error


def run_command(command: str) -> None:
    """Run a command in a shell; what it writes goes to `sys.stdout` and `sys.stderr` at once, wherever they lead.

    Outside of jobs it writes to this process's own descriptors.

    Raises:
        CalledProcessError: It failed.
    """
    engine = context.current()
    if engine is None or engine.task is None:
        subprocess.run(command, shell=True, check=True)
        return
    with started(lambda: _Command(command)) as own:
        process = own.process
        try:
            _pass_on(process)
            process.wait()
        except BaseException:  # an interrupt
            own.end(force=True)
            raise
        finally:
            with process:  # closes its pipes, and waits for it
                pass
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


class _Command:
    """A command of a job, with all that it starts. It has nothing to read."""

    def __init__(self, command: str) -> None:
        # An engine process is ended together with its process group; elsewhere the command gets a group of its own, so
        # that it can be ended with all that it has started.
        self._own_group = context._process_context is None
        self.process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0 if self._own_group else None,
        )

    def end(self, *, force: bool) -> None:
        """See `inflight.Running`."""
        signum = signal.SIGKILL if force else signal.SIGTERM
        if self.process.returncode is not None:  # its number may be another's by now
            return
        with suppress(ProcessLookupError, PermissionError):
            if self._own_group:
                os.killpg(self.process.pid, signum)
            else:
                self.process.send_signal(signum)


def _pass_on(process: subprocess.Popen[bytes]) -> None:
    """Write on this thread, which is the job's, what the command writes, until it has ended."""
    with selectors.DefaultSelector() as selector:
        for pipe, name in ((process.stdout, "stdout"), (process.stderr, "stderr")):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, (name, codecs.getincrementaldecoder("utf-8")("replace")))
        while selector.get_map():
            ended = process.poll() is not None
            ready = selector.select(_LOOK_S)
            for key, _ in ready:
                name, decoder = key.data
                if not _pass_piece(key.fileobj, getattr(sys, name), decoder):  # type: ignore[arg-type]
                    selector.unregister(key.fileobj)
            if ended and not ready:
                return


def _pass_piece(pipe: IO[bytes], stream: IO[str], decoder: codecs.IncrementalDecoder) -> bool:
    """Pass on what is there; whether there may be more."""
    with suppress(BlockingIOError):
        data = os.read(pipe.fileno(), _PIECE_BYTES)
        text = decoder.decode(data, final=not data)
        if text:
            stream.write(text)
        return bool(data)
    return True
