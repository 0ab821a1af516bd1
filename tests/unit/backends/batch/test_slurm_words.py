"""What Slurm's commands are told, and how their answers are read. The answers are those of a real Slurm."""

from __future__ import annotations

import math

import pytest

from gangline.backends.batch import slurm_words as words
from gangline.backends.batch.system import Cause, Phase, Request, Sight
from gangline.remote.resources import Resources


def request_of(resources: Resources = Resources(), count: int = 1, log: str = "/d/log") -> Request:  # noqa: B008
    return Request("a name", "/d/job.sh", "/d", log, resources, count)


# Submission -----------------------------------------------------------------------------------------------------------


def test_nothing_is_asked_that_was_not_said() -> None:
    assert words.build_sbatch_argv(request_of()) == [
        "sbatch",
        "--parsable",
        "--no-requeue",
        "--export=ALL",
        "--open-mode=truncate",
        "--job-name=a_name",
        "--chdir=/d",
        "--output=/d/log",
        "/d/job.sh",
    ]


def test_an_array_has_a_log_for_each_run() -> None:
    argv = words.build_sbatch_argv(request_of(count=12, log="/d/100%/log"))
    assert "--array=1-12" in argv
    assert "--output=/d/100%%/log.%a" in argv
    # Slurm takes a backslash out, and would not find the folder.
    assert "--output=/dev/null" in words.build_sbatch_argv(request_of(count=12, log=r"/d/a\b/log"))


def test_what_is_asked_is_rounded_up() -> None:
    resources = Resources(cores=3, memory_bytes=2**30 + 1, wall_time_s=3600.5, queue="long", account="physics")
    asked = ["--partition=long", "--account=physics", "--cpus-per-task=3", "--mem=1025M", "--time=61"]
    assert words.build_asked_argv(resources) == asked


@pytest.mark.parametrize(
    ("memory_bytes", "wall_time_s", "asked"),
    [
        (1, 0.1, ["--mem=1M", "--time=1"]),
        (2**20, 60, ["--mem=1M", "--time=1"]),
        (10**9, 61, ["--mem=954M", "--time=2"]),
    ],
)
def test_whole_units(memory_bytes: int, wall_time_s: float, asked: list[str]) -> None:
    assert words.build_asked_argv(Resources(memory_bytes=memory_bytes, wall_time_s=wall_time_s)) == asked


def test_options_and_words_stand_behind_all_others() -> None:
    options = (("qos", "long"), ("exclusive", None), ("C", "a b"), ("H", None))
    argv = words.build_sbatch_argv(request_of(Resources(cores=1, options=options, words=("--nice=7", "-s"))))
    assert argv[-10:] == [
        "--output=/d/log",
        "--cpus-per-task=1",
        "--qos=long",
        "--exclusive",
        "-C",
        "a b",
        "-H",
        "--nice=7",
        "-s",
        "/d/job.sh",
    ]


@pytest.mark.parametrize(
    ("resources", "name"),
    [
        (Resources(), ""),
        (Resources(options=(("qos", "array"),), words=("--comment", "array")), ""),
        (Resources(options=(("qos", "long"), ("array", "1-3"))), "array"),
        (Resources(options=(("W", None),)), "W"),
        (Resources(words=("--nice", "--wait")), "wait"),
        (Resources(words=("--clusters=a,b",)), "clusters"),
    ],
)
def test_options_that_change_how_jobs_are_run(resources: Resources, name: str) -> None:
    assert words.forbidden_option(resources) == name


@pytest.mark.parametrize(
    ("name", "clean"), [("align.sh", "align.sh"), ("a\nb\t'é'", "a_b____"), ("", "job"), ("x" * 500, "x" * 100)]
)
def test_names_of_jobs(name: str, clean: str) -> None:
    assert words.job_name_of(name) == clean


def test_the_variables_for_jobs_are_without_those_of_another_job() -> None:
    given = {
        "HOME": "/home/me",
        "SLURM_CONF": "/etc/slurm.conf",
        "SLURM_JOB_ID": "4",
        "SLURM_ARRAY_TASK_ID": "9",
        "SQUEUE_FORMAT": "%i",
        "SACCT_FORMAT": "JobID",
        "SCANCEL_INTERACTIVE": "1",
        "SBATCH_WAIT": "1",
        "SBATCH_ACCOUNT": "physics",
    }
    kept = {"HOME", "SLURM_CONF", "SBATCH_ACCOUNT"}
    assert words.clean_environment(given) == {name: given[name] for name in kept}


def test_who_submits_elsewhere_looks_there() -> None:
    assert words.clean_environment({"SBATCH_CLUSTERS": "b"})["SLURM_CLUSTERS"] == "b"
    assert words.clean_environment({"SBATCH_CLUSTERS": "b", "SLURM_CLUSTERS": "a"})["SLURM_CLUSTERS"] == "a"


@pytest.mark.parametrize(
    ("text", "number"),
    [("17\n", "17"), ("17;cluster\n", "17"), ("Welcome!\n42 jobs wait\n17\n", "17"), ("", None), ("none\n", None)],
)
def test_the_number_of_a_submission(text: str, number: str | None) -> None:
    assert words.parse_submission(text) == number


# Complaints -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "away", "doubtful", "full"),
    [
        ("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)", 1, 0, 0),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", 1, 1, 0),
        ("slurm_load_jobs error: Zero Bytes were transmitted or received", 1, 1, 0),
        ("squeue: fatal: Could not establish a configuration source", 1, 0, 0),
        ('Munge encode failed: Failed to access "/run/munge/munge.socket.2": No such file or directory', 1, 0, 0),
        ("sbatch: error: Batch job submission failed: Resource temporarily unavailable", 1, 0, 0),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying", 0, 0, 1),
        (
            "sbatch: error: AssocMaxSubmitJobLimit\nJob violates accounting/QOS policy (job submit limit, user's size",
            0,
            0,
            1,
        ),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit", 0, 0, 1),
        ("Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)", 0, 0, 0),
        ("sbatch: error: Batch job submission failed: Invalid partition name specified", 0, 0, 0),
        ("sbatch: error: the GPUs are away; try again on Monday", 0, 0, 0),
    ],
)
def test_complaints_of_sbatch(text: str, away: int, doubtful: int, full: int) -> None:
    assert (words.is_away(text), words.is_doubtful(text), words.is_full(text)) == (
        bool(away),
        bool(doubtful),
        bool(full),
    )


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("slurm_load_jobs error: Invalid job id specified\n", True),
        ("scancel: error: Kill job error on job id 7: Job/step already completing or completed", True),
        ("scancel: error: Kill job error on job id 7: Invalid job id specified\nscancel: error: Access denied", False),
        ("", False),
    ],
)
def test_complaints_about_jobs(text: str, unknown: bool) -> None:
    assert words.is_unknown_job(text) is unknown


# What is said of jobs -------------------------------------------------------------------------------------------------


def squeue(job: str, state: str, code: str, host: str, reason: str) -> str:
    return f"{job:28}{state:18}{code:12}{host:48}{reason:96}\n"


@pytest.mark.parametrize(
    ("row", "sight"),
    [
        (("PENDING", "0", "n/a", "None"), Sight(Phase.WAITING)),
        (
            ("PENDING", "0", "n/a", "ReqNodeNotAvail, May be reserved"),
            Sight(Phase.WAITING, reason="ReqNodeNotAvail, May be reserved"),
        ),
        (("CONFIGURING", "0", "n1", "None"), Sight(Phase.WAITING)),
        (("RUNNING", "0", "n1", "None"), Sight(Phase.RUNNING, host="n1")),
        (("COMPLETING", "0", "n1", "None"), Sight(Phase.RUNNING, host="n1", reason="COMPLETING")),
        (("SUSPENDED", "0", "n1", "None"), Sight(Phase.RUNNING, host="n1", reason="SUSPENDED")),
        (("COMPLETED", "0", "n1", "None"), Sight(Phase.ENDED, Cause.EXIT, 0, host="n1")),
        (("FAILED", "768", "n1", "NonZeroExitCode"), Sight(Phase.ENDED, Cause.EXIT, 3, host="n1")),
        (("FAILED", "35584", "n1", "NonZeroExitCode"), Sight(Phase.ENDED, Cause.EXIT, 139, host="n1")),
        (("FAILED", "9", "n1", "JobLaunchFailure"), Sight(Phase.ENDED, Cause.SIGNAL, signal="SIGKILL", host="n1")),
        (("FAILED", "139", "n1", "JobLaunchFailure"), Sight(Phase.ENDED, Cause.SIGNAL, signal="SIGSEGV", host="n1")),
        (
            ("FAILED", "4021", "n1", "JobLaunchFailure"),
            Sight(Phase.ENDED, Cause.HOST, host="n1", reason="FAILED: JobLaunchFailure"),
        ),
        (("FAILED", "1", "n/a", "BadConstraints"), Sight(Phase.ENDED, reason="FAILED: BadConstraints")),
        (
            ("TIMEOUT", "15", "n1", "TimeLimit"),
            Sight(Phase.ENDED, Cause.TIME_LIMIT, host="n1", reason="TIMEOUT: TimeLimit"),
        ),
        (
            ("DEADLINE", "1", "n/a", "DeadLine"),
            Sight(Phase.ENDED, Cause.TIME_LIMIT, reason="DEADLINE: DeadLine"),
        ),
        (
            ("OUT_OF_MEMORY", "253", "n1", "OutOfMemory"),
            Sight(Phase.ENDED, Cause.MEMORY, host="n1", reason="OUT_OF_MEMORY: OutOfMemory"),
        ),
        (
            ("CANCELLED", "15", "n1", "None"),
            Sight(Phase.ENDED, Cause.CANCELLED, host="n1", reason="CANCELLED"),
        ),
        (("CANCELLED", "2304", "n1", "None"), Sight(Phase.ENDED, Cause.CANCELLED, host="n1", reason="CANCELLED")),
        (
            ("NODE_FAIL", "15", "n3", "NodeDown"),
            Sight(Phase.ENDED, Cause.HOST, host="n3", reason="NODE_FAIL: NodeDown"),
        ),
        (
            ("BOOT_FAIL", "1", "n3", "None"),
            Sight(Phase.ENDED, Cause.HOST, host="n3", reason="BOOT_FAIL"),
        ),
        (("PREEMPTED", "0", "n3", "None"), Sight(Phase.ENDED, Cause.HOST, host="n3", reason="PREEMPTED")),
        (("DANCING", "0", "n3", "None"), Sight(Phase.UNKNOWN, host="n3", reason="its state is 'DANCING'")),
    ],
)
def test_what_squeue_says(row: tuple[str, str, str, str], sight: Sight) -> None:
    assert words.parse_squeue(squeue("12_3", *row)) == {"12_3": sight}


def test_what_squeue_says_of_several() -> None:
    text = "CLUSTER: b\n" + squeue("7", "RUNNING", "0", "n1", "None") + squeue("8_1", "PENDING", "0", "n/a", "Priority")
    sights = words.parse_squeue(text)
    assert {job: sights[job].phase for job in ("7", "8_1")} == {"7": Phase.RUNNING, "8_1": Phase.WAITING}
    assert words.parse_squeue("") == {}


def test_the_logs_of_jobs() -> None:
    text = f"{'7':28}{'/d/100%%a/log':4096}\n{'8_12':28}{'/d/log.%a':4096}\n"
    assert words.parse_logs(text) == {"7": "/d/100%a/log", "8_12": "/d/log.12"}


@pytest.mark.parametrize(
    ("log", "memory"),
    [
        ("slurmstepd-n2: error: StepId=5.batch exceeded memory limit (224886784 > 31457280), being killed", True),
        ("slurmstepd-n2: error: Exceeded job memory limit", True),
        (
            "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.batch. Some of your processes may have been",
            True,
        ),
        ("slurmstepd-n2: error: *** JOB 9 ON n2 CANCELLED AT 2026-11-21T17:43:31 ***", False),
        ("", False),
    ],
)
def test_what_a_log_says(log: str, memory: bool) -> None:
    assert words.says_out_of_memory(log) is memory


def test_scripts() -> None:
    assert words.parse_scripts("7|/d/a b|c.sh\n8|(null)\n") == {"/d/a b|c.sh": "7", "(null)": "8"}


def test_what_sacct_says() -> None:
    text = (
        "1|FAILED|3:0|n1\n3|FAILED|0:9|n1\n5|CANCELLED by 0|0:0|None assigned\n6|FAILED|0:53|n1\n2_1|COMPLETED|0:0|n1\n"
        "4_[1,3-4]|PENDING|0:0|None assigned\n7|OUT_OF_MEMORY|0:125|n1\n8|TIMEOUT|0:0|n1\n9|RUNNING|0:0|n1\n"
    )
    assert words.parse_sacct(text) == {
        "1": Sight(Phase.ENDED, Cause.EXIT, 3, host="n1"),
        "3": Sight(Phase.ENDED, Cause.SIGNAL, signal="SIGKILL", host="n1"),
        "5": Sight(Phase.ENDED, Cause.CANCELLED, reason="CANCELLED"),
        "6": Sight(Phase.ENDED, Cause.HOST, host="n1", reason="FAILED"),
        "2_1": Sight(Phase.ENDED, Cause.EXIT, 0, host="n1"),
        "7": Sight(Phase.ENDED, Cause.MEMORY, host="n1", reason="OUT_OF_MEMORY"),
        "8": Sight(Phase.ENDED, Cause.TIME_LIMIT, host="n1", reason="TIMEOUT"),
    }


# Numbers, and what the site has ---------------------------------------------------------------------------------------


def test_numbers_for_scancel() -> None:
    assert words.build_scancel_words([]) == []
    jobs = [f"12_{number}" for number in (5, 1, 2, 3, 9, 7, 8)]
    assert words.build_scancel_words(["7", *jobs, "13_1"]) == ["7", "12_[1-3,5,7-9]", "13_[1]"]


def test_what_a_site_has() -> None:
    text = "Configuration data as of 2026-11-21\nMaxArraySize    = 1001\nMinJobAge       = 300 sec\nEpilog = a=b\n"
    assert words.parse_configuration(text) == {"MaxArraySize": "1001", "MinJobAge": "300 sec", "Epilog": "a=b"}
    assert [words.seconds_of(value) for value in ("300 sec", "0 sec", "")] == [300.0, math.inf, None]
