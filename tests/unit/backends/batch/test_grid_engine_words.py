"""What Grid Engine's commands are told, and what their answers mean. The answers are from Grid Engine 8.1.9."""

from __future__ import annotations

import pytest

from gangline.backends.batch import grid_engine_words as words
from gangline.backends.batch.system import Cause, Phase, Request
from gangline.remote.resources import NOTHING_ASKED, Resources

QSTAT = """<?xml version='1.0'?>
<job_info  xmlns:xsd="http://example.org/qstat.xsd">
  <queue_info>
    <job_list state="running">
      <JB_job_number>8</JB_job_number>
      <JB_name>del</JB_name>
      <state>dr</state>
      <JAT_start_time>2026-11-21T17:39:15</JAT_start_time>
      <queue_name>all.q@node7</queue_name>
      <slots>1</slots>
      <tasks>2</tasks>
    </job_list>
  </queue_info>
  <job_info>
    <job_list state="pending">
      <JB_job_number>9</JB_job_number>
      <state>hqw</state>
      <queue_name></queue_name>
      <tasks>1,4-8:2</tasks>
    </job_list>
    <job_list state="pending">
      <JB_job_number>10</JB_job_number>
      <state>Eqw</state>
      <queue_name></queue_name>
    </job_list>
  </job_info>
</job_info>
"""

REASONS = """==============================================================
job_number:                 11
error reason          1:      11/21/2026 17:39:16 [0:1927]: error: can't open output file "/nowhere/x": No such file
error reason          2:      11/21/2026 17:39:17 [0:1928]: other
scheduling info:            Job is in error state
==============================================================
job_number:                 10
error reason          1:      11/21/2026 17:39:18 [0:1929]: single
"""

ACCOUNT = """==============================================================
qname        all.q               
hostname     node7               
jobname      taken
jobnumber    {job}                   
taskid       {task}           
qsub_time    Sat Nov 21 17:39:14 2026
slots        {slots}                   
failed       {failed}
exit_status  {status}
ru_wallclock {wall}
maxvmem      {memory}
category     {category}
"""  # noqa: W291


def request(**changes: object) -> Request:
    values = {"name": "a", "script": "/f/job.sh", "directory": "/f", "log": "/f/log", "resources": NOTHING_ASKED}
    return Request(**(values | changes))  # type: ignore[arg-type]


def account(
    job="5", task="undefined", slots=1, failed="0", status="0", wall="1s", memory="1.5MB", category="NONE"
) -> str:
    return ACCOUNT.format(**locals())


def ending(**fields: object):
    [record] = words.parse_accounting(account(**fields)).values()
    return words.ending_of(record)


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("align", "align"),
        ("2nd pass: chr/1", "j2nd_pass__chr_1"),
        ("é", "j_"),
        ("", "j"),
        ("NONE", "jNONE"),
        ("a" * 300, "a" * 100),
        ("-q", "j-q"),
    ],
)
def test_names_are_made_fit(name, fit):
    assert words.job_name_of(name) == fit


def test_what_is_asked_for():
    asked = Resources(
        cores=4,
        memory_bytes=1001,
        wall_time_s=2.5,
        queue="long",
        account="atlas",
        options=(("h", None), ("l", "gpu=1")),
        words=("-l", "scratch=9"),
    )
    assert words.build_asked_argv(asked, "smp") == [
        *("-q", "long", "-P", "atlas", "-l", "h_rt=3", "-l", "h_vmem=251", "-pe", "smp", "4"),
        *("-h", "-l", "gpu=1", "-l", "scratch=9"),
    ]


@pytest.mark.parametrize(
    ("asked", "slots", "needs", "argv"),
    [
        (Resources(), 1, False, []),
        (Resources(cores=1), 1, False, []),
        (Resources(cores=3, options=(("pe", "mt"),)), 3, False, ["-pe", "mt", "3"]),
        (Resources(cores=3, options=(("pe", "mt 4"),)), 4, False, ["-pe", "mt", "4"]),
        (Resources(words=("-pe", "mpi", "8-16")), 8, False, ["-pe", "mpi", "8-16"]),
        (Resources(cores=2, words=("-notify",)), 2, True, ["-notify"]),
    ],
)
def test_more_than_one_core_needs_a_parallel_environment(asked, slots, needs, argv):
    assert words.slots_of(asked) == slots
    assert words.needs_parallel_environment(asked) is needs
    assert words.build_asked_argv(asked, None) == argv


def test_a_submission_and_an_array():
    argv = words.build_qsub_argv(request(), None)
    assert argv[:3] == ["qsub", "-terse", "-sync"]
    assert argv[argv.index("-o") + 1] == "/f/log"
    assert argv[argv.index("-wd") + 1] == "/f"
    assert "-t" not in argv
    assert words.build_qsub_input(request()) == "#!/bin/sh\nexec /bin/sh /f/job.sh\n"
    argv = words.build_qsub_argv(request(count=5), None)
    assert argv[argv.index("-o") + 1] == "/f/log.$TASK_ID"
    assert argv[argv.index("-t") + 1] == "1-5"


@pytest.mark.parametrize("folder", ["/a,b", "/a:b", "/a$HOME", "/a'b", "/é"])
def test_paths_that_qsub_would_read_in_its_own_way_are_left_to_the_script(folder):
    odd = request(directory=folder, log=f"{folder}/log", count=2)
    argv = words.build_qsub_argv(odd, None)
    assert argv[argv.index("-o") + 1] == "/dev/null"
    assert argv[argv.index("-wd") + 1] == ("/" if "$" in folder else folder)
    script = words.build_qsub_input(odd)
    assert f"{folder}/log" in script.replace("'\"'\"'", "'")
    assert ".$SGE_TASK_ID 2>&1" in script


@pytest.mark.parametrize(
    ("text", "number"),
    [("12\n", "12"), ("12.1-3:1\n", "12"), ("a warning of 2 things\n13\n", "13"), ("nothing\n", None), ("", None)],
)
def test_the_number_of_a_submission(text, number):
    assert words.parse_submission(text) == number


@pytest.mark.parametrize(
    ("text", "away", "full"),
    [
        ('unable to send message to qmaster using port 1 on host "h": got send error', True, False),
        ("error: commlib error: got select error (Connection refused)", True, False),
        ("can't connect to service", True, False),
        ("job rejected: Only 5 jobs are allowed per user (current job count: 5)", False, True),
        ('Job was rejected because job requests unknown queue "nowhere"', False, False),
        ('job rejected: the requested project "nope" does not exist', False, False),
    ],
)
def test_silence_and_too_many_jobs_are_no_rejections(text, away, full):
    assert (words.is_away(text), words.is_full(text)) == (away, full)


def test_the_queue():
    removed, held, failed = words.parse_qstat(QSTAT)
    assert removed == ("8", "2", "dr", "node7")
    assert list(words.task_numbers(held.tasks)) == [1, 4, 6, 8]
    assert (failed.job, failed.tasks, failed.state) == ("10", "", "Eqw")
    with pytest.raises(ValueError, match="cannot be read"):
        words.parse_qstat("error: something")


@pytest.mark.parametrize(
    ("state", "phase", "reason"),
    [
        ("qw", Phase.WAITING, ""),
        ("hqw", Phase.WAITING, "held"),
        ("Rq", Phase.WAITING, ""),
        ("r", Phase.RUNNING, ""),
        ("t", Phase.RUNNING, ""),
        ("hr", Phase.RUNNING, ""),
        ("Rr", Phase.RUNNING, ""),
        ("s", Phase.RUNNING, "suspended"),
        ("S", Phase.RUNNING, "suspended"),
        ("tT", Phase.RUNNING, "suspended"),
        ("dr", Phase.RUNNING, "being removed"),
        ("z", Phase.UNKNOWN, "its state is 'z'"),
    ],
)
def test_states(state, phase, reason):
    assert words.phase_of(state) == (phase, Cause.UNSAID, None, "", "", reason)


def test_the_reasons_of_errors():
    reasons = words.parse_error_reasons(REASONS)
    assert "can't open output file" in reasons["11.1"]
    assert reasons["11.2"].endswith("other")
    assert reasons["10"].endswith("single")


@pytest.mark.parametrize(
    ("fields", "cause", "code", "signal"),
    [
        ({}, Cause.EXIT, 0, ""),
        ({"status": "3"}, Cause.EXIT, 3, ""),
        ({"status": "137"}, Cause.EXIT, 137, ""),
        ({"failed": "15  : in epilog", "status": "2"}, Cause.EXIT, 2, ""),
        ({"failed": "100 : assumedly after job", "status": "137   (Killed)"}, Cause.SIGNAL, None, "SIGKILL"),
        ({"failed": "100 : assumedly after job", "status": "139"}, Cause.SIGNAL, None, "SIGSEGV"),
        ({"failed": "100 : assumedly after job", "status": "0"}, Cause.HOST, None, ""),
        ({"failed": "26  : opening input/output file"}, Cause.HOST, None, ""),
        ({"failed": "37  : qmaster enforced h_rt limit", "status": "137"}, Cause.TIME_LIMIT, None, "SIGKILL"),
        (
            {"failed": "100 : assumedly after job", "status": "137", "wall": "61.5", "category": "-q x -l h_rt=0:1:0"},
            *(Cause.TIME_LIMIT, None, "SIGKILL"),
        ),
        (
            {"failed": "100 : assumedly after job", "status": "137", "wall": "9", "category": "-l h_rt=INFINITY,m=2"},
            *(Cause.SIGNAL, None, "SIGKILL"),
        ),
        (
            {"failed": "100 : assumedly after job", "status": "137", "memory": "1.9G", "category": "-l a=1,h_vmem=2G"},
            *(Cause.MEMORY, None, "SIGKILL"),
        ),
        (
            {"failed": "37 : limit", "status": "137", "memory": "1.9GB", "slots": 2, "category": "-l h_vmem=2G"},
            *(Cause.TIME_LIMIT, None, "SIGKILL"),
        ),
    ],
)  # fmt: skip
def test_endings(fields, cause, code, signal):
    sight = ending(**fields)
    assert (sight.phase, sight.cause, sight.exit_code, sight.signal) == (Phase.ENDED, cause, code, signal)
    assert sight.host == "node7"


def test_the_words_of_the_accounting_are_kept_where_they_say_something():
    assert ending(failed="100 : assumedly after job", status="137").reason == ""
    assert ending(failed="26 : opening output file").reason == "failed 26: opening output file"
    limited = ending(failed="37 : too long", status="137", wall="4s", category="-l h_rt=3")
    assert limited.reason == "failed 37: too long; 4 s of 3 s"


def test_a_job_that_was_removed_and_one_whose_limit_came_first():
    for failed, cause in (("100 : x", Cause.CANCELLED), ("37 : x", Cause.TIME_LIMIT)):
        [told] = words.parse_accounting(account(failed=failed, status="137") + "deleted_by   somebody\n").values()
        assert words.ending_of(told).cause is cause


def test_the_last_record_of_a_job_counts_and_tasks_have_their_own():
    text = account(task="1", status="1") + account(task="2", status="2") + account(task="1", status="4")
    records = words.parse_accounting(text)
    assert {job: record.exit_status for job, record in records.items()} == {"5.1": 4, "5.2": 2}
    assert records["5.1"].submitted_at is not None
    assert words.parse_accounting("error: job id 999 not found") == {}
