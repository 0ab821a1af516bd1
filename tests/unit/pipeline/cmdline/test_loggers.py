"""Loggers that jobs share, and those that need no setting up."""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import cloudpickle
import pytest

from gangline._runtime.session import Session
from gangline.backends.processes import ProcessesBackend
from gangline.errors import UsageError
from gangline.pipeline import cmdline, proxy_logger
from gangline.pipeline.loggers import StderrLogger, StreamLogger, black_hole_logger
from gangline.pipeline.proxy_logger import LoggerProxy, MutexProxy
from gangline.pipeline.sharing.server import Address, server


def shared(tmp_path, **args):
    given = {"file_name": str(tmp_path / "log"), "formatter": "%(levelname)s %(message)s", "level": logging.DEBUG}
    made = proxy_logger.make_shared_logger_and_proxy(proxy_logger.setup_std_shared_logger, "shared", given | args)
    return *made, tmp_path / "log"


def elsewhere(code, *proxies, stdin=None):
    """Run code in another process that has the proxies."""
    program = f"import sys, pickle\nlogger, mutex = pickle.load(sys.stdin.buffer)\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(proxies), capture_output=True, timeout=120, check=True
    )


def write_all(logger):
    logger.debug("debug %s", 1)
    logger.info("info")
    logger.warning("100%")
    logger.error("error %(a)s", {"a": 2})
    logger.critical("critical")
    logger.log(15, "own level")
    try:
        raise ValueError("problem")
    except ValueError:
        logger.exception("failed")


EXPECTED = ["DEBUG debug 1", "INFO info", "WARNING 100%", "ERROR error 2", "CRITICAL critical", "MESSAGE own level"]


def test_messages_are_written_here(tmp_path):
    logger, mutex, log = shared(tmp_path)
    with mutex:
        write_all(logger)
    lines = log.read_text().splitlines()
    assert lines[:6] == EXPECTED
    assert lines[6] == "ERROR failed"
    assert lines[-1] == "ValueError: problem"


def test_messages_of_engine_processes_arrive(tmp_path):
    logger, mutex, log = shared(tmp_path)

    def work(number):
        with mutex:
            logger.info("begin %d", number)
            time.sleep(0.01)
            logger.info("end %d", number)
        return os.getpid()

    with Session(ProcessesBackend(), engines=2) as session:
        handles = [session.submit(work, (number,)) for number in range(10)]
        session.wait(handles)
        session.wait([session.submit(write_all, (logger,))])
        assert os.getpid() not in {handle.value for handle in handles}
    lines = log.read_text().splitlines()
    for begin, end in zip(lines[:20:2], lines[1:20:2], strict=True):
        assert begin.replace("begin", "end") == end
    assert len({line for line in lines[:20] if "begin" in line}) == 10
    assert lines[20:26] == EXPECTED
    assert lines[-1] == "ValueError: problem"


def test_the_lock_of_a_process_that_ends_is_free_again(tmp_path):
    logger, mutex, _ = shared(tmp_path)
    elsewhere("import os; mutex.acquire(); os._exit(0)", logger, mutex)
    assert mutex.acquire(timeout=60)
    mutex.release()


def test_a_lock_that_is_held_is_waited_for_as_long_as_asked(tmp_path):
    logger, mutex, log = shared(tmp_path)
    with mutex:
        code = "logger.info(f'{mutex.acquire(False)} {mutex.acquire(timeout=0.05)}')"
        elsewhere(code, logger, mutex)
        assert mutex.acquire(blocking=False) is False
    assert log.read_text() == "INFO False False\n"
    elsewhere("logger.info(f'{mutex.acquire()}'); mutex.release(); mutex.acquire(); mutex.release()", logger, mutex)
    assert log.read_text().endswith("INFO True\n")


def test_a_lock_that_is_not_held_cannot_be_released(tmp_path):
    logger, mutex, log = shared(tmp_path)
    with pytest.raises(RuntimeError):
        mutex.release()
    with mutex:
        elsewhere("try: mutex.release()\nexcept RuntimeError: logger.info('refused')", logger, mutex)
        assert log.read_text() == "INFO refused\n"


def test_where_the_logger_is_not_reachable_messages_stay_there(tmp_path):
    nowhere = Address(str(tmp_path / "nowhere"), b"key")
    proxies = (kind("another process", "1", "name", nowhere) for kind in (LoggerProxy, MutexProxy))
    done = elsewhere("with mutex: logger.warning('stays %s', 'here')", *proxies)
    assert done.stderr == b"stays here\n"


def test_strangers_are_turned_away_and_pickles_are_not_read(tmp_path):
    logger, mutex, log = shared(tmp_path)
    pickle.dumps(logger)
    path, key = server().address()
    assert os.stat(Path(path).parent).st_mode & 0o077 == 0
    with pytest.raises((AuthenticationError, EOFError, OSError)):
        Client(path, "AF_UNIX", authkey=b"guess")
    for nonsense in (pickle.dumps(print), b"5", b"[]", b'["log", "no such"]', b'["release", 7]', b"\xff"):
        with Client(path, "AF_UNIX", authkey=key) as connection:
            connection.send_bytes(nonsense)
            with pytest.raises((EOFError, OSError)):
                connection.recv_bytes()
    number = logger.__reduce__()[1][1]
    with Client(path, "AF_UNIX", authkey=key) as connection:
        connection.send_bytes(json.dumps(["log", number, "addHandler", "x"]).encode())  # no level
        connection.recv_bytes()
        connection.send_bytes(json.dumps(["unknown", number]).encode())
        assert json.loads(connection.recv_bytes()) is False
    elsewhere("logger.info('still there')", logger, mutex)
    assert log.read_text() == "INFO still there\n"


def test_threads_of_another_process_exclude_each_other(tmp_path):
    logger, mutex, log = shared(tmp_path)
    code = """
import threading, time
def work():
    with mutex:
        logger.info("begin"); time.sleep(0.005); logger.info("end")
threads = [threading.Thread(target=work) for _ in range(6)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
"""
    elsewhere(code, logger, mutex)
    assert log.read_text().split() == ["INFO", "begin", "INFO", "end"] * 6


def test_a_logger_that_fails_does_not_stop_the_others(tmp_path, caplog):
    class Failing:
        def info(self, message):
            raise OSError("disk full")

    logger, mutex = proxy_logger.make_shared_logger_and_proxy(lambda name, args: Failing(), "failing", None)
    elsewhere("logger.info('x'); logger.info('y')", logger, mutex)
    assert [record.message for record in caplog.records] == ["a shared logger failed"] * 2


def test_proxies_travel_with_functions_and_on(tmp_path):
    logger, mutex, log = shared(tmp_path)
    again, _ = pickle.loads(cloudpickle.dumps((logger, mutex)))
    again.info("from a copy")
    elsewhere("logger = pickle.loads(pickle.dumps(logger)); logger.info('from a copy of a copy')", logger, mutex)
    assert log.read_text() == "INFO from a copy\nINFO from a copy of a copy\n"
    assert repr(again) == "<LoggerProxy 'shared'>"


def test_nothing_listens_before_a_proxy_travels(tmp_path):
    program = (
        "import threading, gangline.pipeline.cmdline as c\n"
        "logger, mutex = c.setup_logging('x', None, 1)\n"
        "with mutex: logger.info('shown')\n"
        "print(threading.active_count())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "    shown\n")


def test_a_file_logger_needs_a_file():
    with pytest.raises(UsageError, match="Missing file name for log"):
        proxy_logger.setup_std_shared_logger("x", {})


def test_a_file_logger_rotates(tmp_path):
    args = {"rotating": True, "maxBytes": 40, "backupCount": 2}
    logger, _, _ = shared(tmp_path, **args)
    for number in range(20):
        logger.info("message number %d", number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]


def test_a_file_logger_may_wait_with_its_file(tmp_path):
    logger, _, log = shared(tmp_path, delay=True)
    assert not log.exists()
    logger.info("now")
    assert log.exists()


def test_a_logger_from_a_configuration_file(tmp_path):
    log, file = tmp_path / "log", tmp_path / "logging.ini"
    file.write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=file\n[formatters]\nkeys=\n"
        "[logger_root]\nlevel=INFO\nhandlers=file\n"
        f"[handler_file]\nclass=FileHandler\nargs=({str(log)!r},)\n"
    )
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logger = proxy_logger.setup_std_shared_logger("configured", {"config_file": str(file)})
        logger.info("by configuration")
        for handler in root.handlers:
            handler.close()
    finally:
        root.handlers[:], root.level = before
    assert log.read_text() == "by configuration\n"


def written(tmp_path, capsys, log_file, verbose):
    name = str(tmp_path / "log") if log_file else None
    logger, _ = cmdline.setup_logging("program", name, verbose)
    logger.debug("debug")
    logger.info("info")
    logger.log(cmdline.MESSAGE, "message")
    logger.warning("warning")
    return (tmp_path / "log").read_text().splitlines() if name else [], capsys.readouterr().err.split()


def test_a_program_logs_to_its_file_and_to_standard_error(tmp_path, capsys):
    lines, shown = written(tmp_path, capsys, True, 1)
    assert lines[0] == ""
    assert lines[1].endswith(" program")
    times = [line.split(" - ")[0] for line in lines[2:]]
    assert all(len(time_of_day) == len("12:34:56") for time_of_day in times)
    assert [line[8:] for line in lines[2:]] == [
        " - program -   INFO - info",
        " - program - MESSAGE - message",
        " - program - WARNING - warning",
    ]
    assert shown == ["debug", "message", "warning"]


@pytest.mark.parametrize(
    ("log_file", "verbose", "expected"),
    [(False, 0, []), (False, 3, ["debug", "info", "message", "warning"]), (True, 0, [])],
)
def test_what_a_program_shows(tmp_path, capsys, log_file, verbose, expected):
    assert written(tmp_path, capsys, log_file, verbose)[1] == expected


def test_the_simple_loggers(capsys):
    black_hole_logger.info("x")
    black_hole_logger.error("x")
    logger = StderrLogger()
    logger.info("100%")
    logger.debug("filled %s", "in")
    logger.warning("careful")
    logger.error("bad")
    assert capsys.readouterr().err == "100%\nfilled in\n\n\nWARNING:\n    careful\n\n\n\nERROR:\n    bad\n\n"
    logger.add_unique_prefix()
    copy = pickle.loads(pickle.dumps(logger))
    copy.info("x")
    assert capsys.readouterr().err == f"{logger.unique_prefix}x\n"
    StreamLogger(sys.stderr).info("to a stream")
    assert capsys.readouterr().err == "to a stream\n"


def test_many_threads_write_whole_lines(tmp_path):
    logger, _, log = shared(tmp_path)
    threads = [threading.Thread(target=lambda: [logger.info("line") for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.read_text() == "INFO line\n" * 200
