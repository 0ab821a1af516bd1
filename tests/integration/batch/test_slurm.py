"""Slurm's side of jobs, on a real one."""

from __future__ import annotations

from tests.slurm import Slurm as Site


def test_a_job_runs(slurm: Site) -> None:
    job = slurm.run("sbatch", "--parsable", "--output=/dev/null", "--wrap=true").strip()
    slurm.until(lambda: slurm.state(job) == "COMPLETED", "the job ends")
