"""A pipeline whose commands are jobs of a site's scheduler. Called with its working directory.

The first ones do not end before there is a file "go".
"""

from __future__ import annotations

import os
import sys

from gangline.pipeline import merge, mkdir, originate, pipeline_run, suffix, transform
from gangline.pipeline.drmaa_wrapper import run_job

os.chdir(sys.argv[1])
WAIT = "until [ -e go ]; do sleep 0.05; done"


@mkdir("made")
@originate([f"made/{number}.txt" for number in range(4)])
def numbers(path: str) -> None:
    """Here, as no command is involved."""
    with open(path, "w") as file:
        file.write(f"{path}\n")


@transform(numbers, suffix(".txt"), ".up")
def upper_case(source: str, target: str) -> None:
    """A job of the scheduler."""
    out, _ = run_job(f"echo run >> {target}.runs; tr a-z A-Z < {source} > {target}; {WAIT}; echo {target}")
    assert out == [f"{target}\n"]


@merge(upper_case, "all")
def together(sources: list[str], target: str) -> None:
    """Another one."""
    run_job(f"cat {' '.join(sources)} > {target}", job_name="together", job_other_options="--time=3")


if __name__ == "__main__":
    print("begins", flush=True)
    pipeline_run(backend="batch", verbose=0)
