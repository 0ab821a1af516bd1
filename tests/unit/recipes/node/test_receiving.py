from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gangline.recipes.receiving import JobVoice, Verdict

ENOUGH = {"name": "a", "levelno": 20, "msg": "text"}


@pytest.fixture
def voice() -> JobVoice:
    return JobVoice("far", 3, "tool", "secret")


def messages(kept: list[logging.LogRecord]) -> list[tuple[str, str, str]]:
    return [(record.name, record.levelname, record.getMessage()) for record in kept]


def test_lines_become_records(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    voice.on_line("stdout", "%s 50% {}")
    voice.on_line("stderr", "oh")
    assert messages(kept) == [("node.far.tool", "INFO", "%s 50% {}"), ("node.far.tool", "WARNING", "oh")]
    assert [(each.__dict__["host"], each.__dict__["job"], each.__dict__["stream"]) for each in kept] == [
        ("far", 3, "stdout"),
        ("far", 3, "stderr"),
    ]
    shown = "%(asctime)s %(msecs)d %(process)s %(module)s %(lineno)d %(funcName)s %(threadName)s %(message)s"
    assert logging.Formatter(shown).format(kept[0]).endswith("%s 50% {}")


def test_empty_lines_do_not(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    for line in ("", " ", "\t\r", "\r"):
        voice.on_line("stdout", line)
        voice.on_line("stderr", line)
    assert kept == []
    assert voice.tail == ""


def test_records_below_the_level_of_their_logger_here_are_not_handed_over(
    voice: JobVoice, kept: list[logging.LogRecord]
) -> None:
    logging.getLogger("node").setLevel(logging.WARNING)
    voice.on_line("stdout", "no")
    voice.on_line("stderr", "yes")
    voice.on_message({"log": {**ENOUGH, "msg": "no"}})
    voice.on_message({"log": {**ENOUGH, "levelno": 30, "msg": "also"}})
    assert [message for _, _, message in messages(kept)] == ["yes", "also"]


def test_records_of_the_node_go_to_the_loggers_of_their_names(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    voice.on_message({"log": {**ENOUGH, "name": "node.far.Class"}})
    voice.on_message({"log": ENOUGH})
    assert messages(kept) == [("node.far.Class", "INFO", "text"), ("node.far.a", "INFO", "text")]
    assert kept[0].__dict__["stream"] == "log"


def test_a_node_cannot_fill_this_process_with_loggers(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    before = len(logging.root.manager.loggerDict)
    for number in range(10_000):
        voice.on_message({"log": {**ENOUGH, "name": f"many{number}"}})
    assert len(logging.root.manager.loggerDict) <= before + 256
    assert len(kept) == 10_000
    assert kept[-1].name == "node.far.many9999"


def test_outputs_and_verdict_are_kept(voice: JobVoice) -> None:
    assert (voice.outputs, voice.verdict) == ({}, None)
    voice.on_message({"outputs": {"n": 1}})
    voice.on_message({"verdict": {"kind": "raised", "message": "oh"}})
    assert (voice.outputs, voice.verdict) == ({"n": 1}, Verdict("raised", "oh"))


def test_messages_over_standard_error_are_taken_back(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    voice.on_line("stderr", "\x1egangline secret " + json.dumps({"log": ENOUGH}))
    voice.on_line("stderr", "half a line\x1egangline secret " + json.dumps({"outputs": {"n": 1}}))
    assert messages(kept) == [("node.far.a", "INFO", "text"), ("node.far.tool", "WARNING", "half a line")]
    assert voice.outputs == {"n": 1}
    assert voice.stderr_tail == ["half a line"]


def test_without_the_token_such_a_line_is_only_a_line(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    line = "\x1egangline guess " + json.dumps({"outputs": {"n": 1}})
    voice.on_line("stderr", line)
    assert messages(kept) == [("node.far.tool", "WARNING", line)]
    assert voice.outputs == {}


@pytest.mark.parametrize(
    "message",
    [
        {"log": {}},
        {"log": 3},
        {"outputs": []},
        {"verdict": {"kind": "fine", "message": ""}},
        {"verdict": {"kind": ["ok"], "message": ""}},
        {"verdict": {"kind": "ok"}},
        {"verdict": None},
        {"other": 1},
    ],
)
def test_messages_of_another_form_are_reported_once(
    voice: JobVoice, kept: list[logging.LogRecord], message: dict[str, Any]
) -> None:
    voice.on_message(message)
    voice.on_message(message)
    ((name, level, _),) = messages(kept)
    assert (name, level) == ("node.far.tool", "WARNING")
    assert (voice.outputs, voice.verdict) == ({}, None)


def test_a_damaged_message_is_reported(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    voice.on_line("stderr", '\x1egangline secret {"log": ')
    ((_, _, message),) = messages(kept)
    assert message.startswith("a message that came over standard error was damaged")


def test_only_the_last_lines_are_kept_and_only_their_beginnings(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    for number in range(100):
        voice.on_line("stderr", f"{number} " + "x" * 100_000)
        voice.on_line("stdout", f"out {number}")
    assert len(voice.stderr_tail) == 50
    assert voice.stderr_tail[-1] == "99 " + "x" * 997 + "…"
    assert voice.tail.splitlines()[-1] == "out 99"
    assert len(voice.tail) < 60_000
    assert len(kept[0].getMessage()) == 65_537


def test_a_handler_that_fails_does_not_stop_what_follows(
    voice: JobVoice, kept: list[logging.LogRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("disk full")

    handler, logger = Failing(), logging.getLogger("node.far")
    logger.addHandler(handler)
    try:
        voice.on_line("stdout", "one")
        voice.on_line("stdout", "two")
    finally:
        logger.removeHandler(handler)
    voice.on_line("stdout", "three")
    assert [message for _, _, message in messages(kept)] == ["three"]
    assert capsys.readouterr().err.count("RuntimeError: disk full") == 1


def test_a_filter_here_is_heard(voice: JobVoice, kept: list[logging.LogRecord]) -> None:
    def no_progress(record: logging.LogRecord) -> bool:
        return "%" not in record.getMessage()

    logger = logging.getLogger("node.far.tool")
    logger.addFilter(no_progress)
    try:
        voice.on_line("stdout", "50%")
        voice.on_line("stdout", "done")
    finally:
        logger.removeFilter(no_progress)
    assert [message for _, _, message in messages(kept)] == ["done"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["log", "outputs", "verdict", "begin", "x"]), json_values))
def test_no_message_does_harm(message: dict[str, Any]) -> None:
    voice = JobVoice("far", 3, "tool", "secret")
    voice.on_message(message)
    voice.on_line("stderr", "\x1egangline secret " + json.dumps(message))
    assert isinstance(voice.outputs, dict)


def test_a_scheduler_says_where_the_job_runs_and_when_an_attempt_is_over(kept: list[logging.LogRecord]) -> None:
    voice = JobVoice("anywhere", 3, "measure", "secret")
    for host in ("n1", "n1", "n2"):
        voice.on_host(host)
        voice.on_start()
        voice.on_line("stdout", "here")
        voice.on_message({"log": {"name": f"node.{host}.measure", "levelno": 20, "msg": "logged"}})
    assert {(record.name, record.__dict__["host"]) for record in kept} == {
        ("node.n1.measure", "n1"),
        ("node.n2.measure", "n2"),
    }
    assert len(kept) == 6
    assert voice.host == "n2"
    assert voice.started_at is not None
    voice.on_end()
    assert voice.started_at is None
