"""How the agent comes to a host: as text over its own standard input. Nothing is installed there."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources

__all__ = ["BOOT", "blob"]

BOOT = "import sys;b=sys.stdin.buffer;exec(b.read(int(b.readline())))"
"""What the host's Python is started with. No quotes, no newline, so that every login shell hands it over as it is."""

_PACKAGE = "gangline.remote.agent"
_MODULES = ("wire", "loop", "outgoing", "spawn", "guard", "strays", "job", "logport", "main")
"""In the order in which they import each other."""

_UNPACK = """
import sys
if sys.version_info < (3, 7):
    sys.exit("Python %d.%d is too old here: 3.7 is needed" % sys.version_info[:2])
import json, types
carried = json.loads(b.read(int(b.readline())).decode("utf-8"))
for name in carried["packages"]:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = []
for name, source in carried["modules"]:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, "<" + name + ">", "exec"), module.__dict__)
sys.modules[carried["main"]].main(**carried["options"])
"""


def blob(options: Mapping[str, object]) -> bytes:
    """What goes to the standard input of a Python that was started with `BOOT`.

    Args:
        options: The arguments of the agent's `main`.
    """
    carried = json.dumps(
        {
            "packages": ["gangline", "gangline.remote", _PACKAGE],
            "modules": _sources(),
            "main": f"{_PACKAGE}.main",
            "options": dict(options),
        }
    ).encode()
    unpack = _UNPACK.encode()
    return b"%d\n%s%d\n%s" % (len(unpack), unpack, len(carried), carried)


@functools.cache
def _sources() -> list[tuple[str, str]]:
    folder = resources.files(_PACKAGE)
    return [(f"{_PACKAGE}.{name}", folder.joinpath(f"{name}.py").read_text("utf-8")) for name in _MODULES]
