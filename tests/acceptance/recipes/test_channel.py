"""The way that log records take, and the helper for tools that crash: R9, R14, R19, R20."""

from __future__ import annotations

import logging
import pickle
import socket
import subprocess
import time
from pathlib import Path
from statistics import quantiles

from gangline.recipes import ComputeJob
from gangline.recipes.utilities import catch_segfaults
from tests.acceptance.recipes.conftest import Kept, Recipe, Script


def test_r9_without_a_receiver_the_job_runs_and_its_records_arrive(recipe: Recipe, tmp_path: Path, kept: Kept) -> None:
    file = tmp_path / "astray.py"
    file.write_text(
        "import sys\nfrom gangline.recipes import LOFARnode\n"
        "class astray(LOFARnode):\n"
        "    def run(self, *args):\n"
        "        self.logger.info('said %s', *args)\n"
        "        self.outputs['n'] = 7\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(astray(sys.argv[1], '1').run_with_logging(*sys.argv[3:]))  # where nobody listens\n"
    )
    job = ComputeJob("localhost", f"python {file}", arguments=["this"])
    assert recipe._schedule_jobs([job]).ok
    assert job.results["n"] == 7
    records = kept.of("node.localhost.astray")
    assert "said this" in [record.getMessage() for record in records]
    assert [record.levelname for record in records if "cannot be reached" in record.getMessage()] == ["WARNING"]


def test_r14_a_trivial_job_takes_no_longer_than_its_process(recipe: Recipe) -> None:
    def seconds() -> float:
        begun = time.monotonic()
        subprocess.run(["true"], check=True)
        return time.monotonic() - begun

    before = [seconds() for _ in range(25)]
    jobs = [ComputeJob("localhost", "true") for _ in range(50)]
    assert recipe._schedule_jobs(jobs, max_per_node=1).ok
    bare = before + [seconds() for _ in range(25)]
    # Whoever looks only ten times a second whether a job has ended finds most of them long over. Those jobs that a busy
    # machine has let wait say nothing.
    assert quantiles([job.results["job_duration"] for job in jobs], n=4)[0] < 15 * quantiles(bare, n=4)[0]


class Bomb:
    """Runs code where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_r19_a_stranger_at_the_log_port_gets_nowhere(
    recipe: Recipe, script: Script, tmp_path: Path, kept: Kept
) -> None:
    mark = tmp_path / "exploded"
    (tmp_path / "bomb").write_bytes(pickle.dumps(Bomb(mark)))
    command = script(
        """
        import socket
        bomb = open(args[0], "rb").read()
        record = b'{"log": {"name": "forged", "msg": "forged", "levelno": 50, "levelname": "CRITICAL"}}\\n'
        for said in (
            bomb, b"\\0\\0\\1\\0" + bomb, b"GET / HTTP/1.0\\r\\n\\r\\n", record, b'{"token": "0"}\\n' + record,
            b"x" * 100_000,
        ):
            with socket.create_connection((self.loghost, int(self.logport)), 30) as stranger:
                try:
                    stranger.sendall(said)
                    stranger.shutdown(socket.SHUT_WR)
                    answer = stranger.recv(100)
                except OSError:
                    answer = b""
                assert answer == b"", answer
        self.logger.info("still heard")
        """
    )
    job = ComputeJob("localhost", command, arguments=[tmp_path / "bomb"])
    assert recipe._schedule_jobs([job]).ok, job.outcome
    messages = [record.getMessage() for record in kept.of("node.localhost.node")]
    assert "still heard" in messages
    assert not any("forged" in record.getMessage() for record in kept.records)
    assert not mark.exists()
    assert recipe._schedule_jobs([ComputeJob("localhost", "true")]).ok


def test_r20_a_tool_that_crashes_is_tried_again(tmp_path: Path) -> None:
    log, cleaned = tmp_path / "log", []
    crash_once = ["sh", "-c", f"echo x >> {log}; test $(wc -l < {log}) = 2 || kill -SEGV $$"]
    logger = logging.getLogger("tool")
    catch_segfaults(crash_once, str(tmp_path), None, logger, max=2, cleanup=lambda: cleaned.append(1))
    assert log.read_text() == "x\n" * 2
    assert cleaned == [1]
    log.unlink()
    through_a_shell = ["sh", "-c", f"echo x >> {log}; test $(wc -l < {log}) = 2 || sh -c 'kill -SEGV $$'"]
    catch_segfaults(through_a_shell, str(tmp_path), None, logger, max=2)
    assert log.read_text() == "x\n" * 2


def test_the_receiver_listens_on_the_loopback_only(recipe: Recipe, script: Script) -> None:
    job = ComputeJob("localhost", script("self.outputs['address'] = [self.loghost, self.logport]"))
    recipe._schedule_jobs([job])
    host, _ = job.results["address"]
    assert socket.gethostbyname(host).startswith("127.")
