"""The level of messages that belong in the log file and before the user's eyes alike."""

from __future__ import annotations

import logging

__all__ = ["MESSAGE"]

MESSAGE = 15
"""Between DEBUG and INFO."""

logging.addLevelName(MESSAGE, "MESSAGE")
