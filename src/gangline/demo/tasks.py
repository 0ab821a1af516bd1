"""The three kinds of task: measure a module, sum up a package, draw the whole.

They hand their results on as files in one folder, as tasks do whose data is larger than what one likes to send around.
Every file appears whole or not at all, so a task that was cut short by the death of its engine is simply run again.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gangline.demo.measure import Measurement, measure
from gangline.demo.sources import SINGLE_MODULES, Source


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


def measure_module(source: Source, folder: str) -> int:
    """Measure one module and leave the measurement in the folder.

    Returns:
        Its number of lines.
    """
    try:
        found = measure(source.module, source.package, Path(source.path).read_bytes())
    except OSError as exc:
        found = Measurement(source.module, source.package, error=f"{type(exc).__name__}: {exc}")
    _write_json(_measurement_path(folder, source.module), asdict(found))
    return found.lines


def summarize_package(package: str, modules: Sequence[str], folder: str) -> PackageSummary:
    """Sum up one package from what `measure_module` left for its modules."""
    measurements = read_measurements(modules, folder)
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


def draw_library(modules: Sequence[str], folder: str, picture: str) -> str:
    """Draw all modules as one picture.

    Returns:
        Where the picture is.
    """
    from gangline.demo.picture import draw_treemap  # the plotting library takes long to import; one task needs it

    measurements = read_measurements(modules, folder)
    worst = max(measurements, key=lambda m: m.worst_complexity)
    title = (
        f"The standard library of Python {platform.python_version()}: {len(measurements):,} modules, "
        f"{sum(m.lines for m in measurements):,} lines, {sum(m.functions for m in measurements):,} functions"
    )
    subtitle = (
        f"{len({m.package for m in measurements} - {SINGLE_MODULES}):,} packages · "
        f"{sum(m.classes for m in measurements):,} classes · "
        f"the most branched function is {worst.module}.{worst.worst}, with {worst.worst_complexity:,} ways through it"
    )
    draw_treemap(measurements, title, subtitle, Path(picture))
    return picture


def read_measurements(modules: Sequence[str], folder: str) -> list[Measurement]:
    """Read what `measure_module` left for these modules."""
    return [_measurement(json.loads(_measurement_path(folder, module).read_bytes())) for module in modules]


def _measurement(fields: dict[str, Any]) -> Measurement:
    return Measurement(**{**fields, "imports": tuple(fields["imports"])})


def _measurement_path(folder: str, module: str) -> Path:
    return Path(folder, f"{module}.json")


def _write_json(path: Path, content: object) -> None:
    handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        json.dump(content, file)
    os.replace(unfinished, path)
