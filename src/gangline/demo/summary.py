"""What a package holds: the sum of its modules; and all packages as a table."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from gangline.demo.measure import Measurement

_ROWS = 12


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """What all modules of one package hold together.

    Attributes:
        package: Its name.
        modules: How many there are.
        lines, functions, classes, complexity: Sums over its modules.
        worst: Its most complex function with the module's name before it; "" if there is none.
        worst_complexity: That function's complexity.
        imports: Top-level names of what its modules import, without its own.
        unreadable: Module and reason for each file that is not valid Python.
    """

    package: str
    modules: int
    lines: int
    functions: int
    classes: int
    complexity: int
    worst: str
    worst_complexity: int
    imports: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]


def summarize(package: str, measurements: Sequence[Measurement]) -> PackageSummary:
    """Sum up one package.

    Args:
        package: Its name.
        measurements: Its modules; at least one.
    """
    worst = max(measurements, key=lambda m: m.worst_complexity)
    return PackageSummary(
        package,
        modules=len(measurements),
        lines=sum(m.lines for m in measurements),
        functions=sum(m.functions for m in measurements),
        classes=sum(m.classes for m in measurements),
        complexity=sum(m.complexity for m in measurements),
        worst=f"{worst.module}.{worst.worst}" if worst.worst else "",
        worst_complexity=worst.worst_complexity,
        imports=tuple(sorted({name for m in measurements for name in m.imports} - {package})),
        unreadable=tuple((m.module, m.error) for m in measurements if m.error),
    )


def total(summaries: Sequence[PackageSummary]) -> dict[str, int]:
    """The sums over packages, by name: modules, lines, functions, classes, complexity."""
    counts = ("modules", "lines", "functions", "classes", "complexity")
    return {count: sum(getattr(summary, count) for summary in summaries) for count in counts}


def table(summaries: Sequence[PackageSummary]) -> Table:
    """The largest packages, and all others as one row."""
    title = f"The standard library of Python {platform.python_version()}"
    shown = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    shown.add_column("package", no_wrap=True)
    for heading in ("modules", "lines", "functions", "ways each"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("most branched")
    ranked = sorted(summaries, key=lambda summary: -summary.lines)
    for summary in ranked[:_ROWS]:
        _add_row(shown, summary.package, [summary])
    if ranked[_ROWS:]:
        _add_row(shown, f"{len(ranked) - _ROWS} more", ranked[_ROWS:])
    shown.add_section()
    _add_row(shown, "all", ranked)
    return shown


def _add_row(shown: Table, name: str, summaries: Sequence[PackageSummary]) -> None:
    totals = total(summaries)
    worst = max(summaries, key=lambda summary: summary.worst_complexity)
    counts = [f"{totals[count]:,}" for count in ("modules", "lines", "functions")]
    mean = f"{totals['complexity'] / totals['functions']:.1f}" if totals["functions"] else ""
    most_branched = f"{worst.worst_complexity:3} {worst.worst.removeprefix(f'{name}.')}" if worst.worst else ""
    shown.add_row(name, *counts, mean, Text(most_branched, no_wrap=True, overflow="ellipsis"))
