"""What each kind of scheduler is asked for, as the scripts say it."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from gangline.cluster.launchers import LAUNCHERS, JobShape, job_options
from gangline.errors import UsageError
from gangline.remote.resources import Resources

EVERYTHING = Resources(
    cores=4, memory_bytes=8 * 2**30, wall_time_s=90000.0, queue="long", account="sky",
    options=(("x", None), ("pe", "smp 4")),
)  # fmt: skip
COMMAND = "exec '/opt/my python' -m gangline.cluster.job tls://10.0.0.1:99 --name night-0"


def script(shape: JobShape) -> list[str]:
    """The lines of the script of a job."""
    options = job_options(
        shape, name="gangline-night", folder="/shared/it", python="/opt/my python", pythonpath="/a:/b c"
    )
    module, _, kind = LAUNCHERS[shape.launcher].job.rpartition(".")
    job: Any = getattr(importlib.import_module(module), kind)("tls://10.0.0.1:99", "night-0", **options)
    lines: list[str] = job.job_script().splitlines()
    return lines


@pytest.mark.parametrize(
    ("launcher", "lines"),
    [
        ("slurm", ["#SBATCH -p long", "#SBATCH -A sky", "#SBATCH --cpus-per-task=4", "#SBATCH --mem=8G",
                   "#SBATCH -t 25:00:00", "#SBATCH -x", "#SBATCH --pe=smp 4"]),
        ("sge", ["#$ -q long", "#$ -P sky", "#$ -l h_vmem=2048M", "#$ -l h_rt=25:00:00", "#$ -x", "#$ -pe smp 4"]),
        ("pbs", ["#PBS -q long", "#PBS -A sky", "#PBS -l select=1:ncpus=4:mem=8192MB", "#PBS -l walltime=25:00:00"]),
        ("moab", ["#PBS -q long", "#PBS -A sky", "#PBS -l select=1:ncpus=4:mem=8192MB", "#PBS -l walltime=25:00:00"]),
        ("lsf", ["#BSUB -q long", '#BSUB -P "sky"', "#BSUB -n 4", "#BSUB -W 25:00", "#BSUB -M 8589935"]),
        ("oar", ["#OAR -q long", "#OAR --project sky", "#OAR -l /nodes=1/core=4,walltime=25:00:00"]),
    ],
)  # fmt: skip
def test_what_is_asked_for(launcher: str, lines: list[str]) -> None:
    said = script(JobShape(launcher, resources=EVERYTHING, setup=("module load python",)))
    assert not set(lines) - set(said), said
    assert said[-3:-1] == ["module load python", "export PYTHONPATH='/a:/b c'"]
    assert said[-1].startswith(COMMAND)
    assert said[-1].endswith("--folder /shared/it --engines 4 --wall-time 90000")


@pytest.mark.parametrize("launcher", [name for name in LAUNCHERS if name != "htcondor"])
def test_what_is_not_asked_for_is_not_in_the_script_but_for_half_an_hour(launcher: str) -> None:
    said = script(JobShape(launcher))
    directives = "\n".join(line for line in said if line.startswith("#") and "gangline" not in line)
    assert "mem" not in directives
    assert "00:30" in directives
    assert said[-1].startswith(COMMAND)
    assert said[-1].endswith("--engines 1 --wall-time 1800")


def test_htcondor_has_a_table() -> None:
    asked = Resources(
        cores=2, memory_bytes=2**30, account="sky", options=(("Requirements", "Has_X"), ("Nice_user", None))
    )
    said = script(JobShape("htcondor", engines=1, resources=asked, setup=("module load python",)))
    assert {"accounting_group = sky", "Requirements = Has_X", "Nice_user = True", "MY.DaskWorkerCores = 2"} <= set(said)
    (arguments,) = [line for line in said if line.startswith("Arguments")]
    assert "module load python; export PYTHONPATH=''/a:/b c''; exec ''/opt/my python'' -m gangline" in arguments
    assert not any(line.startswith("RequestMemory") for line in script(JobShape("htcondor")))


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_it_can_be_handed_to_another_process(launcher: str) -> None:
    resources = Resources(cores=1, memory_bytes=5, account="sky", options=(("a", None), ("bc", "d")))
    shape = JobShape(launcher, 3, 2, resources, ("one", "two"), "/shared")
    assert JobShape.from_json(json.loads(json.dumps(shape.to_json()))) == shape


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"launcher": "slrm"}, "there is no launcher 'slrm'; did you mean 'slurm'?"),
        ({"jobs": -1}, "jobs must be a whole number, 0 or more, not -1"),
        ({"jobs": 1.5}, "jobs must be a whole number"),
        ({"engines": 0}, "each job must have 1 engine or more, not 0"),
        ({"folder": "/my folder"}, "it has spaces"),
        ({"launcher": "htcondor", "resources": Resources(queue="long")}, "htcondor knows neither a queue nor"),
        (
            {"launcher": "sge", "resources": Resources(cores=4)},
            r"a parallel environment .*options = { pe = \"smp 4\" }",
        ),
    ],
)
def test_what_makes_no_sense(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        JobShape(**{"launcher": "slurm", **wrong})
