"""The files that a program finds, written at fixed moments."""

import os

__all__ = ["lay_files"]

MOMENT = 1_700_000_000


def lay_files(files):
    """Write files, each with the second after the moment in which it was written; a folder ends with a slash."""
    for name, second in files.items():
        if name.endswith("/"):
            os.makedirs(name)
            continue
        with open(name, "w") as file:
            file.write(name)
        os.utime(name, (MOMENT + second, MOMENT + second))
