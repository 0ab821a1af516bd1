# ruff: noqa: F403, F405 (a program takes all names of the vocabulary, as its users write it)
import glob
import os

from ruffus import *
from ruffus.ruffus_exceptions import JobSignalledBreak
from telling import put, tell, tell_files

SOURCES = [f"{letter}.in" for letter in "abcdef"]
what = {}


@originate(SOURCES)
def start(output):
    put(output)


@transform(start, suffix(".in"), ".out")
def work(source, output):
    if source in what:
        raise what[source]
    put(output)


@merge(work, "end")
def finish(sources, output):
    put(output, str(len(sources)))


@follows(finish)
def plain():
    put("plain")


def clean():
    for name in [*glob.glob("*.out"), "end", "plain"]:
        if os.path.exists(name):
            os.unlink(name)


pipeline_run([start], verbose=0)
for error in (
    ValueError("wrong"),
    KeyError("k"),
    RuntimeError(),
    OSError(2, "no such thing"),
    SystemExit(3),
    JobSignalledBreak("stop"),
):
    what = {"c.in": error}
    tell(repr(error), pipeline_run, [plain], verbose=1)
    tell("logged", pipeline_run, [plain], verbose=1, exceptions_terminate_immediately=True)
    tell_files()
    clean()
what = {}
tell("all well", pipeline_run, [plain], verbose=3)
tell("all well again", pipeline_run, [plain], verbose=3)
tell_files()


@transform("not_there", suffix(""), ".out")
def bad_posttask(source, output):
    put(output)


def check(source, output):
    raise ZeroDivisionError("check")


@check_if_uptodate(check)
@transform(start, suffix(".in"), ".checked")
def checked(source, output):
    put(output)


tell("a check that fails", pipeline_run, [checked], verbose=1)
tell("a name that is not known", pipeline_run, ["nothing"], verbose=1)
