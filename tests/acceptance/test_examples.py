"""The examples, run as their users would: from nothing, once more, and after a change of one input."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = ("bowtie2", "samtools", "bcftools")
IN_CI = os.environ.get("CI") == "true"


def run(pipeline: str, *arguments: str, cwd: Path) -> dict[str, Any]:
    """Run an example, and return its report."""
    command = [sys.executable, "-m", "gangline", "run", str(EXAMPLES / pipeline), "--output", "json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def done_by_stage(report: dict[str, Any]) -> dict[str, int]:
    return {stage["name"]: stage["done"] for stage in report["stages"] if stage["done"]}


def touch(path: Path) -> None:
    assert path.exists()
    path.touch()


def shorten(reads: Path, count: int) -> None:
    """Keep the first of the reads of a file, whose records have four lines each."""
    with gzip.open(reads, "rt") as file:
        kept = list(itertools.islice(file, 4 * count))
    assert len(kept) == 4 * count
    with gzip.open(reads, "wt") as file:
        file.writelines(kept)


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a part of the data of the example, and in CI also the programs that it needs."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    data = Path("/usr/share/doc/bowtie2/examples/reads").exists()
    if not (IN_CI and os.geteuid() == 0) and (missing or not data):
        pytest.skip(f"no aligner: apt install {' '.join(PROGRAMS)} bowtie2-examples")
    folder = tmp_path_factory.mktemp("variants")
    subprocess.run([EXAMPLES / "variants" / "prepare.sh", folder], check=True, timeout=250)
    for name, count in {"pairs_1": 3000, "pairs_2": 3000, "long": 1200}.items():
        shorten(folder / "data" / f"{name}.fq.gz", count)
    return folder


@pytest.fixture(scope="module")
def called(variants: Path) -> dict[str, Any]:
    """The report of the first run."""
    return run("variants/pipeline.py", cwd=variants)


@pytest.mark.timeout(600)
def test_variants_of_both_samples_are_found(called: dict[str, Any], variants: Path) -> None:
    assert called["outcome"] == "ok"
    with open(variants / "results" / "summary.tsv", newline="") as file:
        table = {row["sample"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert set(table) == {"long", "pairs"}
    for row in table.values():
        assert int(row["variants"]) > 50
        assert float(row["mean_depth"]) > 5
        assert float(row["covered_percent"]) > 99
        assert sum(int(row[f"{kind}s"]) for kind in ("substitution", "insertion", "deletion")) == int(row["variants"])


@pytest.mark.timeout(600)
def test_the_called_letters_differ_from_the_reference(called: dict[str, Any], variants: Path) -> None:
    genome = "".join((variants / "work" / "lambda.fa").read_text().splitlines()[1:])
    for sample in ("long", "pairs"):
        lines = (variants / "work" / f"{sample}.variants.tsv").read_text().splitlines()
        for position, ref, alt, quality, depth in csv.reader(lines, delimiter="\t"):
            assert genome[int(position) - 1 :].startswith(ref)
            assert ref != alt
            assert float(quality) >= 30
            assert int(depth) >= 5


@pytest.mark.timeout(600)
def test_the_picture_says_what_it_shows(called: dict[str, Any], variants: Path) -> None:
    root = ElementTree.parse(variants / "results" / "variants.svg").getroot()
    assert root.tag.endswith("svg")
    assert "position on the genome in thousand bases" in (variants / "results" / "variants.svg").read_text()


@pytest.mark.timeout(600)
def test_what_is_done_is_not_done_again_and_one_sample_leaves_the_other_alone(
    called: dict[str, Any], variants: Path
) -> None:
    assert not list(variants.glob("work/chunks/*.sam"))
    assert done_by_stage(run("variants/pipeline.py", cwd=variants)) == {}
    pairs = {path: path.stat().st_mtime_ns for path in variants.rglob("*pairs*")}
    long = {path: path.stat().st_mtime_ns for path in variants.rglob("*long*")}
    for path in (variants / "data").glob("pairs_*"):
        touch(path)
    done = done_by_stage(run("variants/pipeline.py", cwd=variants))
    assert not list(variants.glob("work/chunks/*.sam"))
    assert {path: path.stat().st_mtime_ns for path in variants.rglob("*long*")} == long
    assert all(path.stat().st_mtime_ns > before for path, before in pairs.items())
    assert {"lambda::split", "lambda::align_pairs", "lambda::call", "lambda::table", "lambda::picture"} <= set(done)
    assert not {"lambda::genome", "lambda::index", "lambda::align_long"} & set(done)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A few packages of the standard library."""
    root = tmp_path / "library"
    for package in ("json", "html", "logging"):
        source = Path(os.__file__).parent / package
        shutil.copytree(source, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(os.__file__).parent / "types.py", root)
    return root


def test_the_standard_library_is_measured_once(library: Path, tmp_path: Path) -> None:
    arguments, modules = ("--", str(library)), len(list(library.rglob("*.py")))
    first = run("stdlib/pipeline.py", *arguments, cwd=tmp_path)
    assert done_by_stage(first) == {"fetch": modules, "measure": modules, "gather": 4, "tell": 1, "draw": 1}
    assert "logging" in (tmp_path / "stdlib.txt").read_text()
    hints = ElementTree.parse(tmp_path / "stdlib.svg").iter("{http://www.w3.org/2000/svg}title")
    assert sum(1 for _ in hints) == modules
    assert done_by_stage(run("stdlib/pipeline.py", *arguments, cwd=tmp_path)) == {}
    touch(tmp_path / "sources" / "json" / "json.decoder.py")
    after = done_by_stage(run("stdlib/pipeline.py", *arguments, cwd=tmp_path))
    assert after == {"measure": 1, "gather": 1, "tell": 1, "draw": 1}
