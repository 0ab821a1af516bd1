"""The tables of the page, made of the numbers that were measured and simulated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.scale.grid import ENGINES, LENGTHS_S, MOST_ENGINES

_ROOT = Path(__file__).resolve().parents[2]
PAGE = _ROOT / "docs" / "scale.md"
FIGURE = _ROOT / "docs" / "scale.svg"
NUMBERS = _ROOT / "benchmarks" / "results" / "scale.json"

Numbers = Mapping[str, Any]

_TASK_COSTS = (
    ("an item of `map`, which puts tiny ones together by itself", "item_s"),
    ("a tiny task of its own (`map` with `chunksize=1`)", "tiny_s"),
    ("a tiny task of `apply_async`", "call_s"),
    ("a tiny task that is `after` three others", "graph_s"),
    ("a task of more than 5 ms, when there is little else to do", "lone_s"),
    ("a task of more than 5 ms, when many report at once", "rush_s"),
)


_WHERE = {"processes": "local engines", "dask": "engines of a Dask cluster"}


def fill(text: str, numbers: Numbers) -> str:
    """The page with its tables as the numbers are; they stand between comments that name them."""
    for name, lines in tables(numbers).items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, lines=lines: match[1] + "\n".join(lines) + "\n" + match[2], text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"the page has {count} places for the table {name!r}")
    return text


def tables(numbers: Numbers) -> dict[str, list[str]]:
    """The tables by name, line by line."""
    return {
        "machine": [_machine(numbers["machine"])],
        "busy": _busy(numbers),
        "costs of tasks": _costs_of_tasks(numbers["costs"]),
        "costs of engines": _costs_of_engines(numbers["costs"]),
        "other costs": _other_costs(numbers["costs"]),
        "grid": _grid(numbers["grid"]),
        "results": _results(numbers["results"]),
        "checks": _checks(numbers["checks"]),
    }


def _machine(machine: Numbers) -> str:
    return f"Measured on {machine['cores']} cores, {machine['system']}, Python {machine['python'].rpartition('.')[0]}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    marks = ["---"] + ["---:"] * (len(head) - 1)
    return [f"| {' | '.join(row)} |" for row in (head, marks, *rows)]


def _busy(numbers: Numbers) -> list[str]:
    found = {(row["kind"], row["task_s"]): row["engines"] for row in numbers["busy"]}
    of_one = {(row["kind"], row["task_s"]): row["efficiency"] for row in numbers["grid"] if row["engines"] == 1}
    rows = []
    for task_s in LENGTHS_S:
        row = [duration(task_s)]
        for kind in ENGINES:
            engines = found[kind, task_s]
            if engines == 0:
                row.append(f"none: one is for {of_one[kind, task_s]:.0%}")
            else:
                row.append(f"more than {rough(engines)}" if engines >= MOST_ENGINES else rough(engines))
        rows.append(row)
    return _table(("a task takes", "local engines", "engines of a Dask cluster"), rows)


def _costs_of_tasks(costs: Numbers) -> list[str]:
    rows = [(what, *(duration(costs[kind][key]) for kind in ENGINES)) for what, key in _TASK_COSTS]
    rows.append(("*a round trip, as time that passes*", *(duration(costs[kind]["round_trip_s"]) for kind in ENGINES)))
    rows.append(("a megabyte of arguments", *(duration(costs[kind]["sent_byte_s"] * 1e6) for kind in ENGINES)))
    rows.append(("a megabyte of results", *(duration(costs[kind]["received_byte_s"] * 1e6) for kind in ENGINES)))
    return _table(("the client's processor time for", "local engines", "Dask cluster, TLS"), rows)


def _costs_of_engines(costs: Numbers) -> list[str]:
    local, dask = costs["processes_per_engine"], costs["dask_per_engine"]

    def both(key: str, write: Any) -> tuple[str, str]:
        return write(local[key]), write(dask[key])

    rows = [
        ("memory in the client", *both("engine_memory_bytes", size)),
        ("file descriptors in the client", *both("engine_descriptors", lambda number: f"{number:.0f}")),
        ("the client's processor time until it has joined", *both("engine_join_cpu_s", duration)),
        ("the client's processor time for each idle second", *both("engine_idle_share", duration)),
        ("the scheduler's, for heartbeats", "none", duration(dask["engine_scheduler_share"])),
    ]
    return _table(("one more engine", "local engines", "Dask cluster, TLS"), rows)


def _other_costs(costs: Numbers) -> list[str]:
    waiting, batch = costs["waiting"], costs["batch"]
    rows = [
        ("memory for a small task that waits", size(waiting["waiting_task_bytes"])),
        ("memory for one that has ended and is remembered (the last 16,384 are)", size(waiting["ended_task_bytes"])),
        ("the client's processor time for a job of Slurm, of 100 submitted together", duration(batch["job_s"])),
        ("that of the commands that it has run for it (`sbatch`, `squeue`)", duration(batch["job_commands_s"])),
    ]
    return _table(("what", "cost"), rows)


def _grid(grid: Sequence[Numbers]) -> list[str]:
    rows = []
    counts = ENGINES["dask"]
    found = {(row["task_s"], row["engines"]): row for row in grid if row["kind"] == "dask"}
    for task_s in LENGTHS_S:
        cells = (found[task_s, engines] for engines in counts)
        rows.append((duration(task_s), *(f"{rough(cell['tasks_per_s'])} ({cell['efficiency']:.0%})" for cell in cells)))
    return _table(("a task takes", *(f"{engines:,} engine{'s' * (engines > 1)}" for engines in counts)), rows)


def _results(results: Sequence[Numbers]) -> list[str]:
    rows = [
        (size(row["result_bytes"]), rough(row["tasks_per_s"]), f"{row['efficiency']:.0%}", f"{row['client_share']:.0%}")
        for row in results
    ]
    return _table(("each result has", "tasks/s", "engines at work", "client at work"), rows)


def _checks(checks: Sequence[Numbers]) -> list[str]:
    rows = [
        (
            f"{row['engines']} {_WHERE[row['kind']]}, tasks of {duration(row['task_s'])}",
            f"{rough(row['real_tasks_per_s'])} / {rough(row['simulated_tasks_per_s'])}",
            f"{duration(row['real_client_s'])} / {duration(row['simulated_client_s'])}",
        )
        for row in checks
    ]
    return _table(("engines that wait", "tasks/s, real / simulated", "client per task, real / simulated"), rows)


def rough(number: float) -> str:
    """With two digits that count."""
    if number < 9.95:
        return f"{number:.2g}"
    digits = len(str(round(number))) - 2
    return f"{round(number / 10**digits) * 10**digits:,}"


def duration(seconds: float) -> str:
    """With two digits that count, and a unit that suits them."""
    for unit, length in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.995 * length:
            return f"{rough(seconds / length)} {unit}"
    return f"{seconds * 1e6:.1f} µs" if seconds >= 5e-8 else "none"


def size(count: float) -> str:
    """Bytes with two digits that count."""
    for unit, length in (("MB", 1e6), ("kB", 1e3)):
        if count >= 0.995 * length:
            return f"{rough(count / length)} {unit}"
    return f"{rough(count)} bytes"
