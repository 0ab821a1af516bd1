# ruff: noqa: F403, F405 (a program takes all names of the vocabulary, as its users write it)
import os
import time

from ruffus import *
from telling import put, tell, tell_files


def age(name, seconds):
    set_time(name, time.time() - seconds)


def set_time(name, then):
    os.utime(name, (then, then))


STEP_S = 1e-5


@originate(["a.1", "b.1"])
def first(output):
    put(output, "first")


@transform(first, suffix(".1"), ".2", "parameter")
def second(source, output, extra):
    put(output, extra)


@split(second, "many.*.3")
def third(sources, outputs):
    put("many.0.3", "third")


@merge([third, first], "end")
def fourth(sources, output):
    put(output, "fourth")


tell("touched", pipeline_run, [fourth], touch_files_only=True, verbose=3)
tell_files()
time.sleep(0.02)  # the clock of files is coarse
put("many.0.3", "by hand")
tell("after touching", pipeline_run, [fourth], verbose=4)
tell_files()
tell("nothing to do", pipeline_run, [fourth], verbose=4)
os.unlink(".ruffus_history.sqlite")
tell("no history", pipeline_run, [second], verbose=4)
os.unlink(".ruffus_history.sqlite")
# Of files that have just been made it takes the time of its own, how many these are depends on its pace.
old = time.time() - 1000
for number, name in enumerate(("a.1", "b.1", "a.2", "b.2", "many.0.3", "end")):
    set_time(name, old + number * STEP_S)
tell("regenerated", pipeline_run, [fourth], touch_files_only="regenerate", verbose=3)
tell("after regenerating", pipeline_run, [fourth], verbose=4)
set_time("many.0.3", old + STEP_S)  # older than what it is made of, but for the history at the same time
for level in (0, 1, 2, 3):
    tell(f"level {level}", pipeline_run, [fourth], checksum_level=level, verbose=4, one_second_per_job=False)
age("a.2", 5000)
tell("an old output", pipeline_run, [fourth], verbose=4)
os.unlink("a.2")
tell("an output is gone, minimal", pipeline_run, [fourth], gnu_make_maximal_rebuild_mode=False, verbose=4)
tell("an output is gone", pipeline_run, [fourth], verbose=4)
tell("forced", pipeline_run, [fourth], [second], verbose=3)
tell("forced by name", pipeline_run, ["third"], ["first"], verbose=1)
tell_files()
