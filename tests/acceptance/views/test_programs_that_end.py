"""Programs that are interrupted, killed, forked or simply end: no hang, no orphan, no noise."""

from __future__ import annotations

import signal

import pytest

PRELUDE = """
import os, sys, time, signal
import gangline.views as ipp
rc = ipp.Client(n=2{options})
rc.wait_for_engines(2, timeout=60)
view = rc.load_balanced_view()
print(*rc[:].apply_sync(os.getpid), flush=True)
def long(path):
    import os, time
    with open(path, "a") as file:
        file.write("x")
    time.sleep(600)
    with open(path, "a") as file:
        file.write("finished")
mark = os.path.join(os.environ["FOLDER"], "mark")
def wait_until_running(count=1):
    while not os.path.exists(mark) or len(open(mark).read()) < count:
        time.sleep(0.005)
"""


@pytest.fixture
def start(start_program):
    def start(text, options=""):
        program = start_program(PRELUDE.format(options=options) + text)
        pids = [int(pid) for pid in program.line().split()]
        return program, pids

    return start


def check_all_gone(pids, until, alive):
    until(lambda: not any(alive(pid) for pid in pids), what="the end of the engines")


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param("", id="falls off the end"),
        pytest.param("sys.exit(0)", id="sys.exit"),
        pytest.param("raise SystemExit", id="SystemExit"),
        pytest.param("del rc, view", id="client collected"),
        pytest.param("os._exit(0)", id="os._exit"),
    ],
)
@pytest.mark.parametrize("work", ["idle", "running", "queued"])
def test_exit_with_work_in_flight(start, until, alive, ending, work):
    tasks = {
        "idle": "",
        "running": "ar = view.apply_async(long, mark)\nwait_until_running()\n",
        "queued": "ars = [view.apply_async(long, mark) for _ in range(100)]\nwait_until_running(2)\n",
    }
    program, pids = start(tasks[work] + ending)
    program.finish()
    assert program.process.returncode == 0, program.stderr
    assert program.stderr == ""
    check_all_gone(pids, until, alive)


def test_exit_by_an_error_shows_that_error(start, until, alive):
    program, pids = start("ar = view.apply_async(long, mark)\nwait_until_running()\n1 / 0\n")
    program.finish()
    assert program.process.returncode == 1
    assert program.stderr.strip().endswith("ZeroDivisionError: division by zero")
    check_all_gone(pids, until, alive)


@pytest.mark.parametrize("options", [", backend='threads'", ", backend='processes'"])
def test_exit_with_tasks_that_would_take_long(start, until, options):
    program, _ = start("ars = [view.apply_async(time.sleep, 0.1) for _ in range(5_000)]\n", options)
    program.finish()
    assert program.process.returncode == 0, program.stderr


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV], ids=lambda s: s.name)
@pytest.mark.parametrize("work", ["idle", "running"])
def test_killed_client_leaves_no_orphans(start, until, alive, signum, work):
    text = "ar = view.apply_async(long, mark)\nwait_until_running()\n" if work == "running" else ""
    program, pids = start(text + "print('ready', flush=True)\ntime.sleep(600)\n")
    assert program.line() == "ready"
    program.send(signum)
    program.finish()
    check_all_gone(pids, until, alive)


SUBMITTED = "ar = view.apply_async(long, mark)\nwait_until_running()\n"


@pytest.mark.parametrize(
    ("before", "wait"),
    [
        (SUBMITTED, "ar.get()"),
        (SUBMITTED, "ar.wait()"),
        (SUBMITTED, "ar.result()"),
        (SUBMITTED, "rc.wait()"),
        (SUBMITTED, "rc.wait([ar])"),
        (SUBMITTED, "view.wait(ar)"),
        (SUBMITTED, "ar.wait_interactive()"),
        (SUBMITTED, "rc.wait_for_engines(3)"),
        (SUBMITTED, "concurrent.futures.wait([ar])"),
        (SUBMITTED, "asyncio.run(asyncio.wait_for(ar, 500))"),
        ("", "view.apply_sync(long, mark)"),
        ("", "view.map_sync(long, [mark])"),
        ("", "list(view.imap(long, [mark]))"),
        ("", "next(iter(view.map_async(long, [mark])))"),
        ("", "rc[:].apply_sync(long, mark)"),
        ("", "rc[0].execute('import time; open(%r, %r).write(%r); time.sleep(600)' % (mark, 'a', 'x'), block=True)"),
    ],
)
def test_keyboard_interrupt_in_a_wait(start, until, alive, before, wait):
    program, pids = start(
        "import asyncio, concurrent.futures\n"
        f"{before}"
        "try:\n"
        "    print('waiting', flush=True)\n"
        f"    {wait}\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
        "print('interrupted', flush=True)\n"
        "if rc.outstanding:\n"
        "    rc.abort(interrupt=True)\n"
        "print('usable', view.apply_async(lambda: 1).get(timeout=60), flush=True)\n"
        "rc.close()\n"
    )
    assert program.line() == "waiting"
    until((program.errors.parent / "mark").exists)
    program.wait_until_it_waits()
    program.send(signal.SIGINT)
    assert program.line() == "interrupted"
    assert program.line() == "usable 1"
    program.finish()
    check_all_gone(pids, until, alive)


def test_keyboard_interrupt_reaches_the_client_and_not_the_engines(start_program, until):
    """As Ctrl-C in a terminal: the signal goes to the whole foreground group."""
    program = start_program(
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-u', '-c', '''\n"
        "import os, signal, time\n"
        "import gangline.views as ipp\n"
        "rc = ipp.Client(n=1)\n"
        "def held(begun, told):\n"
        "    import os, time\n"
        '    open(begun, "w").close()\n'
        "    while not os.path.exists(told): time.sleep(0.01)\n"
        '    return "untouched"\n'
        'begun, told = (os.path.join(os.environ["FOLDER"], name) for name in ("begun", "told"))\n'
        "ar = rc[0].apply_async(held, begun, told)\n"
        "while not os.path.exists(begun): time.sleep(0.01)\n"
        "try:\n"
        "    os.killpg(0, signal.SIGINT)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        '    print("interrupted")\n'
        'open(told, "w").close()\n'
        "print(ar.get(timeout=60))\n"
        "rc.close()\n"
        "'''], start_new_session=True)\n"
        "sys.exit(child.wait())\n"
    )
    assert program.finish().splitlines() == ["interrupted", "untouched"]


def test_close_with_work_in_flight(start, until, alive):
    program, pids = start(
        "ars = [view.apply_async(long, mark) for _ in range(10)]\n"
        "wait_until_running(2)\n"
        "rc.close()\n"
        "for ar in ars:\n"
        "    try:\n"
        "        ar.get(timeout=60)\n"
        "    except Exception as error:\n"
        "        assert not isinstance(error, TimeoutError), error\n"
        "print('done', flush=True)\n"
    )
    assert program.line() == "done"
    program.finish()
    assert program.stderr == ""
    check_all_gone(pids, until, alive)


def test_program_without_a_main_guard(start_program):
    """Engines are clean interpreters: they do not run the program again."""
    program = start_program(
        "import gangline.views as ipp\n"
        "print('once', flush=True)\n"
        "rc = ipp.Client(n=2)\n"
        "def local(x):\n"
        "    return helper(x) + CONSTANT\n"
        "def helper(x):\n"
        "    return 10 * x\n"
        "CONSTANT = 3\n"
        "print(rc.load_balanced_view().map_sync(local, range(4)))\n"
    )
    assert program.finish().splitlines() == ["once", "[3, 13, 23, 33]"]


def test_program_from_standard_input():
    import subprocess
    import sys

    text = "import gangline.views as ipp\nrc = ipp.Client(n=1)\nprint(rc[0].apply_sync(lambda x: x + 1, 1))\n"
    done = subprocess.run([sys.executable, "-"], input=text, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_client_made_in_a_thread(start_program):
    program = start_program(
        "import threading\n"
        "import gangline.views as ipp\n"
        "def work():\n"
        "    with ipp.Client(n=1) as rc:\n"
        "        print(rc[0].apply_sync(lambda: 'from a thread'))\n"
        "thread = threading.Thread(target=work)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    assert program.finish() == "from a thread\n"
    assert program.stderr == ""
