"""Pipelines whose commands are jobs of a real Slurm."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline import UsageError
from gangline.errors import BackendError
from gangline.pipeline import Pipeline, suffix
from gangline.pipeline.drmaa_wrapper import error_drmaa_job, run_job
from gangline.pipeline.ruffus_exceptions import RethrownJobError
from tests.slurm import PATIENCE_S, Slurm

PROGRAM = Path(__file__).with_name("slurm_pipeline.py")


@pytest.fixture
def pipeline(request: pytest.FixtureRequest) -> Iterator[Pipeline]:
    pipeline = Pipeline(request.node.name)
    yield pipeline
    Pipeline.clear_all()


def sources(count: int) -> list[str]:
    names = [f"{number}.txt" for number in range(count)]
    for name in names:
        Path(name).write_text(f"file {name}\n")
    return names


def test_a_stage_that_is_a_command_is_one_job_each(
    site: Slurm, pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what its stage and the run ask for; and nothing is left to do afterwards."""
    command = (
        "tr a-z A-Z < {input} > {output}; scontrol show job $SLURM_JOB_ID > {output}.job; "
        "echo said of {output}; echo $SLURM_JOB_NAME > {output}.name"
    )
    stage = pipeline.transform(
        command,
        sources(3),
        suffix(".txt"),
        ".up",
        name="upper",
        resources={"cores": 2, "memory": "100 MB"},
        time_limit=120,
        batch={"options": {"comment": "from the stage"}},
    )
    pipeline.transform("cp {input} {output}", stage, suffix(".up"), ".copy", name="copy")
    pipeline.run(backend="batch", batch={"queue": "other"}, verbose=0)
    assert Path("1.copy").read_text() == "FILE 1.TXT\n"
    told = Path("1.up.job").read_text()
    for words in ("NumCPUs=2", "TimeLimit=00:02:00", "Partition=other", "Comment=from the stage"):
        assert words in told
    assert "upper" in Path("1.up.name").read_text()
    assert "said of 1.up\n" in capsys.readouterr().out
    before = Path("1.up").stat().st_mtime_ns
    pipeline.run(backend="batch", verbose=0)
    assert Path("1.up").stat().st_mtime_ns == before
    site.until(lambda: not site.jobs(), "no job is left")


def test_run_job_needs_no_session(site: Slurm, pipeline: Pipeline) -> None:
    """Its output comes back as lines, its options go to the scheduler, its failure has all that is known."""
    seen: list[object] = []

    def work(source: str, target: str) -> None:
        seen.append(run_job(f"cp {source} {target}; echo a; echo b; echo c >&2; echo $V", job_environment={"V": "v"}))
        try:
            run_job("echo before; exit 7", job_name="seven", job_other_options="--comment=odd --time=2")
        except error_drmaa_job as error:
            seen.append(error)
        try:
            run_job("true", job_other_options="--partition=nowhere")
        except error_drmaa_job as error:
            seen.append(error)

    pipeline.transform(work, sources(1), suffix(".txt"), ".out")
    pipeline.run(backend="batch", verbose=0)
    lines, failed, rejected = seen
    assert lines == (["a\n", "b\n", "v\n"], ["c\n"])
    assert isinstance(failed, error_drmaa_job)
    assert (failed.exit_code, failed.signal, failed.stdout) == (7, None, ["before\n"])
    assert failed.job_id in str(failed)
    assert "invalid partition specified: nowhere" in str(rejected)
    assert [path for path in Path().iterdir() if path.name.startswith("seven")] == []  # no scripts are left


def test_failures_name_job_and_host(site: Slurm, pipeline: Pipeline) -> None:
    pipeline.transform("echo why >&2; exit 3", sources(1), suffix(".txt"), ".out", name="bad")
    with pytest.raises(RethrownJobError) as caught:
        pipeline.run(backend="batch", verbose=0)
    assert "CommandFailed" in str(caught.value)
    assert "ended with exit code 3" in str(caught.value)
    with pytest.raises(RethrownJobError, match="invalid partition specified: nowhere"):
        pipeline.run(backend="batch", batch={"queue": "nowhere"}, verbose=0)


def test_a_job_that_fails_once_is_tried_again(site: Slurm, pipeline: Pipeline) -> None:
    command = "[ -e {output}.tried ] && cp {input} {output} || {{ touch {output}.tried; exit 1; }}"
    pipeline.transform(command, sources(2), suffix(".txt"), ".out", name="second", retries=1)
    pipeline.run(backend="batch", verbose=0)
    assert Path("1.out").exists()


def test_wrong_words_are_named(site: Slurm, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"'wrong'.*did you mean 'queue'"):
        pipeline.transform("true", sources(1), suffix(".txt"), ".x", name="wrong", batch={"queu": "long"})
    stage = Pipeline("other").transform("true > {output}", sources(1), suffix(".txt"), ".x", name="right")
    with monkeypatch.context() as changed:
        changed.setenv("PATH", "/nowhere")
        with pytest.raises(BackendError, match="sbatch"):
            stage.pipeline.run(backend="batch", verbose=0)


def start(folder: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, str(PROGRAM), str(folder)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_submit_host_that_restarts_finds_its_jobs(site: Slurm, tmp_path: Path) -> None:
    """The pipeline is killed while its jobs run: each has run once when it is done."""
    with start(tmp_path) as program:
        site.until(lambda: len(list(tmp_path.glob("made/*.runs"))) == 4, "all jobs run")
        program.kill()
    (tmp_path / "go").touch()
    with start(tmp_path) as program:
        out, err = program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0, out + err
    assert (tmp_path / "all").read_text() == "".join(f"MADE/{number}.TXT\n" for number in range(4))
    assert [path.read_text() for path in tmp_path.glob("made/*.runs")] == ["run\n"] * 4


def test_ctrl_c_removes_all_jobs(site: Slurm, tmp_path: Path) -> None:
    with start(tmp_path) as program:
        site.until(lambda: len(list(tmp_path.glob("made/*.runs"))) == 4, "all jobs run")
        program.send_signal(2)
        program.communicate(timeout=PATIENCE_S)
        assert program.returncode != 0
    site.until(lambda: not site.jobs(), "no job is left")
    assert list((tmp_path / ".gangline" / "batch").iterdir()) == []
