"""The example of limits that are shared by stages, as its users write it, at the top level of a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from gangline.pipeline import *
import time

# make list of 10 files
@split(None, "*stage1")
def make_files(input_files, output_files):
    for i in range(10):
        if i < 5:
            open("%d.small_stage1" % i, "w")
        else:
            open("%d.big_stage1" % i, "w")

@jobs_limit(3, "ftp_download_limit")
@transform(make_files, suffix(".small_stage1"), ".stage2")
def stage1_small(input_file, output_file):
    print("FTP downloading %s" % input_file)
    time.sleep(2)
    open(output_file, "w")
    print("FTP Finished downloading %s" % input_file)

@jobs_limit(3, "ftp_download_limit")
@transform(make_files, suffix(".big_stage1"), ".stage2")
def stage1_big(input_file, output_file):
    print("FTP downloading %s" % input_file)
    time.sleep(2)
    open(output_file, "w")
    print("FTP Finished downloading %s" % input_file)

@jobs_limit(5)
@transform([stage1_small, stage1_big], suffix(".stage2"), ".stage3")
def stage2(input_file, output_file):
    print("Processing stage2 %s" % input_file)
    time.sleep(2)
    open(output_file, "w")
    print("Processing stage2 %s" % input_file)

pipeline_run(multiprocess = 10, verbose = 0)
"""
SLEEP_S = 1.9  # a little less than they slept: the times of files are coarse


def most_at_once(ends: list[float]) -> int:
    """How many jobs that each took as long as they slept ran at once at most, by the times of what they made."""
    return max(sum(1 for other in ends if end - SLEEP_S < other <= end) for end in ends)


def ran(folder: Path) -> tuple[int, int]:
    """How many downloads and how many of the second stage ran at once at most."""
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "program.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.count("FTP downloading") == done.stdout.count("FTP Finished downloading") == 10
    downloaded = [path.stat().st_mtime for path in folder.glob("*.stage2")]
    processed = [path.stat().st_mtime for path in folder.glob("*.stage3")]
    assert (len(downloaded), len(processed)) == (10, 10)
    assert max(downloaded) < min(processed) - SLEEP_S
    return most_at_once(downloaded), most_at_once(processed)


def test_no_more_than_the_limits_and_as_many_as_they_allow_run_at_once(tmp_path: Path) -> None:
    for attempt in range(3):  # a machine that is busy may not start as many as are allowed in the time that they take
        downloads, others = ran(tmp_path / str(attempt))
        assert downloads <= 3
        assert others <= 5
        if (downloads, others) == (3, 5):
            return
    pytest.fail("never as many as are allowed")
