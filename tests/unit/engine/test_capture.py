from __future__ import annotations

import io
import logging
import sys

import pytest

from gangline._engine.capture import Capture, TaskStream, install_streams
from gangline._engine.context import EngineContext
from gangline._engine.execute import ERROR, OK, run_task
from gangline._engine.failures import describe, pack_failure, unpack_failure
from gangline._engine.logs import TaskLogHandler, replay
from gangline.errors import ResultUnreadable
from gangline.messages import Failure, TaskId


def test_everything_is_taken_once_by_kind() -> None:
    capture = Capture()
    for stream, content in [
        ("stdout", "a"),
        ("stderr", "e"),
        ("stdout", "b"),
        ("data", {"x": 1, "y": 1}),
        ("data", {"x": 2}),
        ("display", {"data": {}, "metadata": {}}),
        ("log", {"msg": "m"}),
    ]:
        capture.add(stream, content)
    assert capture.dirty
    assert capture.take() == {
        "stdout": "ab",
        "stderr": "e",
        "outputs": [{"data": {}, "metadata": {}}],
        "logs": [{"msg": "m"}],
        "data": {"x": 2, "y": 1},
    }
    assert not capture.dirty
    assert capture.take() == {}


def test_news_come_once_and_text_is_joined() -> None:
    capture = Capture()
    capture.add("stdout", "a")
    capture.add("stdout", "b")
    capture.add("stderr", "c")
    assert capture.news() == [("stdout", "ab"), ("stderr", "c")]
    capture.add("stdout", "d")
    assert capture.news() == [("stdout", "d")]
    assert capture.take() == {"stdout": "abd", "stderr": "c"}


def test_news_of_the_next_task_are_not_taken_for_those_of_the_one_before() -> None:
    capture = Capture()
    capture.add("stdout", "of the next")
    assert capture.news(lambda: False) == []
    assert capture.news() == [("stdout", "of the next")]


def test_stream_keeps_for_a_task_and_passes_on_the_rest() -> None:
    capture, beneath = Capture(), io.StringIO()
    routes: list[Capture | None] = [capture, None]
    stream = TaskStream("stdout", lambda: routes[0], beneath)
    print("kept", file=stream, flush=True)
    stream.buffer.write(b"\xff")
    routes[0] = None
    print("passed on", file=stream)
    assert capture.take() == {"stdout": "kept\n\\xff"}
    assert beneath.getvalue() == "passed on\n"
    with pytest.raises(TypeError):
        stream.write(b"bytes")  # type: ignore[arg-type]


def test_streams_are_taken_away_only_where_they_still_are() -> None:
    before = sys.stdout, sys.stderr
    remove = install_streams(lambda: None)
    mine = sys.stderr = io.StringIO()
    remove()
    assert sys.stdout is before[0]
    assert sys.stderr is mine
    sys.stderr = before[1]


def test_log_records_keep_their_place_and_exception() -> None:
    capture = Capture()
    logger = logging.getLogger("gangline.tests.there")
    logger.propagate = False
    logger.addHandler(TaskLogHandler(lambda: capture))
    try:
        raise ValueError("inside")
    except ValueError:
        logger.exception("went %s", "wrong")
    logger.handlers.clear()
    (record,) = capture.take()["logs"]
    assert (record["msg"], record["funcName"]) == ("went wrong", "test_log_records_keep_their_place_and_exception")
    assert "ValueError: inside" in record["exc_text"]


def test_replay_respects_levels_here(caplog: pytest.LogCaptureFixture) -> None:
    fields = {"name": "gone.far", "levelno": logging.INFO, "levelname": "INFO", "msg": "100% sure"}
    replay([fields])
    assert caplog.records == []
    with caplog.at_level(logging.INFO, "gone.far"):
        replay([fields])
    assert [record.getMessage() for record in caplog.records] == ["100% sure"]


def test_context_is_left_in_order() -> None:
    context = EngineContext({}, 0, "name")
    seen: list[object] = []
    assert run_task(context, TaskId(3), lambda: seen.append((context.task, context.interruptible)), (), None)[0] == OK
    assert run_task(context, TaskId(4), lambda x: 1 / x, (0,), None)[0] == ERROR
    assert seen == [(3, True)]
    assert (context.task, context.interruptible) == (None, False)


def test_captured_names_give_way_to_the_users() -> None:
    context = EngineContext({"mine": 1}, 0, "name")
    context.fill({"mine": 2, "theirs": 3})
    context.fill({"theirs": 4})
    assert context.namespace == {"mine": 1, "theirs": 4}
    context.claim("theirs")
    context.fill({"theirs": 5})
    assert context.namespace["theirs"] == 4


class _Changed(Exception):
    def __reduce__(self) -> tuple[object, ...]:
        return (str, ("not an exception",))


def test_failures_travel() -> None:
    def packed(error: BaseException) -> Failure:
        return unpack_failure(pack_failure(Failure(error, *describe(error))))

    plain = packed(KeyError("k"))
    assert type(plain.error) is KeyError
    assert plain.error.args == ("k",)
    changed = packed(_Changed("x"))
    assert isinstance(changed.error, ResultUnreadable)
    assert (changed.ename, changed.evalue) == ("_Changed", "x")

    class Local(Exception):
        pass

    assert type(packed(Local("y")).error) is Local
