"""What libraries of DRMAA are told, and what they answer."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from gangline.backends.batch import drmaa_words as words
from gangline.backends.batch.system import Cause, Phase, Request
from gangline.errors import JobRejected
from gangline.remote.resources import NOTHING_ASKED, Resources

ASKED = Resources(
    cores=2,
    memory_bytes=3 * 2**20 + 1,
    wall_time_s=60,
    queue="long",
    account="atlas",
    options=(("x", "1"), ("flag", None)),
    words=("--more", "a b"),
)


class Info(NamedTuple):
    """As the bindings tell it."""

    hasExited: bool = False
    hasSignal: bool = False
    terminatedSignal: str = ""
    wasAborted: bool = False
    exitStatus: int = 0
    resourceUsage: dict[str, str] | None = None


@pytest.mark.parametrize(
    ("system", "scheduler", "array_max"),
    [
        ("SGE 8.1.9", "sge", 75_000),
        ("OGS/GE 2011.11", "sge", 75_000),
        ("UGE 8.6.4", "sge", 75_000),
        ("SLURM 22.05.8", "slurm", 1),
        ("Torque", "pbs", 1),
        ("PBS Professional", "pbs", 1),
        ("Bridge 3", "", 1),
    ],
)
def test_schedulers_are_known_by_what_their_library_calls_them(system, scheduler, array_max):
    dialect = words.dialect_of(system)
    assert (dialect.scheduler, dialect.array_max) == (scheduler, array_max)


@pytest.mark.parametrize(
    ("system", "native"),
    [
        (
            "SGE",
            "-V -r n -q long -P atlas -l h_rt=60 -l h_vmem=1572865 -pe smp 2 -x 1 -flag --more 'a b'",
        ),
        (
            "SLURM",
            "--no-requeue --partition=long --account=atlas --nodes=1 --ntasks=2 --mem=4 -x 1 --flag --more 'a b'",
        ),
        ("Torque", "-r n -q long -A atlas -l nodes=1:ppn=2 -l mem=3145729b -x 1 -flag --more 'a b'"),
    ],
)
def test_what_is_asked_for_is_said_in_the_scheduler_s_words(system, native):
    assert words.build_native(words.dialect_of(system), ASKED, "smp") == native


def test_a_scheduler_that_is_not_known_is_asked_in_its_own_words_only():
    other = words.dialect_of("something")
    own = Resources(wall_time_s=3, options=(("m", "9"),), words=("-z",))
    assert words.build_native(other, own, None) == "-m 9 -z"
    with pytest.raises(JobRejected, match="how memory is asked for here is not known"):
        words.build_native(other, Resources(memory_bytes=1), None)


def test_durations_are_rounded_up():
    assert [words.format_duration(seconds) for seconds in (0.5, 59.5, 86400)] == ["0:00:01", "0:01:00", "24:00:00"]


def test_dollars_in_paths_are_left_to_the_script():
    sge = words.dialect_of("SGE")
    plain = Request("a", "/f/job.sh", "/f", "/f/log", NOTHING_ASKED)
    assert words.build_arguments(sge, plain) == ("/f", "/f/log", ["/f/job.sh"])
    odd = Request("a", "/f/job.sh", "/a $b", "/f/log", NOTHING_ASKED, count=2)
    directory, log, arguments = words.build_arguments(sge, odd)
    assert (directory, log, arguments[0]) == ("/", "", "-c")
    assert arguments[1] == "exec >>/f/log.$SGE_TASK_ID 2>&1; cd '/a $b' || exit; exec /bin/sh /f/job.sh"


@pytest.mark.parametrize(
    ("status", "phase", "reason"),
    [
        ("running", Phase.RUNNING, ""),
        ("user_system_suspended", Phase.RUNNING, "suspended"),
        ("queued_active", Phase.WAITING, ""),
        ("system_on_hold", Phase.WAITING, "held"),
    ],
)
def test_states(status, phase, reason):
    sight = words.phase_of(status)
    assert sight is not None
    assert (sight.phase, sight.reason) == (phase, reason)


def test_states_that_do_not_tell():
    assert [words.phase_of(status) for status in ("undetermined", "done", "failed")] == [None, None, None]


LIMITED = Resources(wall_time_s=10, memory_bytes=1000)


@pytest.mark.parametrize(
    ("info", "asked", "cause", "code", "signal"),
    [
        (Info(hasExited=True), NOTHING_ASKED, Cause.EXIT, 0, ""),
        (Info(hasExited=True, exitStatus=3), LIMITED, Cause.EXIT, 3, ""),
        (Info(hasSignal=True, terminatedSignal="SIGKILL"), NOTHING_ASKED, Cause.SIGNAL, None, "SIGKILL"),
        (Info(hasSignal=True, terminatedSignal="KILL"), NOTHING_ASKED, Cause.SIGNAL, None, "SIGKILL"),
        (Info(hasSignal=True, terminatedSignal="unknown signal 99"), NOTHING_ASKED, Cause.SIGNAL, None, "signal 99"),
        (
            Info(hasSignal=True, terminatedSignal="SIGKILL", resourceUsage={"ru_wallclock": "10.0000"}),
            *(LIMITED, Cause.TIME_LIMIT, None, "SIGKILL"),
        ),
        (
            Info(hasSignal=True, terminatedSignal="SIGKILL", resourceUsage={"maxvmem": "950.0"}),
            *(LIMITED, Cause.MEMORY, None, "SIGKILL"),
        ),
        (
            Info(hasSignal=True, terminatedSignal="SIGKILL", resourceUsage={"maxvmem": "400.0", "ru_wallclock": "2"}),
            *(LIMITED, Cause.SIGNAL, None, "SIGKILL"),
        ),
        (Info(wasAborted=True, resourceUsage={"exit_status": "137.0"}), LIMITED, Cause.CANCELLED, None, "SIGKILL"),
        (Info(wasAborted=True, resourceUsage={"submission_time": "1.0"}), LIMITED, Cause.HOST, None, ""),
        (Info(wasAborted=True), LIMITED, Cause.CANCELLED, None, ""),
        (Info(), LIMITED, Cause.UNSAID, None, ""),
    ],
)
def test_endings(info, asked, cause, code, signal):
    sight = words.ending_of(info, asked, cancelled=False)
    assert (sight.phase, sight.cause, sight.exit_code, sight.signal) == (Phase.ENDED, cause, code, signal)


def test_a_job_that_was_removed():
    usage = {"exit_status": "137.0", "ru_wallclock": "99"}
    sight = words.ending_of(Info(wasAborted=True, resourceUsage=usage), LIMITED, cancelled=True)
    assert (sight.cause, sight.signal) == (Cause.CANCELLED, "SIGKILL")
    assert words.ending_without_usage().cause is Cause.CANCELLED
