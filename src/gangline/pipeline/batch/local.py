"""Commands that run on this machine."""

from __future__ import annotations

import codecs
import io
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from gangline._engine import context
from gangline.pipeline.batch.ending import Ending, ending_of_return_code
from gangline.pipeline.batch.errors import error_drmaa_job
from gangline.pipeline.batch.inflight import started

__all__ = ["run_job_locally"]

_TICK_S = 0.25
"""How long a thread waits at most before it looks whether it has been interrupted."""
_GRACE_S = 0.5
_LOOK_S = 0.01
_CHUNK_BYTES = 65536


class _Lines:
    """Takes bytes and keeps lines of text; what is no UTF-8 is shown as escapes.

    Args:
        echo: Where lines are shown as they come.
    """

    def __init__(self, echo: TextIO | None) -> None:
        self.lines: list[str] = []
        self._echo = echo
        self._begun: list[str] = []  # the pieces of a line that has not ended yet
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)

    def feed(self, data: bytes) -> None:
        """Take the next bytes; none at all mean the end."""
        *ended, rest = self._decoder.decode(data, final=not data).split("\n")
        lines = [f"{line}\n" for line in ended]
        if lines:
            lines[0] = "".join(self._begun) + lines[0]
            self._begun.clear()
        self._begun.append(rest)
        if not data and (last := "".join(self._begun)):
            lines.append(last)
        self.lines += lines
        if self._echo is not None and lines:
            self._echo.write("".join(lines))
            self._echo.flush()


class _Command:
    """A shell command as a child process, with everything that it starts."""

    def __init__(self, cmd_str: str, environment: Mapping[str, str] | None, directory: str | None) -> None:
        # An engine process is ended together with its process group; elsewhere the command gets a group of its own,
        # so that it can be ended with all that it has started.
        self._own_group = context._process_context is None
        self.process = subprocess.Popen(
            cmd_str,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=directory,
            env=environment,
            process_group=0 if self._own_group else None,
        )

    def collect(self, stdout: _Lines, stderr: _Lines) -> None:
        """Take in what it writes, until it and all that inherited its output have ended."""
        process = self.process
        assert process.stdout is not None and process.stderr is not None  # noqa: PT018
        with process.stdout, process.stderr, selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, stdout)
            selector.register(process.stderr, selectors.EVENT_READ, stderr)
            while selector.get_map():
                for key, _ in selector.select(_TICK_S):
                    data = os.read(key.fd, _CHUNK_BYTES)
                    if not data:
                        selector.unregister(key.fileobj)
                    key.data.feed(data)

    def wait(self) -> Ending:
        """Wait for its end."""
        while True:
            try:
                return ending_of_return_code(self.process.wait(_TICK_S))
            except subprocess.TimeoutExpired:
                continue

    def end(self, *, force: bool) -> None:
        """See `inflight.Running`."""
        signum = signal.SIGKILL if force else signal.SIGTERM
        if self.process.returncode is not None:  # its number may be another's by now
            return
        try:
            if self._own_group:
                os.killpg(self.process.pid, signum)
            else:
                self.process.send_signal(signum)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group that has ended
            return

    def give_up(self) -> None:
        """End it because whoever waits for it has been interrupted."""
        self.end(force=False)
        deadline = time.monotonic() + _GRACE_S
        while not self._has_ended() and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        self.end(force=True)  # also for what the command has started and what has not heard the first call
        self.process.wait()

    def _has_ended(self) -> bool:
        """Whether it has ended; it is not reaped, so that its group keeps its number."""
        if self.process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def run_job_locally(
    cmd_str: str,
    job_environment: Mapping[str, str] | None = None,
    working_directory: str | None = None,
    local_echo: bool = False,
) -> tuple[list[str], list[str]]:
    """The lines that a shell command has written to standard output and standard error.

    Args:
        cmd_str: The command. It has nothing to read on its standard input.
        job_environment: All environment variables that the command sees; None: those of this process.
        working_directory: Where it runs; None: here.
        local_echo: Show the lines here too, as they come.

    Raises:
        error_drmaa_job: It ended with another exit code than 0, or by a signal.
        OSError: The working directory does not exist, or no process can be started.
    """
    stdout, stderr = (_Lines(stream if local_echo else None) for stream in (sys.stdout, sys.stderr))
    ending = _run(lambda: _Command(cmd_str, job_environment, working_directory), stdout, stderr)
    if ending.failed:
        raise error_drmaa_job(
            f"The locally run command {ending.in_words()}:\n"
            f"The original command was:\n{cmd_str}\n"
            f"The stderr was: \n{''.join(stderr.lines)}\n\n"
            f"The stdout was: \n{''.join(stdout.lines)}\n\n",
            exit_code=ending.exit_code,
            signal=ending.signal,
            stdout=stdout.lines,
            stderr=stderr.lines,
        )
    return stdout.lines, stderr.lines


def _run(start: Callable[[], _Command], stdout: _Lines, stderr: _Lines) -> Ending:
    with started(start) as command:
        try:
            command.collect(stdout, stderr)
            return command.wait()
        except BaseException:  # whatever interrupts the wait, Ctrl-C above all
            command.give_up()
            raise
