from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gangline.recipes.segfaults import catch_segfaults, log_process_output
from gangline.recipes.utilities import catch_segfaults as by_its_old_name

LOGGER = logging.getLogger("tool")
CRASHES = "import os, pathlib, signal, sys; p = pathlib.Path('runs'); n = len(p.read_text()) if p.exists() else 0; "
CRASHES += "p.write_text('x' * (n + 1)); print('run', n + 1, flush=True); "
CRASHES += "n < int(sys.argv[1]) and os.kill(os.getpid(), signal.SIGSEGV); sys.exit(int(sys.argv[2]))"


def crashing(times: int, status: int = 0) -> list[str]:
    """A program that is ended by SIGSEGV so often, and then ends with that status."""
    return [sys.executable, "-c", CRASHES, str(times), str(status)]


def said(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def test_what_ends_well_is_run_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        process = catch_segfaults(crashing(0), tmp_path, None, LOGGER)
    assert process.returncode == 0
    assert said(caplog) == [f"{os.path.basename(sys.executable)} stdout: run 1"]


def test_what_crashes_is_run_again_after_a_clean_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cleaned = []
    with caplog.at_level(logging.INFO):
        process = catch_segfaults(
            crashing(2),
            str(tmp_path),
            None,
            LOGGER,
            max=2,
            cleanup=lambda: cleaned.append((tmp_path / "runs").read_text()),
        )
    assert process.returncode == 0
    assert cleaned == ["x", "xx"]
    assert len([line for line in said(caplog) if "stdout: run" in line]) == 3
    assert len([line for line in said(caplog, logging.ERROR) if line.endswith("ended with a segmentation fault")]) == 2


def test_what_crashes_too_often_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cleaned: list[int] = []
    with pytest.raises(subprocess.CalledProcessError, match="SIGSEGV"):
        by_its_old_name(crashing(9), tmp_path, None, LOGGER, 3, lambda: cleaned.append(1))
    assert (tmp_path / "runs").read_text() == "xxxx"
    assert cleaned == [1, 1, 1]
    assert "giving up" in said(caplog, logging.ERROR)[-1]


def test_it_may_not_be_run_again_at_all(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        catch_segfaults(crashing(1), tmp_path, None, LOGGER, max=0)
    assert (tmp_path / "runs").read_text() == "x"


def test_the_139_of_a_shell_is_a_crash(tmp_path: Path) -> None:
    script = "printf x >> runs; if [ $(wc -c < runs) -lt 2 ]; then exit 139; fi"
    assert catch_segfaults(["sh", "-c", script], tmp_path, None, LOGGER).returncode == 0
    assert (tmp_path / "runs").read_text() == "xx"


def test_another_failure_is_not_tried_again(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        catch_segfaults(
            ["sh", "-c", "printf x >> runs; echo one >&2; echo two >&2; exit 7"], tmp_path, None, LOGGER, max=5
        )
    assert caught.value.returncode == 7
    assert caught.value.stderr == "one\ntwo"
    assert (tmp_path / "runs").read_text() == "x"


def test_a_command_may_be_one_text_and_has_the_environment_it_is_given(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        catch_segfaults("/bin/sh -c 'echo \"$FIELD\"; echo oh >&2'", tmp_path, {"FIELD": "3C196"}, LOGGER)
    assert [(record.levelname, record.getMessage()) for record in sorted(caplog.records, key=lambda r: r.levelno)] == [
        ("INFO", "sh stdout: 3C196"),
        ("WARNING", "sh stderr: oh"),
    ]


def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        catch_segfaults(["no-such-tool"], tmp_path, None, LOGGER)


def test_who_holds_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    catch_segfaults(["sh", "-c", "sleep 1000 & echo $! > pid"], tmp_path, None, LOGGER)
    os.kill(int((tmp_path / "pid").read_text()), 9)


@pytest.mark.parametrize("text", ["one\n\n  \ntwo\n", b"one\r\ntwo"])
def test_output_is_logged_line_by_line(text: str | bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        log_process_output("awimager", text, None, LOGGER)
        log_process_output("awimager", "", text, LOGGER)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "awimager stdout: one"),
        ("INFO", "awimager stdout: two"),
        ("WARNING", "awimager stderr: one"),
        ("WARNING", "awimager stderr: two"),
    ]
