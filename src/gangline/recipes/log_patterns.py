r"""Regular expressions that are watched for in all that is logged.

logger = getSearchingLogger("master.imager")
logger.searchpatterns["flagged"] = r"baseline \S+ is fully flagged"
...
for record in logger.searchpatterns["flagged"].results: ...
"""

from __future__ import annotations

import logging
import re
from collections import UserDict
from typing import Any, cast

from gangline.errors import UsageError

__all__ = ["SearchPattern", "SearchPatterns", "SearchingLogger", "getSearchingLogger"]


class SearchPattern:
    """A regular expression and the records in whose messages it was found.

    Args:
        pattern: The expression, to be found anywhere in a message.
        keep: So many records are kept, the first ones.

    Attributes:
        results: These records.
        found: How many there were.

    Raises:
        UsageError: It is no regular expression.
    """

    def __init__(self, pattern: str | re.Pattern[str], *, keep: int = 10_000) -> None:
        try:
            self.pattern = re.compile(pattern)
        except (re.error, TypeError) as exc:
            raise UsageError(f"{pattern!r} is no regular expression: {exc}") from exc
        self.keep = keep
        self.results: list[logging.LogRecord] = []
        self.found = 0

    def check(self, record: logging.LogRecord) -> None:
        """Keep the record if the expression is in its message."""
        self.check_message(record, record.getMessage())

    def check_message(self, record: logging.LogRecord, message: str) -> None:
        """The same, with the message that the record has been found to have."""
        if self.pattern.search(message):
            self.found += 1
            if len(self.results) < self.keep:
                self.results.append(record)

    def clear(self) -> None:
        """Forget what was found."""
        self.results = []
        self.found = 0


class SearchPatterns(UserDict[str, SearchPattern]):
    """Expressions by name. What is set becomes a `SearchPattern`.

    Args:
        watched: What is logged by this logger, or by one below it that passes its records on, is searched as long as
            there is a pattern; None: only what `check` is called with.
    """

    def __init__(self, watched: logging.Logger | None = None) -> None:
        super().__init__()
        self._watched = watched
        self._handler = _Watching(self)

    def __setitem__(self, name: str, pattern: str | re.Pattern[str] | SearchPattern) -> None:
        if not isinstance(pattern, SearchPattern):
            pattern = SearchPattern(pattern)
        super().__setitem__(name, pattern)
        if self._watched is not None:
            self._watched.addHandler(self._handler)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        if self._watched is not None and not self:
            self._watched.removeHandler(self._handler)

    def check(self, record: logging.LogRecord) -> None:
        """Search one record for all of them."""
        message = record.getMessage()
        for pattern in list(self.values()):
            pattern.check_message(record, message)

    def clear(self, name: str | None = None) -> None:
        """Forget what was found for the pattern of that name; without one: remove all patterns."""
        if name is None:
            super().clear()
        else:
            self[name].clear()

    def clear_all(self) -> None:
        """Forget what was found, for all of them."""
        for pattern in self.values():
            pattern.clear()


class _Watching(logging.Handler):
    """Shows patterns what is logged."""

    def __init__(self, patterns: SearchPatterns) -> None:
        super().__init__()
        self._patterns = patterns

    def emit(self, record: logging.LogRecord) -> None:
        """Search the record."""
        try:
            self._patterns.check(record)
        except Exception:  # the message and its arguments are the user's
            self.handleError(record)


class SearchingLogger(logging.Logger):
    """A logger with patterns for all that any logger of this process writes.

    Attributes:
        searchpatterns: The patterns.
    """

    searchpatterns: SearchPatterns

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.searchpatterns = SearchPatterns(logging.root)


def getSearchingLogger(name: str) -> SearchingLogger:
    """The logger of that name, with `searchpatterns`; the same for every call."""
    logger = cast(SearchingLogger, logging.getLogger(name))
    if not hasattr(logger, "searchpatterns"):
        logger.searchpatterns = SearchPatterns(logging.root)
    return logger
