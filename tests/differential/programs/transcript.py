"""What the programs here print with: one line per fact, without anything that differs from run to run."""

import contextlib
import os
import re
import tempfile
import time
from pathlib import Path

VOLATILE = [
    (re.compile(r"0x[0-9a-f]+"), "0x~"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4,}[-0-9a-f_]*"), "<id>"),
    (re.compile(r"\b[0-9a-f]{32}(_\d+)*\b"), "<id>"),
    (re.compile(r"ipyparallel(\.\w+)*\.(?=[A-Z])|gangline\.views(\.\w+)*\.(?=[A-Z])"), ""),
    (re.compile(re.escape(tempfile.gettempdir()) + r"/[\w./-]+"), "<tmp>"),
]


def plain(text):
    """The text with ids, addresses and temporary paths replaced."""
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return text


def show(label, value):
    """Print one fact."""
    print(f"{label}: {plain(repr(value))}", flush=True)


def say(label, text):
    """Print text as it would be printed."""
    print(f"{label}:\n{plain(str(text))}\n--", flush=True)


def expect(label, call, kind):
    """Print whether the call raises an error of this kind, and what else it does if not."""
    try:
        value = call()
    except kind:
        print(f"{label}: raises {kind.__name__}", flush=True)
    except BaseException as error:
        print(f"{label}: raises {type(error).__name__}, not {kind.__name__}: {plain(str(error))}", flush=True)
    else:
        show(f"{label}: does not raise but is", value)


def remote(label, call, *, anywhere=False):
    """Print what the remote error that the call raises says of itself; `anywhere`: on whatever engine."""
    try:
        value = call()
    except Exception as error:
        if hasattr(error, "elist"):
            _composite(label, error)
        elif hasattr(error, "ename"):
            text = re.sub(r"^\[\d+:", "[N:", str(error)) if anywhere else str(error)
            known = sorted({"engine_id", "engine_uuid", "method"} & set(error.engine_info or {}))
            show(label, ("remote", error.ename, error.evalue, known, text))
        else:
            show(label, ("local", type(error).__name__))
    else:
        show(f"{label}: does not raise but is", value)


def _composite(label, error):
    parts = [(ename, evalue, info.get("engine_id")) for ename, evalue, _, info in error.elist]
    show(label, ("composite", parts))
    say(f"{label} printed", error)


def types(mapping):
    """The keys of a mapping, sorted, with the types of their values."""
    return {key: type(mapping[key]).__name__ for key in sorted(mapping)}


def until(question, timeout_s=60.0):
    """Ask until the answer is yes; the deadline is there so that a broken answer fails and does not hang."""
    deadline = time.monotonic() + timeout_s
    while not question():
        if time.monotonic() > deadline:
            raise TimeoutError("the awaited condition did not come")
        time.sleep(0.01)


class Gate:
    """Holds tasks until it is opened; a file, so that it works in whatever process a task runs."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp())
        self.path = str(self.folder / "open")

    def open(self):
        """Let all held tasks go on."""
        Path(self.path).touch()

    def holder(self, value=None):
        """A function that waits for the gate and returns the value."""
        path = self.path

        def held(*_):
            import os
            import time

            with open(f"{path}.{os.getpid()}", "w"):
                pass
            deadline = time.monotonic() + 240
            while not os.path.exists(path) and time.monotonic() < deadline:
                time.sleep(0.01)
            return value

        return held

    def wait_for_started(self, count=1):
        """Wait until so many engines hold a task."""
        until(lambda: len([name for name in os.listdir(self.folder) if name != "open"]) >= count)


@contextlib.contextmanager
def written(text, suffix=".py"):
    """The name of a file with this text."""
    handle, name = tempfile.mkstemp(suffix=suffix)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    try:
        yield name
    finally:
        os.unlink(name)
