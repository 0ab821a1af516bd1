"""Programs that use a batch system through its port: which one, and which program, are the arguments.

Each prints what it saw as one line of JSON. They run in the namespace of the daemons, in a folder of their own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from gangline.backends.batch.detect import find_system
from gangline.backends.batch.system import BatchSystem, Phase, Request, Sight
from gangline.errors import GanglineError
from gangline.remote.resources import Resources

Told = dict[str, Any]
PATIENCE_S = 60.0
GREEDY = """
import subprocess, sys
program = "import time; x = b'x' * 150_000_000; time.sleep(60)"
for child in [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]:
    child.wait()
"""


def request(name: str, script: str, *, count: int = 1, folder: str = "", log: str = "", **asked: Any) -> Request:
    """A submission of a script that is written here."""
    path = Path(f"{name}.sh").absolute()
    path.write_text(script)
    log = log or str(Path(f"{name}.log").absolute())
    return Request(name, str(path), folder or os.getcwd(), log, Resources.read(asked), count)


def tell(sight: Sight) -> Told:
    return sight._asdict() | {"phase": sight.phase.value, "cause": sight.cause.value}


def tell_all(sights: Mapping[str, Sight]) -> dict[str, Told]:
    return {job: tell(sight) for job, sight in sights.items()}


def until(system: BatchSystem, jobs: Collection[str], phase: Phase) -> dict[str, Sight]:
    """Look at jobs until all of them are in a phase."""
    end = time.monotonic() + PATIENCE_S
    while True:
        sights = dict(system.look(jobs))
        if all(sight.phase is phase for sight in sights.values()) or time.monotonic() > end:
            return sights
        time.sleep(0.4)


def failure(call: Callable[[], object]) -> str:
    """What a call raises."""
    try:
        call()
    except GanglineError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def endings(system: BatchSystem) -> Told:
    """Jobs that end in all ways, side by side."""
    Path("greedy.py").write_text(GREEDY)
    requests = {
        "fine": request("fine", "echo said; true"),
        "fails": request("fails", "exit 3"),
        "killed": request("killed", "kill -9 $$"),
        "late": request("late", "sleep 300", wall_time="0:0:3"),
        "greedy": request("greedy", f"exec {sys.executable} greedy.py", memory="400 MB", wall_time=50),
        "taken": request("taken", "sleep 300"),
        "held": request("held", "true", options={"h": True}),
        "ours": request("ours", "sleep 300"),
        "nowhere": request("nowhere", "true", folder="/nowhere"),
    }
    jobs = {name: system.submit(each)[0] for name, each in requests.items()}
    until(system, [jobs["taken"], jobs["ours"]], Phase.RUNNING)
    waiting = system.look([jobs["held"]])[jobs["held"]]
    execution = int(Path(os.environ["SGE_EXECD_PIDFILE"]).read_text())
    os.kill(execution, signal.SIGSTOP)  # so that the job can be seen while it is being removed
    subprocess.run(["qdel", jobs["taken"]], check=True, capture_output=True)
    system.look([jobs["taken"]])
    os.kill(execution, signal.SIGCONT)
    system.cancel([jobs["ours"], jobs["held"], "999999", "999999.7"])
    ended = until(system, list(jobs.values()), Phase.ENDED)
    return {
        "sights": {name: tell(ended[job]) for name, job in jobs.items()},
        "waiting": tell(waiting),
        "log": Path("fine.log").read_text(),
        "left": left(jobs.values()),
        "unheard_of": tell_all(system.look(["888888", "888888.3"])),
    }


def left(jobs: Collection[str]) -> list[str]:
    """Those of jobs that Grid Engine still has."""
    lines = subprocess.run(["qstat"], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    return sorted({line.split()[0] for line in lines} & {job.partition(".")[0] for job in jobs})


def arrays(system: BatchSystem) -> Told:
    """An array of fifty; and one of which one run, and then all, are removed."""
    say = 'printf "%s %s" "$JOB_ID" "$SGE_TASK_ID" > run.$SGE_TASK_ID; test $SGE_TASK_ID != 7 || exit 7'
    fifty = system.submit(request("fifty", say, count=50))
    long = system.submit(request("long", "sleep 300", count=4))
    until(system, long, Phase.RUNNING)
    system.cancel([long[1]])
    without = until(system, [long[1]], Phase.ENDED)
    others = system.look([long[0], long[2], long[3]])
    system.cancel(long)
    ended = until(system, [*fifty, *long], Phase.ENDED)
    files = [Path(f"run.{index}").read_text().split() for index in range(1, 51)]
    return {
        "numbers": fifty,
        "by_variables": [system.job_number(job, int(index), 50) for job, index in files],
        "fifty": [tell(ended[job]) for job in fifty],
        "without": tell(without[long[1]]),
        "others": [tell(sight) for sight in others.values()],
        "all": [tell(ended[job]) for job in long],
        "left": left([*fifty, *long]),
    }


def asking(system: BatchSystem) -> Told:
    """What jobs ask for, and what they find; and what the site does not take."""
    odd = os.path.abspath("odd, dir: '$HOME' \"x\" é*")
    os.mkdir(odd)
    see = "pwd; echo slots=${NSLOTS:-}; ulimit -v; printenv GANGLINE_TEST; echo job=$JOB_NAME"
    os.environ["GANGLINE_TEST"] = "a, 'b' \"c\" $d"
    plain = system.submit(request("1 plain: name", see, cores=2, memory="200 MiB", options="-l h_cpu=77"))
    there = system.submit(request("odd", see + " $SGE_TASK_ID", folder=odd, log=f"{odd}/log", count=2))
    until(system, [*plain, *there], Phase.ENDED)

    def refused(**asked: Any) -> str:
        return failure(lambda: system.submit(request("refused", "true", **asked)))

    return {
        "plain": Path("1 plain: name.log").read_text().splitlines(),
        "odd": [Path(odd, f"log.{index}").read_text().splitlines() for index in (1, 2)],
        "queue": refused(queue="nowhere"),
        "cores": refused(cores=2, queue="nowhere"),
        "account": refused(account="nobody"),
        "environment": refused(cores=2, options={"pe": "none_such"}),
        "option": refused(options={"l": "none_such=1"}),
        "count": refused(count=100_000),
        "array_max": system.array_max,
    }


def step(word: str) -> None:
    """Let the test do something now."""
    print(word, flush=True)
    sys.stdin.readline()


def away(system: BatchSystem) -> Told:
    """The master goes away and comes back; and then this program does."""
    [job] = system.submit(request("stays", "sleep 300"))
    until(system, [job], Phase.RUNNING)
    step("stop")
    errors = [
        failure(lambda: system.look([job])),
        failure(lambda: system.submit(request("late", "true"))),
        failure(lambda: system.cancel([job])),
    ]
    step("start")
    end = time.monotonic() + PATIENCE_S
    while failure(lambda: system.look([job])) and time.monotonic() < end:
        time.sleep(0.4)
    found = until(system, [job], Phase.RUNNING)
    system.close()
    again = find_system(sys.argv[1])
    once_more = until(again, [job], Phase.RUNNING)
    again.cancel([job])
    again.close()
    return {"errors": errors, "found": tell(found[job]), "once_more": tell(once_more[job])}


def gentle(system: BatchSystem) -> Told:
    """How often two hundred jobs make the commands be called."""
    os.mkdir("bin")
    for name in ("qstat", "qacct", "qdel"):
        Path("bin", name).write_text(f'#!/bin/sh\necho {name} >> {os.getcwd()}/calls\nexec {shutil.which(name)} "$@"\n')
        os.chmod(f"bin/{name}", 0o755)
    os.environ["PATH"] = f"{os.getcwd()}/bin:{os.environ['PATH']}"
    calls = Path("calls")

    def counted(call: Callable[[], Any]) -> tuple[list[str], Any]:
        calls.write_text("")
        value = call()
        return calls.read_text().split(), value

    held = {"options": {"h": True}}
    jobs = list(system.submit(request("whole", "true", count=195, **held)))
    for index in range(5):
        jobs += system.submit(request(f"single{index}", "true", **held))
    looking = [counted(lambda: system.look(jobs)) for _ in range(3)]
    subprocess.run(["qdel", *{re.sub(r"\..*", "", job) for job in jobs[100:]}], check=True, capture_output=True)
    gone, _ = counted(lambda: system.look(jobs))
    at_once, _ = counted(lambda: system.look(jobs))
    cancelling, _ = counted(lambda: system.cancel(jobs))
    ended, sights = counted(lambda: system.look(jobs))
    later, _ = counted(lambda: system.look(jobs))
    return {
        "looking": [words for words, _ in looking],
        "waiting": sum(sight.phase is Phase.WAITING for sight in looking[-1][1].values()),
        "gone": gone,
        "at_once": at_once,
        "cancelling": cancelling,
        "ended": ended,
        "later": later,
        "causes": sorted({sight.cause.value for sight in sights.values()}),
    }


def questions(system: BatchSystem) -> Told:
    """How many questions two hundred jobs mean for DRMAA; and what becomes of jobs of an earlier session."""
    import drmaa

    asked: list[str] = []
    status = drmaa.Session.jobStatus

    def counted(job: str) -> str:
        asked.append(job)
        return str(status(job))

    def look(system: BatchSystem) -> tuple[int, list[str]]:
        asked.clear()
        phases = {sight.phase.value for sight in system.look(jobs).values()}
        return len(asked), sorted(phases)

    drmaa.Session.jobStatus = staticmethod(counted)
    jobs = system.submit(request("two_hundred", "true", count=200, options={"h": True}))
    looks = [look(system) for _ in range(4)]
    everyone = len(set(asked))
    system.close()
    again = find_system("drmaa")
    adopted = [look(again) for _ in range(2)]
    again.cancel(jobs)
    until(again, jobs, Phase.ENDED)
    causes = {sight.cause.value for sight in again.look(jobs).values()}
    silent = look(again)
    again.close()
    return {"looks": looks, "last": everyone, "adopted": adopted, "causes": sorted(causes), "silent": silent}


def shared(_: BatchSystem) -> Told:
    """A session that the user's own code has opened, closes, and opens again."""
    import drmaa

    _.close()
    users = drmaa.Session()
    users.initialize()
    one, two = find_system("drmaa"), find_system("drmaa")
    [quick] = one.submit(request("quick", "exit 6"))
    ended = until(one, [quick], Phase.ENDED)[quick]
    one.close()
    [slow] = two.submit(request("slow", "sleep 300"))
    until(two, [slow], Phase.RUNNING)
    users.exit()
    told = failure(lambda: two.look([slow])), failure(lambda: two.submit(request("next", "true")))
    found = until(two, [slow], Phase.RUNNING)[slow]
    [after] = two.submit(request("after", "exit 8"))
    later = until(two, [after], Phase.ENDED)[after]
    two.cancel([slow])
    gone = until(two, [slow], Phase.ENDED)[slow]
    two.close()
    users.initialize()  # nobody holds it
    users.exit()
    return {
        "ended": tell(ended), "told": told, "found": tell(found), "later": tell(later), "gone": tell(gone)
    }  # fmt: skip


def found(system: BatchSystem) -> Told:
    """Which system is found without a name: as it is here, without DRMAA, and where nothing is."""
    system.close()
    anything = find_system()
    anything.close()
    del os.environ["DRMAA_LIBRARY_PATH"]
    commands = find_system()
    os.environ["PATH"] = "/nowhere"
    return {"drmaa": anything.name, "commands": commands.name, "nothing": failure(find_system)}


PROGRAMS = (endings, arrays, asking, away, gentle, questions, shared, found)


def main() -> None:
    system = find_system(sys.argv[1])
    told = {program.__name__: program for program in PROGRAMS}[sys.argv[2]](system)
    system.close()
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
