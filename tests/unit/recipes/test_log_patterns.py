from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from gangline.errors import UsageError
from gangline.recipes import pipelinelogging
from gangline.recipes.log_patterns import SearchingLogger, SearchPattern, SearchPatterns, getSearchingLogger


@pytest.fixture
def logger(request: pytest.FixtureRequest) -> Iterator[SearchingLogger]:
    logger = getSearchingLogger(f"recipe.{request.node.name}")
    yield logger
    logger.searchpatterns.clear()


def found(logger: SearchingLogger, name: str) -> list[str]:
    return [record.getMessage() for record in logger.searchpatterns[name].results]


def test_what_any_logger_says_is_searched(logger: SearchingLogger) -> None:
    logger.searchpatterns["flagged"] = r"baseline \S+ is (fully )?flagged"
    logging.getLogger("node.far.flagger").warning("baseline %s is fully flagged", "CS1-CS2")
    logging.getLogger("elsewhere").warning("baseline CS1 is fine")
    logger.error("baseline RS1-RS2 is flagged, too")
    assert found(logger, "flagged") == ["baseline CS1-CS2 is fully flagged", "baseline RS1-RS2 is flagged, too"]
    assert logger.searchpatterns["flagged"].found == 2


def test_several_patterns_and_loggers_do_not_disturb_each_other(logger: SearchingLogger) -> None:
    other = getSearchingLogger(f"{logger.name}.other")
    logger.searchpatterns["a"] = "a"
    other.searchpatterns["a"] = re.compile("A", re.IGNORECASE)
    logger.searchpatterns["b"] = SearchPattern("b")
    logger.warning("ab")
    logger.warning("A")
    assert (found(logger, "a"), found(logger, "b"), found(other, "a")) == (["ab"], ["ab"], ["ab", "A"])
    logger.searchpatterns.clear("a")
    assert (found(logger, "a"), found(logger, "b")) == ([], ["ab"])
    logger.searchpatterns.clear_all()
    assert found(logger, "b") == []
    other.searchpatterns.clear()


def test_without_patterns_nobody_listens(logger: SearchingLogger) -> None:
    before = list(logging.root.handlers)
    logger.searchpatterns.update({"a": "a", "b": "b"})
    assert len(logging.root.handlers) == len(before) + 1
    del logger.searchpatterns["a"]
    assert logger.searchpatterns.pop("b").found == 0
    assert logging.root.handlers == before
    logger.searchpatterns["a"] = "a"
    logger.searchpatterns.clear()
    assert logging.root.handlers == before


def test_only_the_first_records_are_kept(logger: SearchingLogger) -> None:
    logger.searchpatterns["x"] = SearchPattern("x", keep=3)
    for number in range(10):
        logger.warning("x%d", number)
    assert found(logger, "x") == ["x0", "x1", "x2"]
    assert logger.searchpatterns["x"].found == 10


def test_records_can_be_checked_one_by_one() -> None:
    patterns = SearchPatterns()
    patterns["n"] = r"\d"
    for message in ("one", "2"):
        patterns.check(logging.makeLogRecord({"msg": message}))
    assert [record.getMessage() for record in patterns["n"].results] == ["2"]
    pattern = SearchPattern("a")
    pattern.check(logging.makeLogRecord({"msg": "%s", "args": ("a",)}))
    assert pattern.found == 1


@pytest.mark.parametrize("pattern", ["(", 3, None])
def test_what_is_no_expression_is_refused(logger: SearchingLogger, pattern: str) -> None:
    with pytest.raises(UsageError, match="is no regular expression"):
        logger.searchpatterns["bad"] = pattern
    assert not logger.searchpatterns


def test_a_logger_that_was_there_before_gets_patterns_too() -> None:
    plain = logging.getLogger("recipe.plain")
    assert getSearchingLogger("recipe.plain") is plain
    assert getSearchingLogger("recipe.plain").searchpatterns is getSearchingLogger("recipe.plain").searchpatterns
    assert isinstance(SearchingLogger("own").searchpatterns, SearchPatterns)


def test_the_module_has_its_old_name_too() -> None:
    assert pipelinelogging.getSearchingLogger is getSearchingLogger
