from __future__ import annotations

import logging
import re

import pytest

from gangline.recipes.timing import log_time

LINE = r"Total time (\d+\.\d{4})s; user time: (\d+\.\d{4})s; system time: (\d+\.\d{4})s"


def test_the_times_of_a_block_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), log_time(logging.getLogger("timed")):
        sum(range(2_000_000))
    total, debug = caplog.records
    assert (total.name, total.levelname, debug.levelname) == ("timed", "INFO", "DEBUG")
    match = re.fullmatch(LINE, total.getMessage())
    assert match
    passed, user, system = map(float, match.groups())
    assert passed > 0
    assert user + system > 0
    assert re.fullmatch(r"Start time was [\d.]+s; end time was [\d.]+s", debug.getMessage())


def test_an_exception_passes_and_the_times_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(KeyError), log_time(logging.getLogger("timed")):
        raise KeyError
    (record,) = caplog.records
    assert re.fullmatch(LINE, record.getMessage())
