"""Scripts for a batch system, and the files that come back."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from gangline.errors import UsageError
from gangline.pipeline.batch.script import job_name_for
from gangline.pipeline.batch.touching import touch_output_files
from gangline.pipeline.drmaa_wrapper import read_stdout_stderr_from_files, write_job_script_to_temp_file
from tests.unit.pipeline.batch.support import Log


def test_a_script_holds_what_was_asked_for(tmp_path):
    made = write_job_script_to_temp_file("echo done", str(tmp_path / "new/folder"), "my job", "-q\nall.q", None, None)
    script, stdout, stderr = made
    assert Path(script).read_text() == "#!/bin/sh\n#job_name=my job\n#job_other_options=-q all.q\necho done\n"
    assert Path(script).name.startswith("my_job_")
    assert (stdout, stderr) == (f"{script}.stdout", f"{script}.stderr")
    assert stat.S_IMODE(os.stat(script).st_mode) == 0o700


def test_a_script_without_a_name_has_one(tmp_path):
    script, _, _ = write_job_script_to_temp_file("true", str(tmp_path), None, None, None, None)
    assert Path(script).name.startswith("drmaa_script_")


def test_values_and_directories_reach_the_command_as_they_are(tmp_path):
    folder = tmp_path / 'it\'s $HOME; `x`\n"é"'
    folder.mkdir()
    values = {"A": "x='y' \"$HOME\" `ls`\\", "B": "two\nlines"}
    script, _, _ = write_job_script_to_temp_file("pwd; printenv A B", str(tmp_path), None, None, values, str(folder))
    shown = subprocess.run([script], capture_output=True, text=True, check=True).stdout
    assert shown == f"{folder}\n{values['A']}\n{values['B']}\n"


def test_a_directory_that_is_missing_ends_the_script(tmp_path):
    script, _, _ = write_job_script_to_temp_file("echo no", str(tmp_path), None, None, None, str(tmp_path / "none"))
    done = subprocess.run([script], capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stdout == ""


def test_a_variable_that_no_shell_can_set_is_refused(tmp_path):
    with pytest.raises(UsageError, match="'a-b' cannot be the name of a variable"):
        write_job_script_to_temp_file("true", str(tmp_path), None, None, {"a-b": "1"}, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "expected"), [("fine.job-1_x", "fine.job-1_x"), ("1st", "_1st"), ("a b/c:d@é", "a_b_c_d__"), ("-x", "_-x")]
)
def test_names_become_such_as_batch_systems_take(name, expected):
    assert job_name_for(name) == expected


def test_long_names_are_cut_and_missing_ones_made():
    assert len(job_name_for("x" * 1000)) == 200
    assert job_name_for(None).startswith("gangline_job_")
    assert job_name_for("").startswith("gangline_job_")


def test_output_is_read_and_removed(tmp_path):
    out, err = tmp_path / "out", tmp_path / "err"
    out.write_bytes(b"a\nb\xff\n")
    err.write_bytes(b"")
    assert read_stdout_stderr_from_files(str(out), str(err)) == (["a\n", "b\\xff\n"], [])
    assert list(tmp_path.iterdir()) == []


def test_output_that_is_missing_is_told_and_the_other_is_read(tmp_path):
    err, log = tmp_path / "err", Log()
    err.write_text("text")
    assert read_stdout_stderr_from_files(str(tmp_path / "out"), str(err), log, "my command", 0) == ([], ["text"])
    assert log.messages[0].startswith("could not open stdout: ")
    assert log.messages[0].endswith("for \nmy command")


def test_touching_makes_files_and_passes_over_the_rest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("old").write_text("kept")
    os.utime("old", (1, 1))
    touch_output_files("command", ["new", ("old", [5, None])])
    assert Path("old").read_text() == "kept"
    assert Path("old").stat().st_mtime > 1
    assert Path("new").exists()


def test_nothing_to_touch_is_told():
    log = Log()
    touch_output_files("my command", None, log)
    assert log.messages == ["No output files to 'touch' for command:\nmy command"]
