"""Runs short programs of a case book, each in a process and a folder of its own, and prints what they told.

    python casebook.py MODULE CASES.py

A case book is a file of programs, each after a line `# === its title`. They know the names of `ruffus` and the words of
this module; `ruffus` in their import lines is replaced by MODULE.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

LIMIT_S = 60
OLD = 1_000_000_000
HEAD = """
import io, os, re, sys, time
import ruffus
from ruffus import *
from ruffus.combinatorics import *
from ruffus.ruffus_exceptions import *
"""

# What differs on purpose, or from run to run -------------------------------------------------------------------------

_DATE = re.compile(r"\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d\d")
_TIME = re.compile(r"\d\d:\d\d:\d\d\.\d+")
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_ROW_OF_TRACEBACK = re.compile(r'File ".*", line \d+')
_HINT = re.compile(r"is not known\. (The keywords|Did)|^Did you mean")
_MORE = r"(needed by stage|No stage of|Stage '.*' should)"
_ORIGIN = re.compile(rf"^ *{_MORE}")
_ORIGIN_IN_ROW = re.compile(rf"""\\n      {_MORE}.*?(?=\\n|\)"|\)'|$)""")
_INTERNAL = re.compile(
    r"   (Checksum use|fill_|job_parameter|Send params|Get next|Job History|_is_up|job errors|Fill queue|Last job)"
)
_INTERNAL_OF_JOBS = re.compile(r"    (fill_queue|incomplete tasks|All jobs|Needing update|job_par|Job Hist)")
_ENGINE = (">>>>>>>>>>>>>>>>>>>", "<<<<<<<<<<<<<<<<<", "wwwwwwwww")
_PLACE_OF_METHOD = re.compile(r"Makers\.|Settings\.(_decorator_)?|Task\._decorator_|Pipeline\.(?=\w+\(\) missing)")


def comparable(text: str, folder: str) -> str:
    """The text without the rows of tracebacks, internals, times, and what Gangline adds to errors."""
    for place in (folder, os.path.realpath(folder)):
        text = text.replace(place, "HERE")
    text = text.replace("gangline.pipeline", "ruffus")
    text = _ADDRESS.sub("ADDRESS", _TIME.sub("TIME", _DATE.sub("DATE", text)))
    return "\n".join(_comparable_lines(_PLACE_OF_METHOD.sub("", text).split("\n")))


def _comparable_lines(lines: list[str]) -> Iterator[str]:
    kept: list[str] = []
    row = False
    for line in lines:
        if row or line.strip().startswith(("^", "~", *_ENGINE)) or _HINT.search(line):
            row = False
            continue
        if _ROW_OF_TRACEBACK.search(line):
            row = True
            continue
        if _ORIGIN.match(line):
            if line.endswith(")' raised in ..."):
                kept[-1] += ")' raised in ..."
            continue
        kept.append(_ORIGIN_IN_ROW.sub("", line).rstrip())
    return iter(kept)


# The words of the programs -------------------------------------------------------------------------------------------


class Ear:
    """A logger that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def info(self, text: object, *args: object) -> None:
        self.heard.append(str(text))

    def debug(self, text: object, *args: object) -> None:
        self.heard.append(f"D {text}")

    def warning(self, text: object, *args: object) -> None:
        self.heard.append(f"W {text}")

    def error(self, text: object, *args: object) -> None:
        self.heard.append(f"E {text}")


def put(names: str | list[str], text: str = "") -> None:
    """Write files."""
    for name in [names] if isinstance(names, str) else names:
        Path(name).write_text(text, encoding="utf-8")


def get(name: str) -> str:
    """What is in a file."""
    return Path(name).read_text(encoding="utf-8")


def put_old(*names: str) -> None:
    """Write files of long ago."""
    for number, name in enumerate(names):
        put(name, name)
        os.utime(name, (OLD + number, OLD + number))


def show_error(error: BaseException) -> None:
    """Tell an exception: its class, the classes of Ruffus that it is, its text, the failures in it."""
    name = "Exception" if type(error).__name__ == "UsageError" else type(error).__name__
    bases = [base.__name__ for base in type(error).__mro__ if base.__name__.startswith("error_")]
    print("RAISED", name, bases[1:3])
    for row in getattr(error, "job_exceptions", ()):
        print("   ", list(row[:4]))
    print(str(error))


def attempt(call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Call a function and tell what it returned or raised."""
    try:
        result = call(*args, **named)
    except BaseException as error:
        show_error(error)
        return None
    print("OK", repr(result))
    return result


def _pipeline() -> ModuleType:
    return sys.modules[MODULE]


def run(*args: Any, **named: Any) -> None:
    """Run, and tell what was logged: jobs apart, since the order in which they end is nobody's promise."""
    ear = Ear()
    try:
        _pipeline().pipeline_run(*args, **{"logger": ear, "verbose": 1, **named})
    except BaseException as error:
        show_error(error)
    print("LOG")
    print("\n".join(text for text in ear.heard if not text.startswith("    ") and not _INTERNAL.match(text)))
    jobs = [text for text in ear.heard if text.startswith("    ") and not _INTERNAL_OF_JOBS.match(text)]
    print("\n".join(sorted(jobs)))


def printout(*args: Any, **named: Any) -> None:
    """Print what a run would do."""
    stream = io.StringIO()
    try:
        _pipeline().pipeline_printout(stream, *args, **named)
    except BaseException as error:
        show_error(error)
    print(stream.getvalue())


def tell_files() -> None:
    """Tell all files, and empty folders."""
    for folder, folders, names in sorted(os.walk(".")):
        if ".gangline" in folder:
            continue
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith((".db", ".sqlite")):
                print("FILE", os.path.join(folder, name), repr(Path(folder, name).read_text(errors="replace")))
        if not names and not folders and folder != ".":
            print("FOLDER", folder)


# Running them --------------------------------------------------------------------------------------------------------


def cases(path: Path) -> Iterator[tuple[str, str]]:
    """The titles and texts of the programs."""
    parts = re.split(r"^# === (.*)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return zip(parts[::2], parts[1::2], strict=True)


def moved(source: str, module: str) -> str:
    """The program with its import lines changed."""
    source = re.sub(r"^(\s*)from ruffus\b", rf"\1from {module}", source, flags=re.MULTILINE)
    source = re.sub(r"^(\s*)import ruffus\.(\w+) as", rf"\1import {module}.\2 as", source, flags=re.MULTILINE)
    return re.sub(r"^(\s*)import ruffus$", rf"\1import {module} as ruffus", source, flags=re.MULTILINE)


def told(source: str, title: str) -> str:
    """What a program tells."""
    with tempfile.TemporaryDirectory(prefix="case") as folder, tempfile.TemporaryFile("w+") as output:
        process = os.fork()
        if not process:
            _perform(source, title, folder, output.fileno())
        limit = time.monotonic() + LIMIT_S
        while not os.waitpid(process, os.WNOHANG)[0]:
            if time.monotonic() > limit:
                os.killpg(process, signal.SIGKILL)
                os.waitpid(process, 0)
                raise TimeoutError(f"{title!r} does not end")
            time.sleep(0.002)
        output.seek(0)
        return comparable(output.read(), folder)


def _perform(source: str, title: str, folder: str, output: int) -> None:
    """Be the program."""
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        os.dup2(output, 1)
        os.dup2(output, 2)
        try:
            exec(compile(source, f"<{title}>", "exec"), sys.modules["__main__"].__dict__)
        except BaseException as error:
            print("THE PROGRAM RAISED")
            show_error(error)
        tell_files()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


MODULE = ""

if __name__ == "__main__":
    MODULE = sys.argv[1]
    exec(compile(moved(HEAD, MODULE), "<head>", "exec"), globals())
    if MODULE == "ruffus":
        # Where a file is missing, Ruffus waits for it for 50 seconds.
        import ruffus.file_name_parameters

        ruffus.file_name_parameters.FILE_CHECK_SLEEP = 0
    for title, source in cases(Path(sys.argv[2])):
        print(f"=== {title}\n{told(moved(source, MODULE), title)}", flush=True)
