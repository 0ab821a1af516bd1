"""The version of Ruffus whose programs run here unchanged, for programs that ask for it."""

from __future__ import annotations

__all__ = ["__version"]

__version = "3.0.0"
