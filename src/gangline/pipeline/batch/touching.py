"""Output files made to look as if the command had run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gangline.pipeline.names.nested import flat_strings

__all__ = ["touch_output_files"]


def touch_output_files(cmd_str: str, output_files: Any, logger: Any = None) -> None:
    """Set the times of files to now and make those that are missing; the command is not run.

    Args:
        cmd_str: The command, for the log.
        output_files: File names, nested as deeply as you like; what is no name is passed over.
        logger: Is told when there is nothing to touch.
    """
    names = flat_strings(output_files)
    if not names and logger:
        message = f"No output files to 'touch' for command:\n{cmd_str}"
        logger.debug(message)
    for name in names:
        Path(name).touch()
