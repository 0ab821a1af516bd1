"""What becomes of jobs: R1 to R4, R11 to R14, R17, R18."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from gangline.errors import UsageError
from gangline.recipes import ComputeJob
from tests.acceptance.recipes.conftest import Kept, Recipe, Script


def run_one(recipe: Recipe, command: object, *arguments: object, **more: object) -> ComputeJob:
    job = ComputeJob("localhost", command, arguments=arguments, **more)  # type: ignore[arg-type]
    assert recipe._schedule_jobs([job]) == {0: job}
    return job


def test_r1_each_failure_is_told_apart_and_the_others_run_on(recipe: Recipe, script: Script, tmp_path: Path) -> None:
    ways = script(
        """
        way = args[0]
        if way == "one": return 1
        if way == "seven": sys.exit(7)
        if way == "raises": raise ValueError("no such thing")
        if way == "segv": os.kill(os.getpid(), signal.SIGSEGV)
        if way == "kill": os.kill(os.getpid(), signal.SIGKILL)
        if way == "text": sys.exit("text")
        if way == "outputs": self.outputs["x"] = object()
        self.logger.info("fine")
        return 0
        """
    )
    names = ["one", "seven", "raises", "segv", "kill", "text", "outputs"]
    jobs = [ComputeJob("localhost", ways, arguments=[name]) for name in names]
    jobs.append(ComputeJob("localhost", str(tmp_path / "nothing"), arguments=[]))
    jobs += [ComputeJob("localhost", ways, arguments=["fine"]) for _ in range(4)]
    result = recipe._schedule_jobs(jobs, max_per_node=4)
    assert recipe.error.is_set()
    assert recipe.error.isSet()
    assert list(result) == list(range(12))
    kinds = [job.outcome.kind for job in result.values()]
    assert kinds == [
        "exit", "exit", "raised", "signal", "signal", "exit", "bad_outputs", "not_started",
        "succeeded", "succeeded", "succeeded", "succeeded",
    ]  # fmt: skip
    codes = [job.results["returncode"] for job in jobs]
    assert codes == [1, 7, 1, "SIGSEGV", "SIGKILL", 1, 1, 127, 0, 0, 0, 0]
    assert "no such thing" in jobs[2].outcome.message
    assert "'x'" in jobs[6].outcome.message
    assert len(result.failed) == 8
    assert not result.ok
    with pytest.raises(ExceptionGroup) as raised:
        result.raise_for_failures()
    assert len(raised.value.exceptions) == 8


def test_r1_fail_fast_ends_the_rest(recipe: Recipe, script: Script) -> None:
    command = script("if args[0] == 'bad': return 3\ntime.sleep(1000)")
    jobs = [ComputeJob("localhost", command, arguments=[way]) for way in ("good", "bad", "good", "good")]
    result = recipe._schedule_jobs(jobs, max_per_node=3, fail_fast=True)
    assert [job.outcome.kind for job in result.values()] == ["cancelled", "exit", "cancelled", "cancelled"]
    assert recipe.error.is_set()


@pytest.mark.parametrize(("body", "code"), [("pass", 0), ("return 0", 0), ("return 42", 42)])
def test_r2_r3_the_value_of_run_is_the_exit_code(recipe: Recipe, script: Script, body: str, code: int) -> None:
    assert run_one(recipe, script(body)).results["returncode"] == code
    assert recipe.error.is_set() == (code != 0)


@pytest.mark.parametrize("value", ["'fine'", "[1]", "1.5", "1000"])
def test_r4_another_value_is_a_failure_that_says_so(recipe: Recipe, script: Script, kept: Kept, value: str) -> None:
    job = run_one(recipe, script(f"return {value}"))
    assert job.outcome.kind == "bad_value"
    assert value.strip("'") in job.outcome.message
    assert any(value.strip("'") in record.getMessage() for record in kept.of("node.localhost.node"))


def test_results_are_there_in_both_forms(recipe: Recipe, script: Script) -> None:
    job = run_one(recipe, script("self.outputs['sum'] = sum(map(int, args))\nself.outputs['who'] = 'Ångström'"), 1, 2)
    assert job.results["outputs"] == {"sum": 3, "who": "Ångström"} == job.outcome.outputs
    assert job.results["sum"] == 3
    assert 0 < job.results["job_duration"] < 60
    assert job.outcome.ok
    assert job.ok


def test_r11_not_found_and_not_executable_are_told_apart(recipe: Recipe, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("echo")
    missing = run_one(recipe, [str(tmp_path / "no")])
    refused = run_one(recipe, [str(plain)])
    exits = run_one(recipe, ["sh", "-c", "exit 127"])
    folder = run_one(recipe, ["true"], cwd=tmp_path / "nowhere")
    assert [job.outcome.kind for job in (missing, refused, exits, folder)] == ["not_started"] * 2 + [
        "exit",
        "not_started",
    ]
    assert [job.results["returncode"] for job in (missing, refused, exits)] == [127, 126, 127]
    assert str(tmp_path / "no") in missing.outcome.message
    assert "nowhere" in folder.outcome.message


def test_r12_the_limit_of_a_host_holds_across_schedules_in_order(recipe: Recipe, tmp_path: Path) -> None:
    log = tmp_path / "log"
    step = ["sh", "-c", 'echo "+ $1" >> "$0"; sleep 0.1; echo "- $1" >> "$0"', str(log)]

    def go(name: str) -> None:
        recipe._schedule_jobs([ComputeJob("localhost", [*step, f"{name}{n}"]) for n in range(3)], max_per_node=1)

    threads = [threading.Thread(target=go, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = log.read_text().splitlines()
    assert len(lines) == 12
    for begun, ended in zip(lines[::2], lines[1::2], strict=True):
        assert begun[0] == "+"
        assert ended == f"-{begun[1:]}"
    for name in "ab":
        assert [line[3] for line in lines if line.startswith(f"+ {name}")] == ["0", "1", "2"]


def test_r13_the_event_stays_set_and_each_schedule_says_what_is_true(recipe: Recipe) -> None:
    bad = recipe._schedule_jobs([ComputeJob("localhost", "false")])
    good = recipe._schedule_jobs([ComputeJob("localhost", "true")])
    assert recipe.error.is_set()
    assert (bad.ok, good.ok) == (False, True)


def test_r17_any_thread_an_empty_list_and_a_generator(recipe: Recipe) -> None:
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(recipe._schedule_jobs([ComputeJob("localhost", "true")])))
    thread.start()
    thread.join()
    assert results[0][0].ok  # type: ignore[index]
    assert recipe._schedule_jobs([]) == {}
    result = recipe._schedule_jobs(ComputeJob("localhost", "true") for _ in range(3))
    assert len(result) == 3
    assert result.ok


AWKWARD = ["a b", "it's", '"quoted"', "*", "$HOME", "a\nb", "", "ünï ☃", "\\", "-x", "; exit 3", "%s", "a\tb"]


def test_r18_arguments_are_exact(recipe: Recipe, script: Script, tmp_path: Path) -> None:
    target = tmp_path / "said"
    body = f"open({str(target)!r}, 'w', encoding='utf-8').write(repr(args))"
    assert run_one(recipe, script(body), *AWKWARD).ok
    assert target.read_text(encoding="utf-8") == repr(tuple(AWKWARD))


def test_a_plain_command_gets_nothing_but_its_arguments(recipe: Recipe, kept: Kept) -> None:
    assert run_one(recipe, "echo", "one", "two").ok
    assert [record.getMessage() for record in kept.of("node.localhost")] == ["one two"]


def test_a_node_script_that_wants_the_number_of_its_job(recipe: Recipe, tmp_path: Path) -> None:
    file = tmp_path / "numbered.py"
    file.write_text(
        "import sys\nfrom gangline.recipes import LOFARnodeTCP\n"
        "class numbered(LOFARnodeTCP):\n"
        "    def run(self, *args):\n        self.outputs['said'] = [self.job_id, *args]\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(numbered(sys.argv[1], sys.argv[2], sys.argv[3]).run_with_stored_arguments())\n"
    )
    jobs = [ComputeJob("localhost", f"python {file}", arguments=["a b", each]) for each in "xy"]
    recipe._schedule_jobs(jobs)
    assert [job.results["said"] for job in jobs] == [["0", "a b", "x"], ["1", "a b", "y"]]


def test_environment_input_and_folder(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_HERE", "here")
    target = tmp_path / "said"
    command = ["sh", "-c", 'echo "$FROM_HERE $OWN $(cat) $(pwd)" > "$0"', target]
    assert run_one(recipe, command, env={"OWN": "own"}, input="in", cwd=tmp_path).ok
    assert target.read_text() == f"here own in {tmp_path}\n"


def test_a_time_limit(recipe: Recipe) -> None:
    job = run_one(recipe, ["sleep", "1000"], time_limit_s=0.3)
    assert job.outcome.kind == "timed_out"
    assert "0.3 s" in job.outcome.message


def test_a_job_is_tried_again(recipe: Recipe, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    job = ComputeJob("localhost", ["sh", "-c", 'echo x >> "$0"; test $(wc -l < "$0") = 3', str(mark)])
    assert recipe._schedule_jobs([job], retries=5).ok
    assert mark.read_text() == "x\n" * 3
    assert job.outcome.attempts == 3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ComputeJob("-oProxyCommand=x", "true"), "no name of a host"),
        (lambda: ComputeJob("a b", "true"), "no name of a host"),
        (lambda: ComputeJob([], "true"), "needs a host"),
        (lambda: ComputeJob(None, "true"), "named by a text"),
        (lambda: ComputeJob("localhost", ""), "no command"),
        (lambda: ComputeJob("localhost", "echo 'a"), "cannot be read"),
        (lambda: ComputeJob("localhost", "echo", "text"), "must be a list"),
        (lambda: ComputeJob("localhost", "echo", ["a\0b"]), "NUL"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused_at_once(make: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make()  # type: ignore[operator]


def test_a_schedule_that_makes_no_sense_starts_nothing(recipe: Recipe, tmp_path: Path) -> None:
    good = ComputeJob("localhost", ["touch", tmp_path / "made"])
    for bad in ([good, "ls"], [good, good]):
        with pytest.raises(UsageError):
            recipe._schedule_jobs(bad)  # type: ignore[arg-type]
    for option in ({"max_per_node": -1}, {"tolerate": 1.5}, {"tolerate": "all"}, {"retries": -1}):
        with pytest.raises(UsageError):
            recipe._schedule_jobs([good], **option)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []
