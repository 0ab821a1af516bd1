"""Many log records of several node scripts at once, into one file of the recipe."""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, bound

SCRIPT = Path(__file__).resolve().parent.parent / "recipes" / "talking.py"
LINES = 100_000
NODES = 10
RATE = "20,000 lines/s, the limit"
FLAT = "20 MB, the limit"
PAGE_BYTES = 4096.0
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def log_file() -> Iterator[Path]:
    """All that is logged goes into this file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        handler = logging.FileHandler(path)
        handler.setFormatter(logging.Formatter(FORMAT))
        logging.root.addHandler(handler)
        logging.root.setLevel(logging.INFO)
        try:
            yield path
        finally:
            logging.root.removeHandler(handler)
            handler.close()


def expected(node: int, count: int) -> list[str]:
    """The ends of a node's lines in the file."""
    return [f"baseline {number} of node n{node}: rms {number * 1e-3:.3f} Jy" for number in range(count)]


def check(path: Path, count: int) -> None:
    """See that every line of every node has arrived, in its order."""
    arrived: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        text = line.partition(": ")[2]
        arrived.setdefault(text.split()[4].rstrip(":"), []).append(text)
    for node in range(NODES):
        if arrived.get(f"n{node}") != expected(node, count):
            raise RuntimeError(f"not all lines of node {node} have arrived")


def talk(size: int) -> tuple[float, float]:
    """Seconds by line, and bytes by which the recipe's process has grown after its first lines."""
    from gangline.recipes import ComputeJob, RemoteCommandRecipeMixIn

    class Recipe(RemoteCommandRecipeMixIn):
        logger = logging.getLogger("recipe")

    recipe, each = Recipe(), size // NODES

    def run(count: int) -> None:
        command = [sys.executable, str(SCRIPT)]
        jobs = [ComputeJob("localhost", command, [f"n{node}", count]) for node in range(NODES)]
        recipe._schedule_jobs(jobs).raise_for_failures()

    with log_file():
        run(100)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with log_file() as path:
        begun = time.perf_counter()
        run(each)
        passed = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        check(path, each)
    return passed / size, (after - before) * 1024.0


def measure_recipe(size: int) -> Figure:
    """Seconds by line, from the start of the node scripts until the last line is in the file."""
    return Figure(talk(size)[0])


def measure_growth(size: int) -> Figure:
    """Bytes by which the recipe's process has grown while so many lines came in; one page at least."""
    return Figure(max(talk(size)[1], PAGE_BYTES))


def measure_local(size: int) -> Figure:
    """Seconds by line that one process logs into a file of its own."""
    with log_file() as path:
        loggers = [logging.getLogger(f"node.n{node}.talking") for node in range(NODES)]
        begun = time.perf_counter()
        for number in range(size // NODES):
            for node, logger in enumerate(loggers):
                logger.info("baseline %d of node n%d: rms %.3f Jy", number, node, number * 1e-3)
        passed = time.perf_counter() - begun
        check(path, size // NODES)
    return Figure(passed / size)


SPEED = Scenario(
    name="log_lines",
    title=f"{LINES:,} log lines of {NODES} node scripts at once, into one file of the recipe",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, measure_recipe, LINES, LINES),
        bound(RATE, 1 / 20_000),
        Contender("logging.FileHandler, one process", measure_local, LINES, LINES),
    ),
    targets=(Target(RATE, 1),),
    note="Cost by line, with the start of the node scripts. Each line is looked for in the file.",
)
MEMORY = Scenario(
    name="log_lines_memory",
    title=f"growth of the recipe's process while {LINES:,} log lines come in",
    unit=Unit.MEGABYTES,
    contenders=(Contender(GANGLINE, measure_growth, LINES, LINES), bound(FLAT, 20e6)),
    targets=(Target(FLAT, 1),),
    repetitions=1,
)
