"""The script that a batch system runs for a job, and the files that its output comes back in."""

from __future__ import annotations

import os
import re
import shlex
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gangline.errors import UsageError

__all__ = ["job_name_for", "read_stdout_stderr_from_files", "remove", "write_job_script_to_temp_file"]

_LONGEST_NAME = 200
_LOOK_S = 0.1
_TRY_S = 2.0
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def job_name_for(name: str | None) -> str:
    """A name that every batch system takes: letters, digits, dot, dash and underscore, and no digit first.

    Args:
        name: As the user would have it; None or an empty text make one from the time.

    Example:
        >>> job_name_for("2nd pass: chr/1")
        '_2nd_pass__chr_1'
    """
    if not name:
        return time.strftime("gangline_job_%Y_%m_%d_%H_%M_%S")
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", str(name))[:_LONGEST_NAME]
    return plain if plain[0].isalpha() else f"_{plain}"


def write_job_script_to_temp_file(
    cmd_str: str,
    job_script_directory: str,
    job_name: str | None,
    job_other_options: str | None,
    job_environment: Mapping[str, str] | None,
    working_directory: str | None,
) -> tuple[str, str, str]:
    """Write the command into a script of its own, with all that was asked for as comments.

    Args:
        cmd_str: The command, of any number of lines.
        job_script_directory: Where; it is made if it is missing.
        job_name: The beginning of the script's name.
        job_other_options: For the comments.
        job_environment: Variables that the script sets, whatever is in their values.
        working_directory: Where the script goes first.

    Returns:
        The absolute paths of the script and of the files for its standard output and standard error.

    Raises:
        UsageError: The name of a variable is none that a shell could set.
        OSError: The script cannot be written.
    """
    os.makedirs(job_script_directory, exist_ok=True)
    prefix = f"{job_name_for(job_name or 'drmaa_script_')}_{time.strftime('%Y_%m_%d_%H_%M_%S')}__"
    shown = {
        "job_name": job_name,
        "job_other_options": job_other_options,
        "job_environment": job_environment,
        "working_directory": working_directory,
    }
    lines = ["#!/bin/sh"]
    lines += [f"#{title}={_on_one_line(value)}" for title, value in shown.items() if value]
    lines += [_assignment(name, value) for name, value in (job_environment or {}).items()]
    if working_directory:
        lines.append(f"cd -- {shlex.quote(working_directory)} || exit")
    with tempfile.NamedTemporaryFile("w", prefix=prefix, dir=job_script_directory, delete=False) as script:
        script.write("\n".join([*lines, cmd_str, ""]))
    path = os.path.abspath(script.name)
    os.chmod(path, stat.S_IRWXU)
    return path, f"{path}.stdout", f"{path}.stderr"


def _on_one_line(value: object) -> str:
    return " ".join(str(value).splitlines())


def _assignment(name: str, value: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise UsageError(f"job_environment: {name!r} cannot be the name of a variable: letters, digits and _ only")
    return f"export {name}={shlex.quote(str(value))}"


def read_stdout_stderr_from_files(
    stdout_path: str, stderr_path: str, logger: Any = None, cmd_str: str = "", tries: int = 5
) -> tuple[list[str], list[str]]:
    """The lines of two files, which are then removed.

    Args:
        stdout_path: What a job wrote to standard output.
        stderr_path: What it wrote to standard error.
        logger: Is warned of files that are missing.
        cmd_str: The job's command, for the warning.
        tries: How often they are waited for, two seconds each time: a shared file system may be late to show them.
    """
    deadline = time.monotonic() + tries * _TRY_S
    while not (os.path.exists(stdout_path) and os.path.exists(stderr_path)) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    return _read("stdout", stdout_path, logger, cmd_str), _read("stderr", stderr_path, logger, cmd_str)


def _read(what: str, path: str, logger: Any, cmd_str: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as stream:
            lines = stream.readlines()
    except OSError as exc:
        if logger:
            message = f"could not open {what}: {exc} for \n{cmd_str}"
            logger.warning(message)
        return []
    remove(path)
    return lines


def remove(path: str) -> None:
    """Remove a file that may be gone already, or that may not be removed."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError:
        return
