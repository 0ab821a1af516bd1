"""The three kinds of task: measure a module, sum up a package, draw the whole.

They hand their results on as files in one folder, as tasks do whose data is larger than what one likes to send around.
Every file appears whole or not at all, so a task that was cut short by the death of its engine is simply run again.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from gangline.demo.measure import Measurement, as_measurement, measure
from gangline.demo.sources import Source
from gangline.demo.summary import PackageSummary, summarize


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
    return summarize(package, read_measurements(modules, folder))


def draw_library(modules: Sequence[str], folder: str, picture: str) -> str:
    """Draw all modules as one picture.

    Returns:
        Where the picture is.
    """
    from gangline.demo.picture import draw  # the plotting library takes long to import; one task needs it

    draw(read_measurements(modules, folder), Path(picture))
    return picture


def read_measurements(modules: Sequence[str], folder: str) -> list[Measurement]:
    """Read what `measure_module` left for these modules."""
    return [as_measurement(json.loads(_measurement_path(folder, module).read_bytes())) for module in modules]


def _measurement_path(folder: str, module: str) -> Path:
    return Path(folder, f"{module}.json")


def _write_json(path: Path, content: object) -> None:
    handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        json.dump(content, file)
    os.replace(unfinished, path)
