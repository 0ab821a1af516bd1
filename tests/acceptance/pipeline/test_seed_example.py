"""The example of limits that are shared by stages, as its users write it, at the top level of a program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests import meeting

# `time.sleep` of the example is `meet` here: the first jobs wait until as many run at once as are allowed.
PROGRAM = """
from gangline.pipeline import *
from noting import meet

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
    meet("downloads", 3, output_file)
    open(output_file, "w")
    print("FTP Finished downloading %s" % input_file)

@jobs_limit(3, "ftp_download_limit")
@transform(make_files, suffix(".big_stage1"), ".stage2")
def stage1_big(input_file, output_file):
    print("FTP downloading %s" % input_file)
    meet("downloads", 3, output_file)
    open(output_file, "w")
    print("FTP Finished downloading %s" % input_file)

@jobs_limit(5)
@transform([stage1_small, stage1_big], suffix(".stage2"), ".stage3")
def stage2(input_file, output_file):
    print("Processing stage2 %s" % input_file)
    meet("others", 5, output_file)
    open(output_file, "w")
    print("Processing stage2 %s" % input_file)

pipeline_run(multiprocess = 10, verbose = 0)
"""

NOTING = """
import glob
import meeting

def meet(what, count, name):
    here = meeting.meet(what, count, name)
    with open(f"{what}.log", "a") as log:
        log.write(f"{here} {len(glob.glob('*.stage2'))}\\n")
"""


def test_no_more_than_the_limits_and_as_many_as_they_allow_run_at_once(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "noting.py").write_text(NOTING, encoding="utf-8")
    shutil.copy(meeting.__file__, tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.count("FTP downloading") == done.stdout.count("FTP Finished downloading") == 10
    assert (len(list(tmp_path.glob("*.stage2"))), len(list(tmp_path.glob("*.stage3")))) == (10, 10)
    for what, allowed in (("downloads", 3), ("others", 5)):
        told = [line.split() for line in (tmp_path / f"{what}.log").read_text().splitlines()]
        assert len(told) == 10
        assert max(int(here) for here, _ in told) == allowed
    assert {made for _, made in told} == {"10"}  # all downloads had ended when the others began
