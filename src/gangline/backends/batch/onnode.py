"""What a job of a site's scheduler runs on its host: one command, and the record of how it began and ended.

Called as ``python onnode.py FOLDER NUMBER`` with no package around it, by whatever Python from 3.7 on the host
has. The folder holds for each job NUMBER.json (what to run) and maybe NUMBER.in; here are written NUMBER.out,
NUMBER.err, begun/NUMBER and ended/NUMBER, and of a node script NUMBER.messages. A record is there as a whole or not at
all. What takes in messages is beside this file, in an archive (see `carried`).
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from types import FrameType
from typing import Any

_FORWARDED = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
_TRIES = 5
_NOT_STARTED = 127
_KINDS = {
    "FileNotFoundError": "not found",
    "PermissionError": "not executable",
    "NotADirectoryError": "no such folder",
    "BlockingIOError": "no resources",
}


def _write(path: str, content: dict[str, Any]) -> bool:
    """Write a record; a full or slow file system is tried again. False if there is one already, which stays."""
    new = "%s.new-%s-%d" % (path, socket.gethostname(), os.getpid())  # noqa: UP031
    for left in range(_TRIES, 0, -1):
        try:
            with open(new, "w") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            os.link(new, path)
            os.unlink(new)
            return True
        except FileExistsError:
            os.unlink(new)
            return False
        except OSError as exc:
            if left == 1:
                print("gangline: the record of this job cannot be written: %s" % exc, file=sys.stderr)  # noqa: T201, UP031
            else:
                time.sleep(1)
    return True


def _environment(spec: dict[str, Any]) -> dict[str, str]:
    environment = dict(os.environ, GANGLINE_HOST=socket.gethostname())
    if spec["token"]:
        environment.update(GANGLINE_LOG_TOKEN=spec["token"], GANGLINE_LOG_LEVEL=str(spec["log_level"]))
    environment.update(spec["env"])
    folders = [folder for folder in spec["path"] if os.path.isdir(folder)]
    if folders:
        environment["PATH"] = os.pathsep.join([*folders, environment.get("PATH", os.defpath)])
    return environment


class _MessagesLost(Exception):
    """What a node script handed in could not be kept."""


class _Job:
    """One job of a folder."""

    def __init__(self, folder: str, number: str) -> None:
        self.base = os.path.join(folder, number)
        self.begun = os.path.join(folder, "begun", number)
        self.ended = os.path.join(folder, "ended", number)
        self.heard: list[str] = []
        self.child: subprocess.Popen[bytes] | None = None

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The scheduler wants it to end, or to save its work: so shall the command."""
        self.heard.append(signal.Signals(number).name)
        if self.child is not None and self.child.returncode is None:
            self.child.send_signal(number)

    def run(self) -> int:
        """Run the command and write both records; gives its exit code, or minus its signal."""
        with open(self.base + ".json") as file:
            spec = json.load(file)
        for name in _FORWARDED:
            signal.signal(getattr(signal, name), self.on_signal)
        me = {"host": socket.gethostname(), "pid": os.getpid(), "job": os.environ.get(spec["job_variable"], "")}
        begun_at = time.time()
        if not _write(self.begun, dict(me, at=begun_at)):
            return 0  # a scheduler that has crashed may run a job twice, under the same number
        ended: dict[str, Any] = dict(me, began_at=begun_at, exit_code=None, signal="")
        code = _NOT_STARTED
        try:
            code = self.wait(spec)
        except _MessagesLost as exc:  # nor could a record be written that says so
            print("gangline: what the job handed in cannot be written: %s" % exc, file=sys.stderr)  # noqa: T201, UP031
            return code
        except OSError as exc:
            kind, why = _KINDS.get(type(exc).__name__, "not startable"), str(exc)
            if spec["cwd"] and not os.path.isdir(spec["cwd"]):
                kind, why = "no such folder", "there is no folder %s" % spec["cwd"]  # noqa: UP031
            ended["not_started"] = [kind, why]
        if code < 0:
            ended["signal"] = _name(-code)
        else:
            ended["exit_code"] = code
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended.update(
            ended_at=time.time(),
            heard=self.heard,
            cpu_s=used.ru_utime + used.ru_stime,
            max_rss_bytes=used.ru_maxrss * 1024,
        )
        _write(self.ended, ended)
        return code

    def wait(self, spec: dict[str, Any]) -> int:
        """Run the command; it stays in the process group of the job, which the scheduler ends as a whole."""
        stdin = self.base + ".in" if spec["has_input"] else os.devnull
        argv = list(spec["argv"])
        messages = None
        if spec["logs"] is not None:
            sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "carried.zip"))
            from gangline.backends.batch.messages import Messages

            messages = Messages(self.base + ".messages", spec["token"])
            argv[spec["logs"] : spec["logs"]] = messages.address
        try:
            return self.converse(argv, stdin, spec)
        finally:
            trouble = "" if messages is None else messages.close()
            if trouble:
                raise _MessagesLost(trouble)

    def converse(self, argv: list[str], stdin: str, spec: dict[str, Any]) -> int:
        """Start the command, and wait for its end."""
        with open(stdin, "rb") as read, open(self.base + ".out", "wb") as out, open(self.base + ".err", "wb") as err:
            self.child = subprocess.Popen(
                argv,
                stdin=read,
                stdout=out,
                stderr=err,
                cwd=spec["cwd"] or None,
                env=_environment(spec),
            )
            if self.heard:  # while it was being started
                self.child.send_signal(getattr(signal, self.heard[-1]))
            return self.child.wait()


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number  # noqa: UP031


def main() -> None:
    """Run the job, and end as its command has ended, so that the scheduler's own books are right."""
    folder, number = sys.argv[1], sys.argv[2]
    code = _Job(folder, number if number.isdigit() else "1").run()
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
