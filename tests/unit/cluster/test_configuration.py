"""Files that say which hosts a cluster has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gangline.cluster.adapting import Bounds
from gangline.cluster.configuration import ClusterConfiguration, configure, configured_file, read_configuration
from gangline.cluster.description import ClusterError
from gangline.cluster.launchers import JobShape
from gangline.errors import UsageError
from gangline.remote.resources import Resources


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GANGLINE_SSH_CONFIG", raising=False)
    return tmp_path


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_without_a_file_it_is_this_host() -> None:
    assert read_configuration() == ClusterConfiguration(hosts=(("localhost", None),))


def test_the_usual_file_is_taken(home: Path) -> None:
    written(home, ".pipeline.cfg", "[cluster]\nclusterdesc = ~/hosts.txt\n")
    written(home, "hosts.txt", "node001\nnode002\n")
    assert read_configuration().hosts == (("node001", None), ("node002", None))


def test_toml_with_everything(home: Path) -> None:
    file = written(
        home,
        "night.toml",
        """
        name = "night"
        engines = 4
        hosts = ["node001", {name = "node002", engines = 16}]
        min_engines = 10
        start_timeout = 90
        address = "10.0.0.1"
        python = "/opt/python"
        pythonpath = ["/opt/a", "/opt/b"]
        ssh = "/opt/ssh"
        ssh_config = "/opt/ssh_config"
        keepalive = 2.5
        """,
    )
    assert read_configuration(file) == ClusterConfiguration(
        name="night", hosts=(("node001", 4), ("node002", 16)), min_engines=10, start_timeout_s=90, address="10.0.0.1",
        python="/opt/python", pythonpath=("/opt/a", "/opt/b"), ssh="/opt/ssh", ssh_config="/opt/ssh_config",
        keepalive_s=2.5,
    )  # fmt: skip


def test_toml_with_a_description_beside_it(home: Path) -> None:
    written(home, "site.clusterdesc", "ClusterName = site\nCompute.Nodes = [node001..3]\n")
    file = written(home, "site.toml", 'hosts = "site.clusterdesc"\nengines = 2\n')
    assert read_configuration(file).hosts == (("node001", 2), ("node002", 2), ("node003", 2))


def test_engines_without_hosts_are_on_this_one(home: Path) -> None:
    assert read_configuration(written(home, "a.toml", "engines = 3\n")).hosts == (("localhost", 3),)


def test_pipeline_cfg(home: Path) -> None:
    written(home, "site.clusterdesc", "ClusterName = site\nCompute.Nodes = [node001..2]\n")
    file = written(
        home,
        "pipeline.cfg",
        "[DEFAULT]\nroot = /opt\n[cluster]\nclusterdesc = site.clusterdesc\n[deploy]\nengine_ppath = %(root)s/a:/b\n"
        "[layout]\njob_directory = %(runtime_directory)s/%(job_name)s\n"
        "[remote]\nssh_config = %(root)s/ssh_config\npython = python3\nkeepalive = 5\n",
    )
    assert read_configuration(file) == ClusterConfiguration(
        hosts=(("node001", None), ("node002", None)), pythonpath=("/opt/a", "/b"), ssh_config="/opt/ssh_config",
        python="python3", keepalive_s=5.0,
    )  # fmt: skip


def test_toml_with_jobs(home: Path) -> None:
    file = written(
        home,
        "night.toml",
        """
        name = "night"
        launcher = "slurm"
        jobs = 4
        engines = 2
        cores = 8
        memory = "16 GiB"
        wall_time = "2:00:00"
        queue = "long"
        account = "sky"
        options = { qos = "high", exclusive = true }
        setup = ["module load python"]
        folder = "/shared"
        """,
    )
    asked = Resources(8, 16 * 2**30, 7200.0, "long", "sky", (("qos", "high"), ("exclusive", None)))
    assert read_configuration(file) == ClusterConfiguration(
        name="night", hosts=(), start_timeout_s=600,
        jobs=JobShape("slurm", 4, 2, asked, ("module load python",), "/shared"),
    )  # fmt: skip


def test_toml_of_a_cluster_that_scales_by_itself(home: Path) -> None:
    text = "minimum = 2\nmaximum = 10\n"
    assert read_configuration(written(home, "a.toml", text)).bounds == Bounds(2, 10)
    text = 'launcher = "sge"\nmaximum = 10\nidle_timeout = 5\n'
    assert read_configuration(written(home, "a.toml", text)).bounds == Bounds(0, 10, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('launcher = "slrm"', "there is no launcher 'slrm'; did you mean 'slurm'?"),
        ('launcher = "slurm"\nmemori = "3 GB"', "there is no key 'memori'; did you mean 'memory'?"),
        ('launcher = "slurm"\nmemory = "3 quarks"', "memory must be a number of bytes or a text like '4 GB'"),
        ('launcher = "slurm"\nwall_time = "soon"', "wall_time must be a number of seconds or a text like"),
        ('launcher = "slurm"\noptions = "qos"', "options must be dict, not 'qos'"),
        ('launcher = "slurm"\nsetup = [1]', "setup must be a list of lines of shell, not [1]"),
        ('launcher = "slurm"\nhosts = ["a"]', "hosts is for a cluster of hosts"),
        ('launcher = "slurm"\njobs = 2\nmaximum = 3', "one of them is enough"),
        ('queue = "long"', "queue is for jobs of a site's scheduler: it needs a launcher, one of slurm, sge, pbs"),
        ("minimum = 2", "needs a maximum"),
        ("maximum = 0", "maximum must be 1 or more, not 0"),
        ('host = ["a"]', "there is no key 'host'; did you mean 'hosts'?"),
        ("xyz = 1", "there is no key 'xyz'; there are name, hosts"),
        ("engines = true", "engines must be int, not True"),
        ('engines = "2"', "engines must be int, not '2'"),
        ("engines = 0", "host localhost must have 1 engine or more, not 0"),
        ("hosts = []", "a cluster needs a host; the list is empty"),
        ('hosts = ["a", "a"]', "host a is in the cluster twice"),
        ('hosts = [{name = "a", engine = 2}]', "unknown key 'engine'; did you mean 'engines'?"),
        ('hosts = [{name = "a", engines = "2"}]', "host a: engines must be a whole number, not '2'"),
        ("hosts = [1]", "a host is a name, or"),
        ("min_engines = 0", "min_engines must be 1 or more, not 0"),
        ("start_timeout = -1", "start_timeout must be seconds, more than 0, not -1"),
        ("keepalive = 0.5", "keepalive"),
        ('name = "a b"', "a cluster cannot be called 'a b'"),
        ("pythonpath = [1]", "pythonpath must be a list of folders, not [1]"),
        ("hosts = [", "Invalid"),
        ('hosts = "absent"', "absent cannot be read"),
    ],
)
def test_files_that_make_no_sense_are_named_with_what_is_wrong(home: Path, text: str, message: str) -> None:
    file = written(home, "bad.toml", text)
    with pytest.raises(ClusterError) as raised:
        read_configuration(file)
    assert message in str(raised.value)
    assert str(file) in str(raised.value) or "absent" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no section", "File contains no section headers"),
        ("[remote]\nkeepalive = soon\n", "could not convert string to float"),
        ("[remote]\npython = %(absent)s\n", "absent"),
        ("[cluster]\nclusterdesc = absent.clusterdesc\n", "absent.clusterdesc cannot be read"),
        ("\xff", "File contains no section headers"),
    ],
)
def test_pipeline_files_that_make_no_sense(home: Path, text: str, message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        read_configuration(written(home, "pipeline.cfg", text))


def test_a_file_that_is_not_there_or_no_text(home: Path) -> None:
    with pytest.raises(ClusterError, match=r"absent.cfg cannot be read: No such file"):
        read_configuration(home / "absent.cfg")
    (home / "bytes.cfg").write_bytes(b"\xff\xfe")
    with pytest.raises(ClusterError, match=r"bytes\.cfg"):
        read_configuration(home / "bytes.cfg")


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "a/b"}, {"name": "a\n"}, {"hosts": ()}, {"min_engines": 0}, {"keepalive_s": 0}],
)
def test_values_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ClusterConfiguration(**wrong)


def test_so_many_engines_on_each_host() -> None:
    configuration = ClusterConfiguration(hosts=(("a", None), ("b", 3)))
    assert configuration.with_engines(2).hosts == (("a", 2), ("b", 2))
    assert configuration.with_engines(None) is configuration


def test_what_a_pipeline_was_given_is_remembered() -> None:
    configure("night.cfg")
    assert configured_file() == "night.cfg"
    configure(None)
    assert configured_file() is None
