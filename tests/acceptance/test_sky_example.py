"""The example of recipes: on this host under three names, on hosts behind SSH, with what is new and what is broken."""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gangline.recipes import DataMap
from tests.hosts import Hosts

EXAMPLE = Path(__file__).parents[2] / "examples" / "sky"
SOURCES = {"crab-1951": 14, "crab-infrared": 10, "ey-uma": 73, "g10-radio": 13, "sa110": 1, "w51-radio": 5}
PULSAR = (83.63308, 22.01446)
"""Where the Crab's pulsar is: right ascension and declination in degrees."""

pytestmark = pytest.mark.timeout(600)  # two packages are installed, and a third one is loaded down for its images


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the environment and the images."""
    folder = tmp_path_factory.mktemp("sky")
    subprocess.run([sys.executable, EXAMPLE / "prepare.py", folder], check=True, timeout=500)
    return folder


def run(place: Path, *arguments: str, **environment: str) -> str:
    """Run the pipeline, and return what it logs."""
    done = subprocess.run(
        [place / "venv" / "bin" / "python", EXAMPLE / "sky.py", "--verbose", *arguments],
        cwd=place, env=os.environ | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def table(place: Path, results: str = "results") -> list[dict[str, str]]:
    with open(place / results / "sources.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def log(place: Path) -> str:
    """The log of the first run."""
    return run(place)


def test_all_sources_are_in_the_catalogue(log: str, place: Path) -> None:
    assert Counter(row["image"] for row in table(place)) == SOURCES
    assert {row["host"] for row in table(place)} == {"localhost", "127.0.0.1", "::1"}
    for image, count in SOURCES.items():
        assert any(f"{image}.fits" in line and f": {count} sources" in line for line in log.splitlines())
    assert "node.::1.measure" in log


def test_a_source_is_where_it_is_in_the_sky(log: str, place: Path) -> None:
    """And the right way round, in the right unit."""
    pulsar = [
        row for row in table(place)
        if math.hypot(
            (float(row["ra"]) - PULSAR[0]) * math.cos(math.radians(PULSAR[1])), float(row["dec"]) - PULSAR[1]
        ) * 3600 < 0.5
    ]  # fmt: skip
    assert [row["image"] for row in pulsar] == ["crab-infrared"]


def test_the_picture_shows_what_was_measured_where(log: str, place: Path) -> None:
    assert ElementTree.parse(place / "results" / "sources.svg").getroot().tag.endswith("svg")
    assert "crab-infrared: 10 on 127.0.0.1" in (place / "results" / "sources.svg").read_text()


def test_what_is_done_is_not_done_again_and_a_changed_image_is_measured_alone(log: str, place: Path) -> None:
    again = run(place)
    assert "task measure is done: skipped" in again
    assert "task combine is done: skipped" in again
    image = place / "images" / "sa110.fits"
    image.write_bytes(image.read_bytes() + b"\0")
    changed = run(place)
    assert "sa110.fits has changed" in changed
    assert "5 jobs had been done before" in changed
    assert len([line for line in changed.splitlines() if "sources" in line and "node." in line]) == 1
    assert Counter(row["image"] for row in table(place)) == SOURCES


def test_a_file_that_is_no_image_is_left_out(log: str, place: Path) -> None:
    broken = place / "images" / "x-broken.fits"
    broken.write_text("no image")
    try:
        told = run(place)
    finally:
        broken.unlink()
    assert "run raised OSError" in told
    assert "1 of 7 jobs failed, which is tolerated" in told
    assert f"{broken} is left out" in told
    assert [each.file for each in DataMap.load(place / "results" / "catalogues.map") if each.skip] == [
        str(place / "results" / "catalogues" / "x-broken.csv")
    ]
    assert Counter(row["image"] for row in table(place)) == SOURCES


def test_hosts_behind_ssh_measure_the_same(log: str, place: Path, hosts: Hosts) -> None:
    (place / "lab.hosts").write_text("".join(f"{name} slots=2\n" for name in hosts.names))
    told = run(
        place, "--hosts", "lab.hosts", "--results", "elsewhere", "--runtime-directory", str(place / "elsewhere"),
        GANGLINE_SSH_CONFIG=str(hosts.config),
    )  # fmt: skip
    there = table(place, "elsewhere")
    assert Counter(row["host"] for row in there) == {
        hosts.names[0]: SOURCES["crab-1951"] + SOURCES["g10-radio"],
        hosts.names[1]: SOURCES["crab-infrared"] + SOURCES["sa110"],
        hosts.names[2]: SOURCES["ey-uma"] + SOURCES["w51-radio"],
    }
    assert [{**row, "host": ""} for row in there] == [{**row, "host": ""} for row in table(place)]
    assert f"node.{hosts.names[0]}.measure: crab-1951.fits" in told
