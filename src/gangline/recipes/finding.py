"""Where recipes are found: in files of their name."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

from gangline.recipes.lofarexceptions import RecipeNotFound
from gangline.recipes.step import Step
from gangline.recipes.words import listed, meant

__all__ = ["find_recipe", "recipes_in"]

_BELOW = ("", "master")
"""Recipes stand in a folder itself, or below it where node scripts have a folder of their own."""


def find_recipe(name: str, folders: Iterable[str], known: Mapping[str, type[Step]]) -> type[Step]:
    """The recipe of that name: one of the program's own, else the class in the file of that name.

    Args:
        name: Of class and file.
        folders: Where files are looked for, in this order.
        known: Recipes that are there already.

    Raises:
        RecipeNotFound: There is none, or its file cannot be imported; says where it was looked for.
    """
    if name in known:
        return known[name]
    folders = list(folders)
    for folder in folders:
        for below in _BELOW:
            path = os.path.join(folder, below, f"{name}.py")
            if os.path.isfile(path):
                return _class_in(_imported(path, name), name, path)
    there = [*known, *(each for folder in folders for each in _names_in(folder))]
    where = f"in {listed(folders)}" if folders else "anywhere: recipe_directories names no folder"
    raise RecipeNotFound(f"there is no recipe {name!r} {where}; {meant(name, there)}")


def recipes_in(module: ModuleType | None) -> dict[str, type[Step]]:
    """The recipes that a module defines or has imported, by name."""
    return {
        name: value
        for name, value in vars(module or object).items()
        if inspect.isclass(value) and issubclass(value, Step) and not value.__module__.startswith("gangline.")
    }


def _names_in(folder: str) -> list[str]:
    found = []
    for below in _BELOW:
        try:
            found += [name[:-3] for name in os.listdir(os.path.join(folder, below)) if name.endswith(".py")]
        except OSError:
            continue
    return found


def _imported(path: str, name: str) -> ModuleType:
    path = os.path.abspath(path)
    for each in (name, f"{name}@{path}"):
        module = sys.modules.get(each)
        if module is not None and getattr(module, "__file__", None) == path:
            return module
    as_name = name if name not in sys.modules else f"{name}@{path}"
    spec = importlib.util.spec_from_file_location(as_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[as_name] = module
    try:
        with _importable_from(os.path.dirname(path)):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # the user's own code
        del sys.modules[as_name]
        if isinstance(error, SystemExit):
            why = 'it calls sys.exit when it is imported; that belongs below: if __name__ == "__main__":'
        else:
            why = f"{type(error).__name__}: {error}"
        raise RecipeNotFound(f"recipe {name!r}: {path} cannot be imported: {why}") from error
    except BaseException:
        del sys.modules[as_name]
        raise
    return module


@contextmanager
def _importable_from(folder: str) -> Iterator[None]:
    """A recipe may import what stands beside it, as it may when it is the program."""
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _class_in(module: ModuleType, name: str, path: str) -> type[Step]:
    there = recipes_in(module)
    if name in there:
        return there[name]
    own = [recipe for recipe in there.values() if recipe.__module__ == module.__name__]
    if len(own) == 1:
        return own[0]
    raise RecipeNotFound(f"recipe {name!r}: {path} has no recipe of that name; {meant(name, list(there))}")
