"""The configuration: where it is found, what it says, what is wrong with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gangline.recipes.configuration import Configuration, ConfigurationError, find_file, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pipeline.cfg"


def test_without_a_file_there_are_defaults() -> None:
    config = Configuration(job_name="night")
    assert config.runtime_directory == os.getcwd()
    assert config.get("layout", "job_directory") == f"{os.getcwd()}/jobs/night"
    assert config.recipe_directories == config.task_files == []
    assert not config.has_option("remote", "max_per_node")
    assert config.text("remote", "ssh") == ""


def test_interpolation(file: Path) -> None:
    file.write_text(
        "[DEFAULT]\nlroot = /opt/lofar\nruntime_directory = %(lroot)s/run\nrecipe_directories = [%(lroot)s/r, own]\n"
        "task_files = tasks.cfg\n[layout]\njob_directory = %(runtime_directory)s/%(job_name)s/%(start_time)s\n"
        "[logging]\nformat = %(asctime)s %(message)s\n"
    )
    config = Configuration(str(file), job_name="50%", start_time="now")
    assert config.get("layout", "job_directory") == "/opt/lofar/run/50%/now"
    assert config.runtime_directory == "/opt/lofar/run"
    assert config.recipe_directories == ["/opt/lofar/r", str(file.parent / "own")]
    assert config.task_files == [str(file.parent / "tasks.cfg")]
    assert config.text("logging", "format") == "%(asctime)s %(message)s"
    assert config.get("logging", "format", raw=True) == "%(asctime)s %(message)s"
    assert config.warnings == []
    config.set_default("runtime_directory", "/else%where")
    assert config.get("layout", "job_directory") == "/else%where/50%/now"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[remote]\nmax_per_node = x\n", r"\[remote\] max_per_node is 'x', but must be a whole number, 0 or more"),
        ("[remote]\nmax_per_node = -1\n", "max_per_node is '-1'"),
        ("[remote]\nmax_per_node =\n", "max_per_node is ''"),
        ("[remote]\nkeepalive = 0\n", "keepalive is '0', but must be seconds, more than 0"),
        ("[remote]\nkeepalive = nan\n", "keepalive is 'nan'"),
        ("[DEFAULT]\nmax_per_node = x\n", r"\[DEFAULT\] max_per_node is 'x'"),
        ("[layout]\njob_directory = %(nowhere)s/x\n", "nowhere"),
        ("[layout]\njob_directory = 50%\n", "job_directory"),
        ("job = 1\n", "no section headers"),
        ("[a]\nb\n", "parsing errors"),
        ("[a]\nb=1\nb=2\n", "already exists"),
        ("[a]\n[a]\n", "already exists"),
    ],
)
def test_what_makes_no_sense(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said) as caught:
        Configuration(str(file))
    assert str(file) in str(caught.value)


def test_all_that_is_wrong_is_told(file: Path) -> None:
    file.write_text("[remote]\nmax_per_node = x\nkeepalive = y\n")
    with pytest.raises(ConfigurationError, match=r"2 values(?s:.*)max_per_node is 'x'(?s:.*)keepalive is 'y'"):
        Configuration(str(file))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        find_file(str(tmp_path / "none.cfg"))
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        Configuration(str(tmp_path))
    (tmp_path / "binary").write_bytes(b"[a]\nb = \xff\xfe\n")
    with pytest.raises(ConfigurationError, match="is no text"):
        Configuration(str(tmp_path / "binary"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[remot]\nx = 1\n", "there is no section [remot]; did you mean 'remote'?"),
        ("[remote]\nmaxpernode = 1\n", "section [remote] has no option 'maxpernode'; did you mean 'max_per_node'?"),
        ("[DEFAULT]\nruntime_dir = x\n", "section [DEFAULT] has no option 'runtime_dir'; did you mean 'runtime_directory'?"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_warned_of(file: Path, text: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text(text)
    with caplog.at_level(logging.WARNING):
        load(str(file))
    assert caplog.messages == [f"{file}: {said}"]


def test_where_it_is_found(tmp_path: Path) -> None:
    home, beside = tmp_path / "home", tmp_path / "beside"
    home.mkdir()
    beside.mkdir()
    program = beside / "program.py"
    program.write_text("from gangline.recipes.configuration import find_file; print(find_file())\n")

    def found() -> str:
        env = {**os.environ, "HOME": str(home)}
        return subprocess.run(
            [sys.executable, str(program)], env=env, capture_output=True, text=True, check=True, cwd=tmp_path
        ).stdout.strip()

    (tmp_path / "pipeline.cfg").touch()  # where one happens to stand is not looked at
    assert found() == "None"
    (home / ".pipeline.cfg").touch()
    assert found() == str(home / ".pipeline.cfg")
    (beside / "pipeline.cfg").touch()
    assert found() == str(beside / "pipeline.cfg")
