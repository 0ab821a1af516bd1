"""Helpers for node scripts, under the name of the module that they had in older systems."""

from __future__ import annotations

from gangline.recipes.segfaults import catch_segfaults, log_process_output

__all__ = ["catch_segfaults", "log_process_output"]
