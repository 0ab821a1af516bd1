"""Helpers around the log, under the name of the module that they had in older systems."""

from __future__ import annotations

from gangline.recipes.log_patterns import SearchingLogger, SearchPattern, SearchPatterns, getSearchingLogger
from gangline.recipes.segfaults import log_process_output
from gangline.recipes.timing import log_time

__all__ = [
    "SearchPattern",
    "SearchPatterns",
    "SearchingLogger",
    "getSearchingLogger",
    "log_process_output",
    "log_time",
]
