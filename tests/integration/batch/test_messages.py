"""What somebody reads, or gets, who uses a site's scheduler for the first time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gangline import Client, Command, CompositeError, RemoteError, UsageError
from gangline.errors import BackendError
from tests.slurm import PATIENCE_S, Slurm


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"backend": "batsh"}, "no backend 'batsh'; did you mean 'batch'"),
        ({"backend": "slurm"}, "no backend 'slurm'; jobs of a scheduler are the backend 'batch'"),
        ({"backend": "batch", "partition": "long"}, "ask for 'partition': did you mean 'queue'"),
        ({"backend": "batch", "walltime": "1:00:00"}, "ask for 'walltime': did you mean 'wall_time'"),
        ({"backend": "batch", "wall_time": "1h30"}, "a text like '1:30:00' or '90 min', not '1h30'"),
        ({"backend": "batch", "cores": 0}, "cores must be a whole number, 1 or more, not 0"),
        ({"backend": "batch", "options": "--comment='half"}, "cannot be read as a command line: No closing quotation"),
        ({"backend": "batch", "system": "slrum"}, "no batch system 'slrum': did you mean 'slurm'"),
        ({"backend": "processes", "cores": 2}, "the backend 'processes' has no option 'cores'"),
        ({"backend": "dask", "address": "tcp://a:1"}, r"no option 'address'; the address comes first: Client\('tcp"),
    ],
)
def test_what_is_mistyped_is_told_with_what_is_meant(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Client(**given)


def test_a_host_without_a_scheduler_is_told_as_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("PATH", ""), ("SGE_ROOT", str(tmp_path)), ("DRMAA_LIBRARY_PATH", str(tmp_path / "none"))):
        monkeypatch.setenv(name, value)
    with pytest.raises(BackendError, match=r"no batch system was found here\. There is no sbatch of Slurm on PATH"):
        Client(backend="batch", folder=str(tmp_path))


def test_a_job_starts_in_a_folder_that_is_named_from_here(site: Slurm) -> None:
    Path("two words").mkdir()
    with Client(backend="batch", wall_time="5 min") as rc:
        command = Command(["sh", "-c", "pwd; echo $N $1", "sh", Path("a b")], cwd=Path("two words"), env={"N": 3})
        result = rc.load_balanced_view().apply(command)
        result.get()
        assert result.stdout.splitlines() == [str(Path("two words").resolve()), "3 a b"]


def test_commands_are_not_mapped() -> None:
    with Client(backend="threads", engines=1) as rc:
        view = rc.load_balanced_view()
        with pytest.raises(CompositeError, match="'echo hi' is called with arguments, but takes none"):
            view.map_sync(Command(["echo", "hi"]), range(1))
        with pytest.raises(RemoteError, match="make a Command for each task, and give it to apply"):
            view.apply_sync(Command(["echo", "hi"]), 1)


PROGRAM = """
from gangline.pipeline import Pipeline

together = "touch {output}.here; i=0; "
together += "until [ $(ls *.here | wc -l) -eq 6 ]; do sleep 0.1; i=$((i+1)); [ $i -lt 5000 ] || exit 9; done"
Pipeline("together").originate(together + "; touch {output}", [f"{number}.made" for number in range(6)], name="make")
"""

SINGLE = """
from gangline.pipeline import Pipeline

Pipeline("single").originate("mkdir alone; sleep 0.3; rmdir alone; touch {output}", ["a.one", "b.one"], name="make")
"""


def test_as_many_jobs_as_there_are_whatever_this_host_has(site: Slurm) -> None:
    """Each waits for all others, so they have to run at once; here there are two cores at most. Or one at a time."""
    Path("together.py").write_text(PROGRAM)
    two = "import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2]); "
    two += "from gangline.cli.main import main; main()"
    words = [sys.executable, "-c", two, "run", "--backend", "batch", "together.py"]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(list(Path().glob("*.made"))) == 6
    single = [*words[:-1], "--jobs", "1", "--force-all", "single.py"]
    Path("single.py").write_text(SINGLE)
    ran = subprocess.run(single, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    status = subprocess.run(
        [sys.executable, "-m", "gangline", "status"], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert "as jobs of a scheduler, as process" in status.stdout
