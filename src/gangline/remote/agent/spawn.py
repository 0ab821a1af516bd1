"""Starting a job's process, in a session and process group of its own, and saying why it cannot be started."""

from __future__ import annotations

import errno
import os
import subprocess
from typing import Any


class NotStarted(Exception):
    """The command cannot be started.

    Attributes:
        kind: "not found", "not executable", "no such folder", "too long", "no resources" or "not startable".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def to_bytes(text: str) -> bytes:
    """Text as programs get it: the same bytes whatever the locale of this host."""
    return text.encode("utf-8", "surrogateescape")


def spawn(order: dict[str, Any], extra: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start what a RUN frame orders.

    Args:
        order: The frame's payload.
        extra: More variables for its environment.

    Raises:
        NotStarted: It cannot be started.
    """
    argv = [to_bytes(argument) for argument in order["argv"]]
    environment = build_environment(order, extra)
    folder = None if order["cwd"] is None else to_bytes(order["cwd"])
    try:
        return subprocess.Popen(
            argv,
            executable=find_program(argv[0], environment.get(b"PATH", os.defpath.encode()), folder),
            stdin=subprocess.PIPE if order["input"] else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    except OSError as exc:
        raise explained(exc, argv[0], folder) from exc


def build_environment(order: dict[str, Any], extra: dict[str, str]) -> dict[bytes, bytes]:
    """The host's variables with those of the order: null is one that is to be absent."""
    environment = dict(os.environb)
    for variables in (order["env"], extra):
        for name, value in variables.items():
            if value is None:
                environment.pop(to_bytes(name), None)
            else:
                environment[to_bytes(name)] = to_bytes(value)
    folders = [folder for folder in map(to_bytes, order["path"]) if os.path.isdir(folder)]
    if folders:
        environment[b"PATH"] = b":".join([*folders, environment.get(b"PATH", os.defpath.encode())])
    return environment


def find_program(name: bytes, path: bytes, folder: bytes | None) -> bytes:
    """The file to execute.

    Raises:
        NotStarted: There is none, or it may not be executed, or the folder to start in is not there.
    """
    if folder is not None and not os.path.isdir(folder):
        raise NotStarted("no such folder", f"there is no folder {os.fsdecode(folder)}")
    if b"/" in name:
        places = [name]
    else:
        places = [os.path.join(each or b".", name) for each in path.split(b":")]
    there: bytes | None = None
    for place in places:
        seen_from_here = os.path.join(folder, place) if folder is not None else place
        if not os.path.exists(seen_from_here):
            continue
        if os.path.isfile(seen_from_here) and os.access(seen_from_here, os.X_OK):
            return place
        there = there or place
    shown = os.fsdecode(name)
    if there is None:
        where = "" if b"/" in name else f" in the folders of PATH, {os.fsdecode(path)}"
        raise NotStarted("not found", f"there is no {shown}{where}")
    why = "it is a folder" if os.path.isdir(there) else "no permission to execute it"
    raise NotStarted("not executable", f"{os.fsdecode(there)} cannot be executed: {why}")


def explained(error: OSError, name: bytes, folder: bytes | None) -> NotStarted:
    """What it means that a process could not be started."""
    shown, why = os.fsdecode(name), os.strerror(error.errno or 0)
    if error.errno == errno.ENOENT:
        return NotStarted("not found", f"the interpreter that the first line of {shown} names is not there")
    if error.errno == errno.ENOEXEC:
        return NotStarted("not executable", f"{shown} is no program, and its first line names no interpreter")
    if error.errno == errno.EACCES:
        return NotStarted("not executable", f"{shown} cannot be executed: {why}")
    if error.errno == errno.E2BIG:
        return NotStarted("too long", f"the arguments and the environment of {shown} are too long")
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM):
        return NotStarted("no resources", f"no process can be started: {why}")
    return NotStarted("not startable", f"{shown} cannot be started: {why}")
