"""Programs that send jobs to a batch system; the first argument names the one to run. Each prints what it saw."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import drmaa

from gangline._runtime.session import Session
from gangline.backends.threads import ThreadsBackend
from gangline.pipeline import Pipeline, black_hole_logger
from gangline.pipeline.batch import inflight
from gangline.pipeline.drmaa_wrapper import error_drmaa_job, run_job


class Log:
    """A logger that keeps its messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def debug(self, message: str) -> None:
        self.messages.append(message)

    info = warning = debug


def outcome(cmd_str: str, session: Any, **options: Any) -> dict[str, Any]:
    """What became of a command."""
    log = Log()
    told: dict[str, Any] = {"log": log.messages}
    try:
        told["stdout"], told["stderr"] = run_job(cmd_str, drmaa_session=session, logger=log, **options)
    except error_drmaa_job as error:
        told |= {"error": str(error), "exit_code": error.exit_code, "signal": error.signal, "stdout": error.stdout}
    return told


def side_by_side(session: Any, calls: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, Any]:
    """Several commands at once, each on a thread."""
    told: dict[str, Any] = {}

    def keep(name: str, call: Callable[[], dict[str, Any]]) -> None:
        told[name] = call()

    threads = [threading.Thread(target=keep, args=item) for item in calls.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def wait_for(path: str) -> str:
    """The text of a file that a job will write."""
    while not (os.path.exists(path) and (text := Path(path).read_text())):
        time.sleep(0.02)
    return text.strip()


def endings(session: Any) -> dict[str, Any]:
    """Jobs that end in all ways, with every option."""
    odd = os.path.abspath("odd, dir: '$HOME' \"x\" é*")
    os.mkdir(odd)
    values = {"A": "x, y=z'\"q $HOME `ls`", "B": "two\nlines", "C": "", "BASH_ENV": "~/none"}
    retry = "test -e flag && exit 0; touch flag; exit 4"
    calls = {
        "fine": lambda: outcome("echo out; echo err >&2; printf no-end", session, job_name="1 job/x", verbose=1),
        "fails": lambda: outcome("echo before; exit 3", session),
        "signalled": lambda: outcome("kill -9 $$", session),
        "refused": lambda: outcome("true", session, job_other_options="-q nowhere", resubmit=3),
        "nowhere": lambda: outcome("true", session, working_directory="/nowhere"),
        "odd": lambda: outcome(
            "pwd; printenv A B C BASH_ENV", session, working_directory=odd, job_environment=values,
            job_script_directory="scripts, with $odd name",
        ),
        "again": lambda: outcome(retry, session, resubmit=3),
        "never": lambda: outcome("exit 5", session, resubmit=2),
        "kept": lambda: outcome("true", session, retain_job_scripts=True, job_script_directory="kept"),
        "deleted": lambda: outcome("echo $JOB_ID > deleted.id; sleep 300", session),
        "lost": lambda: outcome("echo $JOB_ID > lost.id; sleep 300", session),
    }  # fmt: skip

    def delete() -> None:
        subprocess.run(["qdel", wait_for("deleted.id")], capture_output=True, check=True)
        subprocess.run(["qdel", "-f", wait_for("lost.id")], capture_output=True, check=True)

    deleter = threading.Thread(target=delete)
    deleter.start()
    told = side_by_side(session, calls)
    deleter.join()
    return told | {"left": sorted(str(path) for path in Path().rglob("*_script_*"))}


def pauses(session: Any) -> dict[str, Any]:
    """A job that waits while its pipeline pauses."""
    pipeline = Pipeline("paused")
    pipeline.suspend_jobs()
    told: dict[str, Any] = {}
    command = "touch started; until [ -e go ]; do sleep 0.1; done; touch finished"
    worker = threading.Thread(target=lambda: told.update(outcome(command, session, pipeline="paused")))
    worker.start()
    while not any("suspended" in message for message in told.get("log", [])) and worker.is_alive():
        if states := [state for state in _states() if set(state) & set("hsST")]:
            told["state"] = states
            break
        time.sleep(0.1)
    pipeline.resume_jobs()
    Path("go").touch()
    worker.join()
    return told


def _states() -> list[str]:
    return [
        line.split()[4] for line in subprocess.run(["qstat"], capture_output=True, text=True).stdout.splitlines()[2:]
    ]


def closed(session: Any) -> dict[str, Any]:
    """A session that is not open."""
    session.exit()
    told = outcome("true", session)
    session.initialize()
    return told


def twenty(session: Any) -> dict[str, Any]:
    """Twenty jobs at once on threads, until Ctrl-C."""
    tasks = Session(ThreadsBackend(), engines=20)
    command = "touch started.$JOB_ID; sleep 300"
    handles = [tasks.submit(run_job, (command,), {"drmaa_session": session}) for _ in range(20)]
    return _interrupted(20, lambda: tasks.wait(handles), tasks.close)


def pipeline(session: Any) -> dict[str, Any]:
    """Twenty jobs of a pipeline, until Ctrl-C; the program closes its DRMAA session at once, as programs do."""
    command = "touch started.$JOB_ID; sleep 300"

    def make(output: str) -> None:
        run_job(command, drmaa_session=session)

    main_pipeline = Pipeline("of twenty")
    main_pipeline.originate(make, [f"{number}.made" for number in range(30)], name="make")
    _interrupt_when_started(20)
    try:
        main_pipeline.run(multithread=20, logger=black_hole_logger)
    except KeyboardInterrupt:
        session.exit()
        session.initialize()
        return {"scripts": [str(path) for path in Path().glob("drmaa_*")]}
    return {"scripts": "not interrupted"}


def one(session: Any) -> dict[str, Any]:
    """One job in the main thread, until Ctrl-C."""
    command = "touch started.$JOB_ID; sleep 300"
    return _interrupted(1, lambda: run_job(command, drmaa_session=session), lambda: None)


def _interrupt_when_started(jobs: int) -> None:
    def interrupt() -> None:
        while len(list(Path().glob("started.*"))) < jobs:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()


def _interrupted(jobs: int, wait: Callable[[], Any], close: Callable[[], None]) -> dict[str, Any]:
    _interrupt_when_started(jobs)
    orders: list[str] = []
    control = drmaa.Session.control

    def counted(job: str, order: str) -> None:
        orders.append(job)
        control(job, order)

    drmaa.Session.control = staticmethod(counted)
    try:
        wait()
    except KeyboardInterrupt:
        all_ended = inflight.end_all(60.0)
        close()
        scripts = [str(path) for path in Path().glob("drmaa_*")]
        return {"all_ended": all_ended, "orders": len(orders), "ordered": len(set(orders)), "scripts": scripts}
    return {"all_ended": "not interrupted"}


def main() -> None:
    session = drmaa.Session()
    session.initialize()
    programs = (endings, pauses, closed, twenty, pipeline, one)
    told = {program.__name__: program for program in programs}[sys.argv[1]](session)
    session.exit()
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
