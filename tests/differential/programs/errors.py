"""The errors: how they are related, what they say."""

import builtins
import inspect

import ipyparallel as ipp
from ipyparallel import error
from transcript import expect, say, show

NAMES = [
    "AlreadyDisplayedError",
    "CompositeError",
    "DependencyTimeout",
    "EngineError",
    "ImpossibleDependency",
    "InvalidDependency",
    "KernelError",
    "NoEnginesRegistered",
    "RemoteError",
    "TaskAborted",
    "UnmetDependency",
]


def family():
    for name in NAMES:
        kind = getattr(error, name)
        relatives = [other for other in NAMES if issubclass(kind, getattr(error, other)) and other != name]
        show(name, (sorted(relatives), issubclass(kind, Exception)))
        show(f"{name} at the top", getattr(ipp, name, None) is kind)
    show("TimeoutError", error.TimeoutError is builtins.TimeoutError)


def remote_error():
    one = error.RemoteError("ValueError", "bad value", "line 1\nline 2", {"engine_id": 3, "method": "apply"})
    show("repr", one)
    show("str", str(one))
    show("args", one.args)
    show("fields", (one.ename, one.evalue, one.traceback, one.engine_info))
    show("render_traceback", one.render_traceback())
    show("notebook", one._render_traceback_())
    one.print_traceback()
    bare = error.RemoteError("KeyError", "'k'", "")
    show("without an engine", (repr(bare), str(bare), bare.engine_info, bare.render_traceback()))


def composite_error():
    one = error.CompositeError(
        "several", [("E", "v", "tb", {"engine_id": 1, "method": "execute"}), ("F", "w", None, {})]
    )
    show("repr", one)
    say("str", one)
    show("fields", (one.msg, len(one.elist)))
    say("render", "\n".join(one.render_traceback()))
    show("displayed", (repr(error.AlreadyDisplayedError(one)), str(error.AlreadyDisplayedError(one))))


def collecting():
    bad = error.RemoteError("ValueError", "v", "tb", {"engine_id": 0, "method": "apply"})
    show("nothing to collect", error.collect_exceptions([1, 2], "f"))
    show("a dict", error.collect_exceptions({"a": 1}, "f"))
    expect("one", lambda: error.collect_exceptions([1, bad], "f"), error.CompositeError)
    try:
        error.collect_exceptions({0: bad, 1: bad}, "method")
    except error.CompositeError as found:
        say("collected", found)
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError:
        content = error.wrap_exception({"engine_id": 5, "method": "apply"})
    show("wrapped", (content["ename"], content["evalue"], content["status"], sorted(content)))
    show("unwrapped", repr(error.unwrap_exception(content)))


def messages():
    show("no engines", "wait_for_engines(n)" in str(error.NoEnginesRegistered()))
    show("unmet", str(error.UnmetDependency("x")))
    show("signature", list(inspect.signature(error.RemoteError).parameters))


for part in (family, remote_error, composite_error, collecting, messages):
    print(f"== {part.__name__}")
    part()
