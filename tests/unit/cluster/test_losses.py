"""What is lost: engines that are replaced, or not, and jobs that somebody has left."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from gangline.backends.batch.system import Cause, Phase, Sight
from gangline.cluster.hosts import Engine, EngineReport, Host, Losses, is_loopback
from gangline.cluster.jobledger import JobLedger, left_ledgers
from gangline.cluster.looking import Seen, Watch
from gangline.cluster.naming import named


def host_of(*names: str) -> Host:
    nursery: Any = None
    host = Host("h", nursery, ready=True)
    host.engines = [Engine(EngineReport(name, "h", "up", 1)) for name in names]
    host.made = len(names)
    return host


class TestEngines:
    def test_one_that_was_up_gets_a_successor_in_its_place(self) -> None:
        host = host_of("h-0", "h-1")
        lost = host.engines[0]
        lost.over("it was ended by SIGKILL")
        new = host.replace(lost, 0.0)
        assert new is not None
        assert [engine.report.name for engine in host.engines] == ["h-2", "h-1"]
        assert new.report.reason == "in the place of h-0: it was ended by SIGKILL"
        assert host.replace(lost, 0.0) is None, "it was replaced already"

    def test_one_that_has_never_come_up_stays_as_it_is(self) -> None:
        host = host_of()
        (new,) = host.have(1)
        new.over("it ended with exit code 1")
        assert host.replace(new, 0.0) is None
        assert new.report.state == "failed"

    def test_too_many_within_a_minute_are_not_replaced(self) -> None:
        host = host_of("h-0")
        for now in range(5):
            (engine,) = host.engines
            engine.report.state = "up"
            engine.over("it has crashed")
            assert host.replace(engine, float(now)) is not None
        (engine,) = host.engines
        engine.report.state = "up"
        engine.over("it has crashed")
        assert host.replace(engine, 5.0) is None
        assert "too many were lost within a minute" in engine.report.reason

    def test_later_ones_are_again(self) -> None:
        losses = Losses()
        assert [losses.on_loss(now) for now in (0, 1, 2, 3, 4, 5, 70)] == [True] * 5 + [False, True]

    def test_those_in_a_row_that_share_a_reason_share_a_line(self) -> None:
        reports = [EngineReport(f"a-{number}", "a", reason="one" if number < 3 else "two") for number in range(4)]
        assert list(named(reports)) == ["  a-0 to a-2: one", "  a-3: two"]

    def test_addresses_that_nobody_else_can_reach(self) -> None:
        assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.1.2.3", "::1"]))
        assert not any(map(is_loopback, [None, "", "10.0.0.1", "node001"]))


class TestLedgers:
    @pytest.fixture
    def files(self, tmp_path: Path) -> Path:
        files = tmp_path / "night-abc"
        files.mkdir()
        return files

    def test_those_of_a_program_that_lives_are_not_left(self, tmp_path: Path, files: Path) -> None:
        ledger = JobLedger(tmp_path, "slurm", str(files))
        ledger.write(["12", "7"])
        found: list[Any] = []
        other = threading.Thread(target=lambda: found.extend(left_ledgers(tmp_path)))
        other.start()
        other.join()
        assert not found
        ledger.close()
        assert list(tmp_path.iterdir()) == [files]

    def test_what_a_killed_one_has_left_is_found_once(self, tmp_path: Path, files: Path) -> None:
        ledger = JobLedger(tmp_path, "slurm", str(files))
        ledger.write(["12", "7", "100"])
        ledger.write(["12", "7"])
        os.close(ledger._descriptor)  # as the system does when a program is killed
        assert list(left_ledgers(tmp_path)) == [("slurm", ["12", "7"])]
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        "text", ["", "one line\n", "elsewhere\nslurm\n/tmp/night-abc\n12\n"], ids=["empty", "short", "another host"]
    )
    def test_what_is_not_of_this_host_is_let_alone(self, tmp_path: Path, files: Path, text: str) -> None:
        (tmp_path / "night-abc.jobs").write_text(text)
        assert list(left_ledgers(tmp_path)) == []
        assert files.exists()

    def test_no_folder_but_its_own_is_removed(self, tmp_path: Path, files: Path) -> None:
        (tmp_path / "other.jobs").write_text(f"{os.uname().nodename}\nslurm\n{files}\n")
        assert list(left_ledgers(tmp_path)) == [("slurm", [])]
        assert files.exists()


@pytest.mark.parametrize(
    ("sight", "seen"),
    [
        (Sight(Phase.WAITING, reason="Resources"), Seen("waits", "it waits in the queue (Resources)")),
        (Sight(Phase.WAITING), Seen("waits", "it waits in the queue")),
        (Sight(Phase.RUNNING, host="n1"), Seen("runs", "n1")),
        (Sight(Phase.ENDED, Cause.EXIT, 3), Seen("ended", "it has ended with exit code 3")),
        (Sight(Phase.ENDED, Cause.SIGNAL, signal="SIGKILL"), Seen("ended", "it was ended by SIGKILL")),
        (Sight(Phase.ENDED, Cause.TIME_LIMIT), Seen("ended", "it has reached its time limit")),
        (Sight(Phase.ENDED, Cause.MEMORY, reason="x"), Seen("ended", "it has used more memory than it may (x)")),
        (Sight(Phase.ENDED, Cause.CANCELLED), Seen("ended", "it was cancelled")),
        (Sight(Phase.ENDED, Cause.HOST), Seen("ended", "its host has failed, or could not run it")),
        (Sight(Phase.ENDED), Seen("ended", "it has ended")),
    ],
)
def test_what_a_scheduler_says_in_words(sight: Sight, seen: Seen) -> None:
    system: Any = Saying(sight)
    watch = Watch("slurm", "")
    watch._system = system
    assert watch.look(["5"]) == {"5": seen}


class Saying:
    """A scheduler that says the same of all jobs."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight

    def look(self, jobs: list[str]) -> dict[str, Sight]:
        return dict.fromkeys(jobs, self.sight)


def test_what_is_unknown_may_yet_be_told_unless_we_have_cancelled_it() -> None:
    watch = Watch("sge", "")
    watch._system = Saying(Sight(Phase.UNKNOWN))  # type: ignore[assignment]
    assert watch.look(["5"]) == {}
    assert watch.look(["5"], cancelled=["5"])["5"].phase == "ended"


def test_how_jobs_of_other_schedulers_are_is_not_known() -> None:
    watch = Watch("pbs", "true")
    assert not watch.can_look
    assert watch.look(["5"]) == {}
    assert watch.cancel(["5"])
    assert not Watch("pbs", "false").cancel(["5"])
    assert not Watch("pbs", "/nowhere/qdel").cancel(["5"])
