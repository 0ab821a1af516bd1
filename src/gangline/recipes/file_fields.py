"""Fields that are names of files, programs and folders. They are looked for on this host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gangline.recipes.fields import MISSING, Field, ListField

__all__ = ["DirectoryField", "ExecField", "FileField", "FileList"]


class FileField(Field):
    """The name of a file, or of a folder that is used as one, which exists."""

    type = str
    expected = "the name of a file that exists"

    def coerce(self, value: Any) -> Any:
        """See `Field`."""
        return self.converted(_name(value))

    def is_valid(self, value: Any) -> bool:
        """See `Field`."""
        return bool(value) and os.path.exists(value)

    def why_not(self, value: Any) -> str:
        """See `Field`."""
        return _not_there(value)

    def schema(self) -> dict[str, Any]:
        """See `Field`."""
        return {**super().schema(), "format": "path"}


class ExecField(FileField):
    """The name of a program: a file that exists and may be executed."""

    expected = "the name of a program that can be executed"

    def is_valid(self, value: Any) -> bool:
        """See `Field`."""
        return os.path.isfile(value) and os.access(value, os.X_OK)

    def why_not(self, value: Any) -> str:
        """See `Field`."""
        if os.path.isdir(value):
            return "it is a folder"
        return "it may not be executed (chmod +x)" if os.path.exists(value) else _not_there(value)


class DirectoryField(FileField):
    """The name of a folder.

    Args:
        create: Whether it is made, with those above it, when the recipe starts; else it must exist.
    """

    expected = "the name of a folder that exists"

    def __init__(
        self,
        *optionstrings: str,
        create: bool = False,
        default: Any = MISSING,
        optional: bool = False,
        help: str = "",
    ) -> None:
        super().__init__(*optionstrings, default=default, optional=optional, help=help)
        self.create = create
        if create:
            self.expected = "the name of a folder that exists or can be made"

    def is_valid(self, value: Any) -> bool:
        """See `Field`."""
        return os.path.isdir(value) or (self.create and bool(value) and _can_be_made(value))

    def why_not(self, value: Any) -> str:
        """See `Field`."""
        if os.path.exists(value):
            return "it is no folder"
        return "it may not be made there" if self.create and value else _not_there(value)

    def prepare(self, value: Any) -> None:
        """See `Field`."""
        if self.create:
            os.makedirs(value, exist_ok=True)


class FileList(ListField):
    """A list of names of files that exist. As a text: "[a, b]" or "a, b"."""

    element = str
    expected = "a list of names of files that exist"

    def __init__(self, *optionstrings: str, default: Any = MISSING, optional: bool = False, help: str = "") -> None:
        super().__init__(*optionstrings, default=default, optional=optional, help=help)
        self.expected = FileList.expected

    def coerce(self, value: Any) -> Any:
        """See `Field`."""
        if isinstance(value, os.PathLike):
            value = [value]
        if isinstance(value, (list, tuple)):
            value = [os.fspath(each) if isinstance(each, os.PathLike) else each for each in value]
        return [os.path.expanduser(name) for name in super().coerce(value)]

    def is_valid(self, value: Any) -> bool:
        """See `Field`."""
        return all(map(os.path.exists, value))

    def why_not(self, value: Any) -> str:
        """See `Field`."""
        lacking = [name for name in value if not os.path.exists(name)]
        more = f", and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        return f"there is no {', '.join(map(repr, lacking[:3]))}{more}"


def _name(value: Any) -> Any:
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    return os.path.expanduser(value) if isinstance(value, str) else value


def _not_there(name: str) -> str:
    if not name:
        return "it is empty"
    path = Path(os.path.abspath(name))
    lacking = [folder for folder in path.parents if not folder.exists()]
    if lacking:
        return f"there is no folder {lacking[-1]}"
    return "there is no such file" if os.path.isabs(name) else f"there is no such file in {path.parent}"


def _can_be_made(name: str) -> bool:
    path = Path(os.path.abspath(name))
    if path.exists():
        return False
    above = next((folder for folder in path.parents if folder.exists()), None)
    return above is not None and above.is_dir() and os.access(above, os.W_OK | os.X_OK)
