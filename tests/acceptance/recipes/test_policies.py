"""What is tolerated, what is skipped, and jobs that start together: R25, R30."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import UsageError
from gangline.recipes import ComputeJob
from tests.acceptance.recipes.conftest import Recipe


def jobs_of(*codes: int) -> list[ComputeJob]:
    return [ComputeJob("localhost", ["sh", "-c", f"exit {code}"]) for code in codes]


@pytest.mark.parametrize(
    ("tolerate", "codes", "tolerated"),
    [
        ("none", (0, 0), True), ("none", (0, 1), False), ("some", (1, 1, 0), True), ("some", (1, 1), False),
        (1, (0, 1), True), (1, (1, 1, 0), False), (0, (1,), False), (0.5, (0, 1), True), (0.5, (1, 1, 0), False),
        (1.0, (1, 1), True),
    ],
)  # fmt: skip
def test_r25_some_may_fail(recipe: Recipe, tolerate: Any, codes: tuple[int, ...], tolerated: bool) -> None:
    result = recipe._schedule_jobs(jobs_of(*codes), tolerate=tolerate)
    assert result.ok == tolerated
    assert recipe.error.is_set() == (not tolerated)
    assert [job.results["returncode"] for job in result.values()] == list(codes)


@dataclass
class Product:
    host: str
    file: str
    skip: bool = False


def test_r25_skips_propagate(recipe: Recipe) -> None:
    first, second, third = (Product("localhost", name) for name in "abc")
    third.skip = True
    entries = [(first, 0), (second, 1), (third, 0)]
    jobs = [ComputeJob("localhost", ["sh", "-c", f"exit {code}"], products=[each]) for each, code in entries]
    result = recipe._schedule_jobs(jobs, tolerate="some")
    assert [each.skip for each in (first, second, third)] == [False, True, True]
    assert [job.outcome.kind for job in result.values()] == ["succeeded", "exit", "skipped"]
    assert not recipe.error.is_set()


def test_r25_what_is_skipped_does_not_count(recipe: Recipe) -> None:
    gone = Product("localhost", "gone", skip=True)
    jobs = [ComputeJob("localhost", "true", products=[gone]), ComputeJob("localhost", "false")]
    result = recipe._schedule_jobs(jobs, tolerate="some")
    assert not result.ok
    assert "1 of 1" in result.message


def meet(folder: Path, name: str, members: int) -> list[str]:
    """A command that ends well if all members are there at once."""
    text = f"touch {folder}/{name}; for i in $(seq 1200); do test $(ls {folder} | wc -l) = {members} && exit 0; sleep 0.05; done; exit 9"  # noqa: E501
    return ["sh", "-c", text]


def test_r30_a_gang_starts_together(recipe: Recipe, tmp_path: Path) -> None:
    jobs = [ComputeJob("localhost", meet(tmp_path, f"m{n}", 5)) for n in range(5)]
    assert recipe._schedule_jobs(jobs, gang=True).ok


def test_r30_two_gangs_at_once_do_not_wait_for_each_other(recipe: Recipe, tmp_path: Path) -> None:
    oks: list[bool] = []

    def go(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        jobs = [ComputeJob("localhost", meet(folder, f"m{n}", 3)) for n in range(3)]
        oks.append(recipe._schedule_jobs(jobs, max_per_node=3, gang=True).ok)

    threads = [threading.Thread(target=go, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert oks == [True] * 3


def test_r30_the_first_failure_ends_the_gang(recipe: Recipe) -> None:
    jobs = [ComputeJob("localhost", ["sleep", "1000"]) for _ in range(3)]
    jobs.append(ComputeJob("localhost", ["sh", "-c", "sleep 0.2; exit 4"]))
    result = recipe._schedule_jobs(jobs, gang=True)
    assert [job.outcome.kind for job in result.values()] == ["cancelled"] * 3 + ["exit"]
    assert "exit code 4" in result.message


def test_r30_all_or_nothing(recipe: Recipe, tmp_path: Path) -> None:
    jobs = [ComputeJob("localhost", ["touch", tmp_path / f"made{n}"]) for n in range(3)]
    jobs.append(ComputeJob("no-such-host.invalid", "true"))
    result = recipe._schedule_jobs(jobs, gang=True)
    assert [job.outcome.kind for job in result.values()] == ["cancelled"] * 3 + ["unreachable"]
    assert list(tmp_path.iterdir()) == []


def test_r30_a_gang_that_can_never_start_is_refused(recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="never start together"):
        recipe._schedule_jobs([ComputeJob("localhost", "true") for _ in range(3)], max_per_node=2, gang=True)
