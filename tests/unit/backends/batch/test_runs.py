"""What programs that died have left for the next ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gangline.backends.batch.jobs import Orphans
from gangline.backends.batch.runs import Run, abandoned_runs
from gangline.errors import BackendError
from tests.unit.backends.batch.by_hand import NAMES, SGE, attempt, begin, order, run_alone


def test_a_run_is_taken_over_when_its_program_has_died(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = Run.begin(tmp_path)
    one, other = order("echo 1"), order("echo 2")
    submission, request = run.prepare([one, other, one], [(0, "a"), (1, "b"), (2, "c")], NAMES)
    submission.submitted(["5_1", "5_2", "5_3"])
    begin(request, 1).wait()
    submission.forget(2)
    doubtful, _ = run.prepare([one], [(0, "a")], NAMES)  # nobody knows whether it was submitted
    assert list(abandoned_runs(tmp_path)) == []  # it is still held
    run.end(keep=True)
    orphans = Orphans.of(tmp_path, NAMES)
    assert "2 jobs" in caplog.text
    assert not doubtful.folder.exists()
    found = list(orphans.take(one.fingerprint))
    assert list(abandoned_runs(tmp_path)) == []  # now it is held again
    assert [orphan.id for orphan in found] == ["5_1", "5_3"]
    assert [orphan.submission.how_it_ended(orphan.number) is None for orphan in found] == [False, True]
    assert list(orphans.take(other.fingerprint)) == []
    orphans.close()
    assert list(tmp_path.iterdir()) == []


def test_a_program_does_not_keep_another_from_finding_its_jobs(tmp_path: Path) -> None:
    run = Run.begin(tmp_path)
    one = order("echo 1")
    submission, _ = run.prepare([one, one], [(0, "a"), (1, "b")], NAMES)
    submission.submitted(["5_1", "5_2"])
    run.end(keep=True)
    another, itself = Orphans.of(tmp_path, NAMES), Orphans.of(tmp_path, NAMES)
    assert list(another.take(order("echo 2").fingerprint)) == []
    taken = iter(itself.take(one.fingerprint))
    assert next(taken).id == "5_1"
    assert list(another.take(one.fingerprint)) == []
    assert next(taken).id == "5_2"


def test_jobs_that_have_begun_while_their_program_died_are_known(run: Run, tmp_path: Path) -> None:
    """It had submitted them, and has not written down their numbers."""
    orders = [order(f"echo {number} >> lines") for number in range(3)]
    _, request = run.prepare(orders, [(n, "a") for n in range(3)], NAMES)
    _, single = run.prepare([order("echo alone >> lines")], [(0, "a")], NAMES)
    begin(request, 2).wait()
    begin(single).wait()
    run.end(keep=True)
    orphans = Orphans.of(run.path.parent, NAMES)
    assert begin(request, 3).wait() != 0  # too late
    assert Path("lines").read_text() == "1\nalone\n"
    found = [[(orphan.id, orphan.number) for orphan in orphans.take(each.fingerprint)] for each in orders]
    assert found == [[], [("70_2", 2)], []]
    assert [orphan.id for orphan in orphans.take(order("echo alone >> lines").fingerprint)] == ["77"]


def test_a_child_does_not_hold_what_its_parent_held(tmp_path: Path) -> None:
    """Such as one of multiprocessing, which lives on when the program is killed."""
    run = Run.begin(tmp_path)
    reading, writing = os.pipe()
    there = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.write(there[1], b"x")
        os.read(reading, 1)
        os._exit(0)
    os.read(there[0], 1)
    assert list(abandoned_runs(tmp_path)) == []
    run.close()  # as its end does
    assert len(list(abandoned_runs(tmp_path))) == 1
    os.close(writing)
    os.waitpid(child, 0)
    for end in (reading, *there):
        os.close(end)


def test_many_programs_that_start_at_once(tmp_path: Path) -> None:
    """None takes the run of another, which has just been made, for one that was left."""
    code = (
        "import sys; from pathlib import Path; from gangline.backends.batch.jobs import Orphans\n"
        "from tests.unit.backends.batch.by_hand import NAMES, Run\n"
        "for _ in range(60):\n"
        "    run = Run.begin(Path(sys.argv[1])); Orphans.of(Path(sys.argv[1]), NAMES)\n"
        "    assert (run.path / 'onnode.py').exists(); run.end(keep=False)"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [program.wait() for program in programs] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_odd_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = os.fsdecode(bytes(tmp_path) + b"/\xff \"'$HOME\n*")
    os.mkdir(folder)
    monkeypatch.chdir(folder)
    run = Run.begin(Path("jobs").absolute())
    one = order("pwd")
    submission, code = run_alone(run, one)
    assert code == 0
    assert "$HOME\n*" in (attempt(one, submission).extras or {})["stdout"]


def test_what_nobody_asks_for_is_left_to_the_next_run(tmp_path: Path) -> None:
    run = Run.begin(tmp_path)
    one = order("echo 1")
    submission, _ = run.prepare([one], [(0, "a")], NAMES)
    submission.submitted(["5"])
    run.end(keep=True)
    Orphans.of(tmp_path, NAMES).close()
    Orphans.of(tmp_path, SGE).close()  # of another scheduler: not ours to judge
    assert [orphan.id for orphan in Orphans.of(tmp_path, NAMES).take(one.fingerprint)] == ["5"]


def test_a_job_that_writes_while_its_folder_is_removed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one that is being ended: nothing of it stays."""
    submission, _ = run.prepare([order("true")], [(0, "a")], NAMES)
    rmdir = os.rmdir
    late = submission.folder / "ended" / "late"

    def remove(path: str, *, dir_fd: int | None = None) -> None:
        if path == "ended" and not late.exists() and submission.left:
            submission.left.clear()  # once
            late.touch()
        rmdir(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", remove)
    run.end(keep=False)
    assert submission.left == set()
    assert not run.path.exists()


def test_a_folder_that_is_half_written(tmp_path: Path) -> None:
    run = Run.begin(tmp_path)
    submission, _ = run.prepare([order("true")], [(0, "a")], NAMES)
    submission.submitted(["5"])
    (submission.folder / "jobs.json").write_text('["5')
    run.end(keep=True)
    orphans = Orphans.of(tmp_path, NAMES)
    assert list(orphans.take(order("true").fingerprint)) == []
    orphans.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackendError, match=r"has to be one that all hosts see.*folder="):
        Run.begin(tmp_path / "file")
