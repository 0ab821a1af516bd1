"""`touch_file()`: files that say that a stage is done."""

from __future__ import annotations

__all__ = ["TouchFiles", "register_cleanup"]


class TouchFiles:
    """A function that sets the times of files to now and makes those that are missing.

    Args:
        names: The files.
    """

    __slots__ = ("names",)

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def __call__(self) -> None:
        """Do so."""
        from pathlib import Path  # as costly to import as the rest of a declaration, and rarely needed

        for name in self.names:
            Path(name).touch()


def register_cleanup(file_name: str, operation: str) -> None:
    """Take note that a job makes a file. Existing programs call it; the record of a run knows the files anyway."""
