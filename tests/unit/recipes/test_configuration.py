"""The configuration: where it is found, what it says, what is wrong with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from gangline.errors import UsageError
from gangline.recipes.configuration import Configuration, ConfigurationError, find_file, load
from gangline.recipes.surroundings import batch_options
from gangline.remote.resources import Resources


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
        ("[remote]\nmethod = bacth\n", "method is 'bacth', but must be batch, for jobs of a site's scheduler"),
        ("[remote]\nmethod = slurm\n", "method is 'slurm', but must be batch.*system says which one"),
        ("[remote]\nmethod = batch\ncores = 0\n", r"\[remote\] cores is '0', but must be a whole number, 1 or more"),
        ("[remote]\nmethod = batch\nmax_jobs = many\n", "max_jobs is 'many', but must be a whole number, 1 or more"),
        ("[remote]\nmethod = batch\nmemory = much\n", "memory is 'much', but must be a number of bytes, or a text"),
        ("[remote]\nmethod = batch\nwall_time = 0\n", "wall_time is '0', but must be seconds, or a text like 90 min"),
        ("[remote]\nmethod = batch\nsystem = slrum\n", "system is 'slrum', but must be slurm, sge or drmaa"),
        ("[remote]\nmethod = batch\noptions = it's\n", 'options is "it\'s", but must be options as they stand'),
        ("[remote]\nmethod = batch\nhost_options = -w\n", r"host_options is '-w', but must .*with \{host\} in them"),
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
        ("[remote]\nmethod = paramiko\nqueue = long\n", "[remote] queue has no meaning without method = batch"),
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


def test_jobs_of_a_site_s_scheduler(file: Path) -> None:
    """Names in DEFAULT are the user's own as long as no scheduler is meant."""
    file.write_text("[DEFAULT]\nsystem = lofar\ncores = all\n[remote]\nmethod = paramiko\n")
    config = Configuration(str(file))
    assert config.warnings == []
    assert batch_options(config) is None
    file.write_text("[DEFAULT]\nruntime_directory = /data\n[remote]\nmethod = Batch\n")
    options = batch_options(Configuration(str(file)))
    assert options is not None
    assert (options.system, options.folder, options.max_jobs) == (None, "/data/.gangline/batch", None)
    assert options.resources == Resources()
    file.write_text(
        "[DEFAULT]\nruntime_directory = /data\n[remote]\nmethod = batch\nsystem = SGE\nqueue = long\naccount = me\n"
        "cores = 4\nmemory = 2 GB\nwall_time = 3600\noptions = -l gpu=1 -N 'a b'\nhost_options = -l hostname={host}\n"
        "folder = jobs\nmax_jobs = 50\n"
    )
    config = Configuration(str(file))
    assert config.warnings == []
    options = batch_options(config)
    assert options is not None
    assert (options.system, options.folder, options.max_jobs) == ("sge", "/data/jobs", 50)
    words = ("-l", "gpu=1", "-N", "a b")
    assert options.resources == Resources(4, 2 * 10**9, 3600.0, "long", "me", (), words)
    assert options.resources_on("n1").over(options.resources).words == (*words, "-l", "hostname=n1")


def test_a_configuration_that_was_not_checked() -> None:
    config = ConfigParser()
    config.read_dict({"remote": {"method": "batch", "cores": "few"}})
    with pytest.raises(UsageError, match=r"\[remote\] cores of the configuration must be a whole number.*'few'"):
        batch_options(config)
