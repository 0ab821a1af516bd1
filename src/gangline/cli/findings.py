"""What `gangline doctor` looks at: the machine, engines on each backend, the site's scheduler, the extras."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from gangline.backends.batch.detect import find_configured, find_system
from gangline.errors import GanglineError
from gangline.views import Client

_SHARED_MEMORY = Path("/dev/shm")
_CONTROL_GROUP = Path("/sys/fs/cgroup")
_SCARCE_BYTES = 256 * 2**20
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,.-]+\])?[^;]*;\s*extra\s*==\s*['\"](?P<extra>[\w-]+)['\"]")

_SCHEDULER = "batch system"
_NO_SCHEDULER = 'only backend="batch" and clusters of jobs need one'


class State(StrEnum):
    """How something was found."""

    OK = "ok"
    ABSENT = "absent"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What it is.
        state: Whether it is there and works.
        detail: What was found, in a line.
        advice: What to do about it; "" if nothing.
    """

    subject: str
    state: State
    detail: str
    advice: str = ""


def examine_machine() -> Iterator[Finding]:
    """Look at the interpreter, the cores, the memory and the places for temporary data."""
    yield Finding("gangline", State.OK, metadata.version("gangline"))
    yield Finding(
        "python", State.OK, f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    )
    yield Finding("cores", State.OK, _describe_cores())
    yield Finding("memory", State.OK, _describe_memory())
    yield _examine_folder("shared memory", _SHARED_MEMORY, "large arrays travel through it; without it they are slow")
    yield _examine_folder("temporary files", Path(tempfile.gettempdir()), "set TMPDIR to a folder with room")


def _describe_cores() -> str:
    usable, present = len(os.sched_getaffinity(0)), os.cpu_count() or 1
    detail = f"{usable}" if usable == present else f"{usable} of the {present} present"
    quota, _, period = (_read_limit("cpu.max") or "max").partition(" ")
    return detail if quota == "max" else f"{detail}, limited to the time of {int(quota) / int(period):g}"


def _describe_memory() -> str:
    page = os.sysconf("SC_PAGE_SIZE")
    total, unused = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    limit = _read_limit("memory.max") or "max"
    detail = f"{_gigabytes(total)}, {_gigabytes(unused)} unused"
    return detail if limit == "max" else f"{detail}, limited to {_gigabytes(int(limit))}"


def _read_limit(name: str) -> str | None:
    """A limit that a container sets (cgroup v2); None outside of one."""
    try:
        return (_CONTROL_GROUP / name).read_text().strip()
    except OSError:
        return None


def _examine_folder(subject: str, folder: Path, advice: str) -> Finding:
    if not os.access(folder, os.W_OK):
        return Finding(subject, State.BROKEN, f"{folder} is missing or cannot be written to", advice)
    free = shutil.disk_usage(folder).free
    detail = f"{folder}, {_gigabytes(free)} free"
    return Finding(subject, State.OK, detail, advice if free < _SCARCE_BYTES else "")


def examine_engines(timeout_s: float) -> Iterator[Finding]:
    """Start an engine on each backend that needs nothing else, and run a task on it.

    Args:
        timeout_s: How long to wait for each task's answer.
    """
    for backend in ("inline", "threads", "processes"):
        yield _examine_backend(backend, timeout_s)


def _examine_backend(backend: str, timeout_s: float) -> Finding:
    subject = f"engines: {backend}"
    began = time.monotonic()
    try:
        with Client(backend=backend, n=1) as client:
            view = client.load_balanced_view()
            view.apply_async(os.getpid).get(timeout=timeout_s)
            started = time.monotonic()
            view.apply_async(os.getpid).get(timeout=timeout_s)
            answered = time.monotonic()
    except Exception as exc:  # whatever is wrong with this backend is what was asked for
        return Finding(subject, State.BROKEN, f"{type(exc).__name__}: {exc}")
    starting, trip = started - began, answered - started
    return Finding(
        subject, State.OK, f"one started in {starting:.2f} s; a task and its answer took {trip * 1e3:.2f} ms"
    )


def examine_scheduler(timeout_s: float) -> Iterator[Finding]:
    """Find the site's scheduler, and ask it something.

    One that is not there, or of which there are only the commands, is no failure; one that has a configuration here
    and does not answer is.

    Args:
        timeout_s: How long to wait for its answer.
    """
    answers: list[Finding] = []
    asking = threading.Thread(target=lambda: answers.append(_ask_scheduler()), name="gangline-doctor", daemon=True)
    asking.start()
    asking.join(timeout_s)
    yield answers[0] if answers else _no_scheduler(f"no answer in {timeout_s:g} s")


def _ask_scheduler() -> Finding:
    try:
        system = find_system()
    except GanglineError as exc:
        return _no_scheduler(str(exc))
    began = time.monotonic()
    try:
        system.look(["1"])
    except GanglineError as exc:
        return _no_scheduler(str(exc))
    finally:
        system.close()
    detail = f"{system.name}; it answered in {time.monotonic() - began:.2f} s"
    return Finding(_SCHEDULER, State.OK, detail)


def _no_scheduler(why: str) -> Finding:
    configured = find_configured(os.environ)
    if not configured:
        return Finding(_SCHEDULER, State.ABSENT, why, _NO_SCHEDULER)
    return Finding(_SCHEDULER, State.BROKEN, f"{' and '.join(configured)}, by the configuration: {why}")


def examine_extras() -> Iterator[Finding]:
    """Look at the optional dependencies, as the installed package declares them."""
    wanted: dict[str, list[str]] = {}
    for requirement in metadata.requires("gangline") or ():
        match = _REQUIREMENT.match(requirement)
        if match and match["name"] != "gangline":
            wanted.setdefault(match["extra"], []).append(match["name"])
    wanted.pop("all", None)
    for extra, names in sorted(wanted.items()):
        versions = {name: _find_version(name) for name in names}
        missing = [name for name, found in versions.items() if found is None]
        present = ", ".join(f"{name} {found}" for name, found in versions.items() if found is not None)
        if missing:
            advice = f"pip install 'gangline[{extra}]'"
            lacking = f"lacks {', '.join(missing)}" + (f"; has {present}" if present else "")
            yield Finding(f"extra: {extra}", State.ABSENT, lacking, advice)
        else:
            yield Finding(f"extra: {extra}", State.OK, present)


def _find_version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _gigabytes(amount: int) -> str:
    return f"{amount / 2**30:.1f} GiB"
