"""SQL statements by name, from the files in which they stand.

A file holds statements, each under a line `-- name: what_it_does`; other comment lines belong to the reader.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from gangline.errors import InternalError

__all__ = ["load_queries", "load_text"]

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load_text(package: str, file: str) -> str:
    """The text of a file that is shipped inside a package."""
    # What pkgutil.get_data does, which takes longer to import than to run.
    module = import_module(package)
    loader: Any = None if module.__spec__ is None else module.__spec__.loader
    try:
        data: bytes = loader.get_data(os.path.join(os.path.dirname(module.__file__ or ""), file))
    except (AttributeError, OSError) as error:
        raise InternalError(f"{file} of {package} cannot be read: the installation is not complete") from error
    return data.decode("utf-8")


@cache
def load_queries(package: str, file: str) -> Mapping[str, str]:
    """The statements of a file, by their names.

    Args:
        package: The package that ships the file, as it is imported.
        file: The file's name, relative to the package.
    """
    _, *parts = _NAME.split(load_text(package, file))
    names, statements = parts[::2], (part.strip() for part in parts[1::2])
    return dict(zip(names, statements, strict=True))
