"""How long an import takes, beyond the interpreter's own start."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, bound, seconds

REPETITIONS = 10
ALLOWED = "50 ms, the limit"


def measure(statement: str, _size: int) -> Figure:
    """Seconds that the import adds to a Python program that does nothing."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = partial(subprocess.run, check=True, env=environment)
    bare, importing = [sys.executable, "-c", "pass"], [sys.executable, "-c", statement]
    start(importing)  # lets the interpreter keep the compiled modules, as after an installation
    without, with_import = [], []
    for _ in range(REPETITIONS):
        without.append(seconds(partial(start, bare)))
        with_import.append(seconds(partial(start, importing)))
    return Figure(min(with_import) - min(without))


SCENARIO = Scenario(
    name="import_time",
    title="import of the client, beyond the interpreter's own start",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure, "from gangline import Client"), 1, 1),
        bound(ALLOWED, 0.050),
        Contender("ProcessPoolExecutor", partial(measure, "from concurrent.futures import ProcessPoolExecutor"), 1, 1),
        Contender("loky", partial(measure, "import loky"), 1, 1),
        Contender("ipyparallel", partial(measure, "from ipyparallel import Client"), 1, 1),
        Contender("Dask", partial(measure, "from distributed import Client"), 1, 1),
    ),
    targets=(Target(ALLOWED, 1),),
    repetitions=2,
)
