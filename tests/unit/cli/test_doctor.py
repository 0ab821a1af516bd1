"""What the doctor sees, in a world that is made up."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gangline.backends.batch.system import BatchSystem
from gangline.cli import findings
from gangline.cli.findings import State, examine_engines, examine_extras, examine_machine
from gangline.cli.main import gangline
from gangline.errors import BackendError


class FakeClient:
    """Answers every task on the spot; the backend named in `broken` cannot start."""

    broken = ""

    def __init__(self, *, backend: str, n: int) -> None:
        if backend == self.broken:
            raise BackendError("no engine came up")
        assert n == 1

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def load_balanced_view(self) -> FakeClient:
        return self

    def apply_async(self, function: Callable[[], int]) -> FakeClient:
        assert function is os.getpid
        return self

    def get(self, timeout: float) -> int:
        assert timeout > 0
        return 1


def find_none() -> BatchSystem:
    raise BackendError("there is none")


@pytest.fixture(autouse=True)
def _nothing_real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither engines nor the scheduler that the machine may have."""
    monkeypatch.setattr(findings, "Client", FakeClient)
    monkeypatch.setattr(findings, "find_system", find_none)
    monkeypatch.setattr(findings, "find_configured", lambda _: [])
    monkeypatch.setattr(FakeClient, "broken", "")


def by_subject(found: Any) -> dict[str, findings.Finding]:
    return {finding.subject: finding for finding in found}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(gangline, ["doctor", *arguments])


def test_a_healthy_installation() -> None:
    result = run("--output", "json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["healthy"]) == (0, True)
    states = {finding["subject"]: finding["state"] for finding in report["findings"]}
    for subject in (
        "gangline",
        "python",
        "cores",
        "memory",
        "engines: inline",
        "engines: threads",
        "engines: processes",
    ):
        assert states[subject] == "ok"


def test_a_broken_backend_is_named_and_changes_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeClient, "broken", "processes")
    found = by_subject(examine_engines(1.0))
    assert found["engines: threads"].state is State.OK
    assert found["engines: processes"].state is State.BROKEN
    assert found["engines: processes"].detail == "BackendError: no engine came up"
    result = run()
    assert result.exit_code == 1
    assert "Broken: engines: processes." in result.stdout


def test_a_scheduler_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def find_late() -> BatchSystem:
        asked.wait()
        return find_none()

    monkeypatch.setattr(findings, "find_system", find_late)
    monkeypatch.setattr(findings, "find_configured", lambda _: ["slurm"])
    try:
        result = run("--timeout", "0.1")
    finally:
        asked.set()
    assert result.exit_code == 1
    assert "slurm, by the configuration: no answer in 0.1 s" in result.stdout
    assert "Broken: batch system." in result.stdout


def test_quiet_says_nothing_but_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeClient, "broken", "threads")
    result = run("--output", "quiet")
    assert (result.exit_code, result.output) == (1, "")


def test_a_folder_that_is_missing_or_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(findings, "_SHARED_MEMORY", tmp_path / "nowhere")
    monkeypatch.setattr(findings, "_SCARCE_BYTES", 2**70)
    found = by_subject(examine_machine())
    assert found["shared memory"].state is State.BROKEN
    assert found["shared memory"].advice
    assert found["temporary files"].state is State.OK
    assert "TMPDIR" in found["temporary files"].advice


def test_the_limits_of_a_container_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(findings, "_CONTROL_GROUP", tmp_path)
    assert "limited" not in by_subject(examine_machine())["memory"].detail
    (tmp_path / "memory.max").write_text(f"{3 * 2**30}\n")
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    found = by_subject(examine_machine())
    assert "limited to 3.0 GiB" in found["memory"].detail
    assert "limited to the time of 1.5" in found["cores"].detail
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert "limited" not in by_subject(examine_machine())["cores"].detail


def test_extras_are_read_from_the_package_and_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"pytest": "9", "left-pad": "1.0"}
    declared = [
        "click>=8",
        'pytest>=8; extra == "good"',
        "left-pad; extra == 'half'",
        'right.pad[fast]>=2,<3; extra == "half"',
        'gangline[good]; extra == "all"',
        'pytest>=8; extra == "all"',
    ]

    def version(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(findings.metadata, "requires", lambda _: declared)
    monkeypatch.setattr(findings.metadata, "version", version)
    found = by_subject(examine_extras())
    assert set(found) == {"extra: good", "extra: half"}
    assert (found["extra: good"].state, found["extra: good"].detail) == (State.OK, "pytest 9")
    assert found["extra: half"].state is State.ABSENT
    assert found["extra: half"].detail == "lacks right.pad; has left-pad 1.0"
    assert found["extra: half"].advice == "pip install 'gangline[half]'"


def test_every_extra_of_the_package_is_reported() -> None:
    declared = set(metadata.metadata("gangline").get_all("Provides-Extra") or ())
    assert {finding.subject for finding in examine_extras()} == {f"extra: {extra}" for extra in declared - {"all"}}
