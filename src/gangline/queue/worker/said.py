"""What was said of a job, read from its claim."""

from __future__ import annotations

import json
from functools import lru_cache

from gangline.queue.properties import Properties, effective

__all__ = ["read_properties"]


@lru_cache(maxsize=256)
def read_properties(text: str) -> Properties:
    """All properties of a job; most jobs of a class share the text.

    Args:
        text: As a claim has it, JSON.
    """
    return effective(json.loads(text))
