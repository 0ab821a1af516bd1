"""Python's standard library, measured module by module, summed up package by package, and drawn.

Works in the current folder. Change or touch a file in `sources/`, run it again, and see what follows from it.
Another folder of Python sources may be named: `gangline run pipeline.py -- FOLDER`.
"""

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from gangline.demo import measure as measuring
from gangline.demo.sources import find_library
from gangline.pipeline import collate, formatter, merge, originate, pipeline_run, transform

LIBRARY = find_library(*sys.argv[1:])
SOURCES = {f"sources/{source.package}/{source.module}.py": source.path for source in LIBRARY.sources}


@originate(list(SOURCES))
def fetch(copy):
    """Copy each module of the standard library here."""
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    shutil.copyfile(SOURCES[copy], copy)


@transform(fetch, formatter(), "measured/{subdir[0][0]}/{basename[0]}.json", "{basename[0]}", "{subdir[0][0]}")
def measure(source, measurement, module, package):
    """Parse a module; count its lines, functions and classes, and how branched they are."""
    write(measurement, asdict(measuring.measure(module, package, Path(source).read_bytes())))


@collate(measure, formatter(), "packages/{subdir[0][0]}.json")
def gather(measurements, package):
    """Bring the modules of each package together."""
    write(package, [json.loads(Path(path).read_bytes()) for path in measurements])


@merge(gather, "stdlib.txt")
def tell(packages, path):
    """Sum up every package in a table."""
    from rich.console import Console

    from gangline.demo.summary import summarize, table

    summaries = [summarize(Path(package).stem, read(package)) for package in packages]
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(table(summaries))
    Path(path).write_text("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")


@merge(gather, "stdlib.svg")
def draw(packages, path):
    """Draw every module: as large as it is long, as red as it is branched."""
    from gangline.demo import picture

    picture.draw([module for package in packages for module in read(package)], Path(path))


def read(package):
    return [measuring.as_measurement(fields) for fields in json.loads(Path(package).read_bytes())]


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_text(json.dumps(content))


if __name__ == "__main__":
    pipeline_run(multiprocess=os.cpu_count())
