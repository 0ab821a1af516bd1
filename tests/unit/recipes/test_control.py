"""Pipelines in Python: no command line, no files but the runtime folder's."""

from __future__ import annotations

import logging
import math
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from gangline.recipes import (
    BaseRecipe,
    ComputeJob,
    DataMap,
    Field,
    FileField,
    InputError,
    IntField,
    ListField,
    PipelineQuit,
    PipelineRecipeFailed,
    RecipeNotFound,
    RemoteCommandRecipeMixIn,
    StringField,
    control,
)

ran: list[str] = []


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's own is read; what is kept is kept in the test's folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ran.clear()


class add(BaseRecipe):
    inputs = {"one": IntField(), "two": IntField(default=1), "thing": ListField(optional=True)}  # noqa: RUF012
    outputs = {"sum": IntField()}  # noqa: RUF012

    def go(self) -> Any:
        super().go()
        ran.append(f"{self.name} {self.inputs['one']}")
        self.outputs["sum"] = self.inputs["one"] + self.inputs["two"]


class write(BaseRecipe):
    inputs = {"text": StringField()}  # noqa: RUF012
    outputs = {"file": FileField()}  # noqa: RUF012

    def go(self) -> Any:
        super().go()
        ran.append("write")
        Path("made").write_text(self.inputs["text"])
        self.outputs["file"] = "made"


class broken(BaseRecipe):
    def go(self) -> Any:
        raise OSError("disk full")


def pipeline(logic: Any, **inputs: Any) -> control:
    """A pipeline of this logic; it is the same for each logic."""
    made: control = type("night", (control,), {"pipeline_logic": logic})(**inputs)
    return made


def test_outputs_of_one_are_inputs_of_the_next() -> None:
    sums = []

    def logic(self: control) -> None:
        first = self.run_task(add, one="1")
        sums.append(self.run_task("add", one=first["sum"], two=40)["sum"])

    assert pipeline(logic).run() == 0
    assert pipeline(logic).run() == 0
    assert sums == [42, 42]
    assert ran == ["add 1", "add 2"]
    assert os.listdir() == [".gangline"]
    assert pipeline(logic, resume=False).run() == 0
    assert len(ran) == 4


def test_outputs_that_are_gone_or_changed_are_made_again(caplog: pytest.LogCaptureFixture) -> None:
    def logic(self: control) -> None:
        self.run_task(write, text="x")

    def reasons() -> str:
        caplog.clear()
        with caplog.at_level(logging.INFO, "gangline.recipes"):
            assert pipeline(logic).run() == 0
        return caplog.messages[-1]

    assert reasons() == "task write runs"
    assert reasons() == "task write is done: skipped"
    Path("made").unlink()
    assert reasons() == "task write runs again: made is gone"
    Path("made").write_text("else")
    assert reasons() == "task write runs again: made has changed"


def test_what_cannot_be_compared_runs_always(caplog: pytest.LogCaptureFixture) -> None:
    def logic(self: control) -> None:
        self.run_task(add, one=1, thing=[threading.Lock()])

    assert pipeline(logic).run() == 0
    with caplog.at_level(logging.INFO, "gangline.recipes"):
        assert pipeline(logic).run() == 0
    assert len(ran) == 2
    assert "'thing', _thread.lock" in caplog.text
    assert "cannot be compared with the run before" in caplog.text


def test_failures(caplog: pytest.LogCaptureFixture) -> None:
    def logic(self: control) -> int:
        with pytest.raises(PipelineRecipeFailed, match="task broken failed: OSError: disk full") as caught:
            self.run_task(broken)
        assert isinstance(caught.value.__cause__, OSError)
        assert (caught.value.task, caught.value.status) == ("broken", 1)
        with pytest.raises(InputError, match=r"task add \(recipe add\): input 'one' is missing"):
            self.run_task(add)
        with pytest.raises(RecipeNotFound, match=r"there is no recipe 'ad' .*did you mean 'add'"):
            self.run_task("".join(("a", "d")))
        with pytest.raises(ValueError, match="is no recipe: a class derived from BaseRecipe"):
            self.run_task("x", recipe=int)
        with pytest.raises(ValueError, match="a task is named by a text"):
            self.run_task(3)  # type: ignore[arg-type]
        assert self.cook_recipe(broken) == 1
        self.run_task(broken)
        return 0

    night = pipeline(logic)
    assert night.run() == 1
    assert "night ends here: task broken failed" in caplog.text
    assert isinstance(night.failure, PipelineRecipeFailed)


def test_quitting_is_no_failure() -> None:
    def logic(self: control) -> None:
        raise PipelineQuit("enough")

    assert pipeline(logic).run() == 0


def test_a_pipeline_without_logic(caplog: pytest.LogCaptureFixture) -> None:
    assert control().run() == 1
    assert "has no pipeline_logic" in caplog.text


def test_tasks_in_threads() -> None:
    def logic(self: control) -> None:
        threads = [threading.Thread(target=self.run_task, args=(add, [str(n)]), kwargs={"one": n}) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert pipeline(logic).run() == 0
    assert sorted(ran) == [f"add {n}" for n in range(8)]
    assert pipeline(logic).run() == 0
    assert len(ran) == 8


def test_jobs_with_the_same_command_are_told_apart(tmp_path: Path) -> None:
    class twice(BaseRecipe, RemoteCommandRecipeMixIn):
        def go(self) -> int:
            super().go()
            jobs = [ComputeJob("localhost", ["sh", "-c", "echo x >>ran; test ! -e fail"]) for _ in range(3)]
            self._schedule_jobs(jobs, max_per_node=1)
            self._schedule_jobs([ComputeJob("localhost", ["sh", "-c", "echo last >>ran"])])
            return int(self.error.is_set())

    def logic(self: control) -> None:
        self.run_task(twice)

    assert pipeline(logic).run() == 0
    assert (tmp_path / "ran").read_text().split() == ["x", "x", "x", "last"]
    (tmp_path / "ran").unlink()
    assert pipeline(logic, resume=False).run() == 0
    assert (tmp_path / "ran").read_text().split() == ["x", "x", "x", "last"]


def test_what_comes_after_a_job_that_has_run_again_runs_again(tmp_path: Path) -> None:
    class steps(BaseRecipe, RemoteCommandRecipeMixIn):
        def go(self) -> int:
            super().go()
            for step in ("a", "b"):
                commands = [f"echo {step}{n} >>ran; test ! -e fail-{step}{n}" for n in range(3)]
                self._schedule_jobs([ComputeJob("localhost", ["sh", "-c", command]) for command in commands])
            return int(self.error.is_set())

    def logic(self: control) -> None:
        self.run_task(steps)

    (tmp_path / "fail-a1").touch()
    assert pipeline(logic).run() == 1
    assert sorted((tmp_path / "ran").read_text().split()) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    (tmp_path / "fail-a1").unlink()
    (tmp_path / "ran").unlink()
    assert pipeline(logic).run() == 0
    assert sorted((tmp_path / "ran").read_text().split()) == ["a1", "b0", "b1", "b2"]


def test_data_maps_come_back_as_they_were(tmp_path: Path) -> None:
    class copy(BaseRecipe, RemoteCommandRecipeMixIn):
        inputs = {"files": Field()}  # noqa: RUF012
        outputs = {"copies": Field(), "more": Field()}  # noqa: RUF012

        def go(self) -> int:
            super().go()
            files = self.inputs["files"]
            self.outputs["copies"] = DataMap((each.host, f"{each.file}.copy", each.skip) for each in files)
            self.outputs["more"] = {"path": Path("x"), "pair": (1, 2.5), 3: {b"x", None}, "inf": -math.inf}
            command = "echo {0} >>ran; test {0} != bad"
            jobs = [
                ComputeJob(each.host, ["sh", "-c", command.format(each.file)], products=[each, other])
                for each, other in zip(files, self.outputs["copies"], strict=True)
            ]
            self._schedule_jobs(jobs, tolerate="some")
            return int(self.error.is_set())

    seen: list[Any] = []

    def logic(self: control) -> None:
        files = DataMap([("localhost", "a"), ("localhost", "bad"), ("localhost", "c")])
        first = self.run_task(copy, files=files)
        second = self.run_task(copy, files=files)  # leaves out what has failed in the first
        seen.append([files, dict(first), dict(second)])

    assert pipeline(logic).run() == 0
    assert sorted((tmp_path / "ran").read_text().split()) == ["a", "a", "bad", "c", "c"]
    (tmp_path / "ran").unlink()
    assert pipeline(logic).run() == 0
    assert not (tmp_path / "ran").exists()
    assert seen[0] == seen[1]
    assert [each.skip for each in seen[1][0]] == [each.skip for each in seen[1][1]["copies"]] == [False, True, False]
    assert isinstance(seen[1][1]["copies"], DataMap)


def test_outputs_that_cannot_be_kept(caplog: pytest.LogCaptureFixture) -> None:
    class gives(BaseRecipe):
        outputs = {"it": Field()}  # noqa: RUF012

        def go(self) -> None:
            ran.append("gives")
            self.outputs["it"] = threading.Lock()

    def logic(self: control) -> None:
        self.run_task(gives)

    for _ in range(2):
        assert pipeline(logic).run() == 0
    assert ran == ["gives", "gives"]
    assert "its output 'it', _thread.lock, cannot be kept; it will run again next time" in caplog.text


def test_what_has_run_again_makes_anew_what_it_gives_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    class source(BaseRecipe):
        inputs = {"level": IntField()}  # noqa: RUF012
        outputs = {"files": Field(), "host": StringField()}  # noqa: RUF012

        def go(self) -> None:
            self.outputs["files"] = DataMap([("localhost", "x.fits")])
            self.outputs["host"] = "localhost"

    class uses(BaseRecipe):
        inputs = {"it": Field()}  # noqa: RUF012

        def go(self) -> None:
            ran.append(self.name)

    def logic(self: control) -> None:
        given = self.run_task(source, level=level)
        self.run_task("files", recipe=uses, it=given["files"])
        self.run_task("host", recipe=uses, it=given["host"])
        self.run_task("other", recipe=uses, it=DataMap([("localhost", "y.fits")]))

    level = 1
    assert pipeline(logic).run() == 0
    assert ran == ["files", "host", "other"]
    ran.clear()
    level = 2
    with caplog.at_level(logging.INFO, "gangline.recipes"):
        assert pipeline(logic).run() == 0
    assert ran == ["files"]
    assert "task files runs again: task source, which gave it x.fits, has run again" in caplog.text


def test_a_recipe_that_resumes(tmp_path: Path) -> None:
    class some(BaseRecipe, RemoteCommandRecipeMixIn):
        def go(self) -> int:
            super().go()
            commands = [f"echo {n} >>ran; test ! -e fail-{n}" for n in range(3)]
            self._schedule_jobs([ComputeJob("localhost", ["sh", "-c", command]) for command in commands])
            return int(self.error.is_set())

    (tmp_path / "fail-1").touch()
    assert some(resume=True).run() == 1
    (tmp_path / "fail-1").unlink()
    (tmp_path / "ran").unlink()
    assert some(resume=True).run() == 0
    assert (tmp_path / "ran").read_text() == "1\n"
    assert some().run() == 0
    assert sorted((tmp_path / "ran").read_text().split()) == ["0", "1", "1", "2"]
