"""What a task writes: with its result, and while it runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest

from gangline.messages import Output
from gangline.testing.conformance.base import Part
from gangline.testing.conformance.driver import Driver, value_of
from gangline.testing.probes.outputs import (
    LOGGER,
    publish_lock,
    talk,
    talk_and_fail,
    talk_and_wait,
    talk_from_thread,
    write_much,
    write_to_descriptors,
)

__all__ = ["Outputs"]


def as_complete(word: str) -> dict[str, Any]:
    """What `talk` leaves, but for its log records."""
    return {
        "stdout": f"{word} out\n",
        "stderr": f"{word} err\n",
        "outputs": [{"data": {"text/plain": f"{word} shown"}, "metadata": {"width": 1}}],
        "data": {"first": word, "second": len(word)},
    }


class Outputs(Part):
    """What a task writes: with its result, and while it runs."""

    def test_everything_comes_with_the_result(self, driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
        """Each task's own, and nothing of one that wrote nothing. Log records also reach the client's loggers."""
        tasks = driver.send_all([(talk, ("one",), {}), (abs, (1,), {}), (talk, ("three",), {})])
        one, silent, three = (attempt.extras for attempt in driver.results(tasks))
        assert silent is None
        for word, extras in (("one", one), ("three", three)):
            assert extras is not None
            kept = dict(extras)
            (record,) = kept.pop("logs")
            assert kept == as_complete(word)
            assert (record["name"], record["levelname"], record["msg"]) == (LOGGER, "WARNING", f"{word} log")
        ours = [record.getMessage() for record in caplog.records if record.name == LOGGER]
        assert ours == ["one log", "three log"]

    def test_while_it_runs(self, driver: Driver, capsys: pytest.CaptureFixture[str]) -> None:
        """It is reported at once and again, complete, with the result; or the client sees it on its own streams."""
        if not self.traits.concurrent:
            driver.value(talk, "here")
            assert capsys.readouterr() == ("here out\n", "here err\n")
            assert driver.outputs == []
            return
        complete = as_complete("early")
        live = {"display" if name == "outputs" else name: content for name, content in complete.items()}
        with driver.gate() as gate:
            task = driver.send(talk_and_wait, gate.door)
            driver.until(lambda: gate.entered)
            driver.until(lambda: _without_log(driver.outputs) == live)
            assert task not in driver.done
        attempt = driver.results([task])[0]
        assert value_of(attempt) is None
        extras = dict(attempt.extras or {})
        logs = extras.pop("logs")
        assert extras == complete | {"stdout": "early out\nlate\n"}
        assert [record["msg"] for record in logs] == ["early log"]
        assert _joined(driver.outputs)["log"] == logs
        assert capsys.readouterr() == ("", "")

    def test_of_a_task_that_fails(self, driver: Driver) -> None:
        """It is kept."""
        attempt = driver.run(talk_and_fail)
        assert attempt.value.ename == "ValueError"
        assert attempt.extras == {"stdout": "before\n"}

    def test_bytes_and_other_threads(self, driver: Driver) -> None:
        """Bytes count as text. What a thread of the task writes is the task's where an engine is a process."""
        extras = driver.run(talk_from_thread).extras
        assert extras == {"stdout": "main\nside\nbytes\n" if self.traits.own_processes else "main\nbytes\n"}

    def test_published_data_that_cannot_be_pickled(self, driver: Driver) -> None:
        """It is left out, and said so; result and text come; where nothing is copied it comes too."""
        attempt = driver.run(publish_lock)
        extras = attempt.extras or {}
        assert (attempt.value, extras["stdout"]) == ("done", "kept\n")
        if self.traits.copies:
            assert "data" not in extras
            assert "cannot be pickled" in extras["stderr"]
        else:
            assert set(extras["data"]) == {"lock"}

    def test_much_text(self, driver: Driver) -> None:
        """Two megabytes of it, line by line, all there and in order."""
        text = (driver.run(write_much).extras or {})["stdout"]
        assert text == "".join(f"{number:0100}\n" for number in range(20_000))

    def test_descriptors(self, driver: Driver, capfd: pytest.CaptureFixture[str]) -> None:
        """What is written past Python reaches the client's descriptors only where engines have none of their own."""
        assert driver.run(write_to_descriptors).extras is None
        mine = ("", "") if self.traits.own_processes else ("straight to 1\n", "straight to 2\n")
        assert capfd.readouterr() == mine

    def test_streams_of_the_client(self, start: Callable[[int | None], Driver]) -> None:
        """They are as they were, when no task runs; also after two tasks at once."""
        before = (sys.stdout, sys.stderr, list(logging.getLogger().handlers))
        driver = start(2)
        one, other = driver.join(2)
        driver.while_running(lambda *_: driver.value(talk, "beside", engine=other) and None, engine=one)
        driver.until(lambda: not driver.out)
        driver.until(lambda: (sys.stdout, sys.stderr, list(logging.getLogger().handlers)) == before)


def _joined(outputs: list[Output]) -> dict[str, Any]:
    """Pieces put together again by stream."""
    joined: dict[str, Any] = {}
    for output in outputs:
        match output.stream:
            case "stdout" | "stderr":
                joined[output.stream] = joined.get(output.stream, "") + output.content
            case "data":
                joined["data"] = joined.get("data", {}) | output.content
            case stream:
                joined.setdefault(stream, []).append(output.content)
    return joined


def _without_log(outputs: list[Output]) -> dict[str, Any]:
    """What was written, once the log record is there as well."""
    joined = _joined(outputs)
    return joined if joined.pop("log", None) else {}
