"""A call of a Python function as the program of a job: it reads the call from a file and writes its outcome to one."""

from __future__ import annotations

import os
import sys
from typing import Any

from gangline._engine import display, serialize
from gangline._engine.capture import Capture
from gangline._engine.context import EngineContext, set_process_context
from gangline._engine.execute import ERROR, OK, UNMET, failure_of, run_task
from gangline._engine.failures import pack_failure, unpack_failure
from gangline._engine.logs import capture_logs, replay
from gangline.errors import ResultUnreadable
from gangline.messages import Failure, Status, TaskId

__all__ = ["BOOT", "main", "pack_call", "read_outcome"]

BOOT = """import json, sys
with open(sys.argv[1]) as file: sys.path[:] = json.load(file)
from gangline.backends.batch.call import main; main()"""
"""How an interpreter gets the modules that the caller has found: `sys.path` is in a file."""

_STATUS = {OK: Status.OK, ERROR: Status.ERROR, UNMET: Status.UNMET}


def pack_call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """A call as it travels.

    Raises:
        Exception: Something in it cannot be pickled.
    """
    return serialize.dumps((function, args, kwargs))


def main() -> None:
    """Make the call of the file that is named second, and write its outcome to the one named third."""
    _, call, outcome, engine, uuid, log_level = sys.argv[1:]
    sys.argv[:] = [""]
    context = EngineContext({}, int(engine), uuid)
    set_process_context(context)
    display.install()
    capture_logs(lambda: context.capture if context.task is not None else None, int(log_level))
    with open(call, "rb") as file:
        data = file.read()
    status, value = _make_call(context, data)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(f"{outcome}.new", "wb") as file:
        file.write(_pack(status, value, context.capture))
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{outcome}.new", outcome)
    context.close()


def _make_call(context: EngineContext, data: bytes) -> tuple[int, Any]:
    try:
        function, args, kwargs = serialize.loads(data)
    except BaseException as error:  # the user's own classes and modules
        return ERROR, failure_of(error)
    return run_task(context, TaskId(0), function, args, kwargs)


def _pack(status: int, value: Any, capture: Capture) -> bytes:
    extras = capture.take()
    if status == OK:
        try:
            return serialize.dumps((OK, serialize.dumps(value), extras))
        except BaseException as why:  # the value's own code
            text = f"the result, a {type(value).__name__}, cannot be pickled: {type(why).__name__}: {why}"
            status, value = ERROR, failure_of(ResultUnreadable(text))
    return serialize.dumps((status, pack_failure(value), extras))


def read_outcome(path: str) -> tuple[Status, Any, dict[str, Any]]:
    """What `main` has written: the status, the result or a `Failure`, and what was published beside it.

    Raises:
        OSError: There is none.
    """
    with open(path, "rb") as file:
        code, packed, extras = serialize.loads(file.read())
    replay(extras.get("logs", ()))
    if code != OK:
        return _STATUS[code], unpack_failure(packed), extras
    try:
        return Status.OK, serialize.loads(packed), extras
    except BaseException as why:  # the result's class
        error = ResultUnreadable(f"the result arrived, but cannot be unpickled here: {type(why).__name__}: {why}")
        return Status.ERROR, Failure(error, "ResultUnreadable", str(error), str(error)), extras
