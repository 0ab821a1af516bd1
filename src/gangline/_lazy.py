"""Packages whose names are imported when they are first used, so that to import the package costs next to nothing."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as importing typing would take longer than all the rest of this
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["lazy"]


def lazy(package: str, where: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package.

    Args:
        package: Its `__name__`.
        where: For each name that it offers: the module that has it.
    """

    def find(name: str) -> Any:
        """Names are imported when they are first used."""
        home = where.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(home), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        module = sys.modules[package]
        return sorted({*vars(module), *module.__all__})

    return find, names
