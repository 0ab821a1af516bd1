"""Classes of jobs by name: "module.Class", and the folder in which a worker finds the module."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, NamedTuple

from gangline._engine.installation import installed_folders
from gangline.errors import UsageError
from gangline.queue.checks import is_storable
from gangline.queue.words import meant

__all__ = ["Location", "check_name", "find_class", "load_class", "locate"]


class Location(NamedTuple):
    """Where a class is found.

    Attributes:
        name: "module.Class", as a worker can import it.
        folder: What must be in `sys.path` for that; empty where it is there anyhow (installed packages).
    """

    name: str
    folder: str = ""


def locate(cls: type) -> Location:
    """The name of a class for workers.

    Raises:
        UsageError: No other process can import it; says why and what to do.
    """
    called = f"{cls.__module__}.{cls.__qualname__}"
    if "<locals>" in cls.__qualname__:
        raise UsageError(
            f"{called} is made inside a function, where no worker can import it; "
            "move the class to the top of its module"
        )
    module = sys.modules.get(cls.__module__)
    if module is None:
        raise UsageError(f"{called}: no module of this name is imported; a worker could not import it either")
    found: Any = module
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is not cls:
        raise UsageError(
            f"{called} names something else than this class (was it made again, or decorated?); a worker would get that"
        )
    name, folder = _locate_module(module)
    return Location(f"{name}.{cls.__qualname__}", folder)


def _locate_module(module: ModuleType) -> tuple[str, str]:
    if module.__name__ != "__main__":
        return module.__name__, _folder_of(module.__name__, getattr(module, "__file__", None))
    spec = getattr(module, "__spec__", None)
    if spec is not None and spec.name != "__main__":  # python -m name
        return spec.name, _folder_of(spec.name, getattr(module, "__file__", None))
    file = getattr(module, "__file__", None)
    if not file or not os.path.isfile(file):
        raise UsageError(
            "a class that was typed in (into a prompt, a notebook or a pipe) cannot be imported by a worker; "
            "put it into a file, and import it from there"
        )
    stem, ending = os.path.splitext(os.path.basename(file))
    if ending != ".py" or "." in stem:
        raise UsageError(f"a worker cannot import {file}, since its name is not that of a module; rename it to NAME.py")
    if stem in sys.stdlib_module_names:
        raise UsageError(
            f"a worker that imports {stem!r} gets the module of Python's own library and not {file}; rename the file"
        )
    return stem, os.path.dirname(os.path.abspath(file))


def _folder_of(name: str, file: str | None) -> str:
    """The entry of `sys.path` that holds a module; empty if every interpreter of this kind has it."""
    if file is None:
        return ""
    folder = os.path.dirname(os.path.abspath(file))
    depth = name.count(".") + (os.path.splitext(os.path.basename(file))[0] == "__init__")
    for _ in range(depth):
        folder = os.path.dirname(folder)
    if any(folder == home or folder.startswith(home + os.sep) for home in installed_folders()):
        return ""
    return folder


def check_name(name: str) -> str:
    """A name of the form "module.Class".

    Raises:
        UsageError: It is not of that form.
    """
    parts = name.split(".")
    if len(parts) < 2 or not all(part and is_storable(part) and not part.isspace() for part in parts):
        raise UsageError(f"{name!r} names no class; write 'module.Class'")
    return name


def load_class(name: str, folder: str = "") -> type:
    """Import a class by its name.

    Args:
        name: "module.Class"; the class may stand in another one ("module.Outer.Class").
        folder: Put at the front of `sys.path`, and left there, unless it is in it.

    Raises:
        ImportError: There is no such module, or no such class in it.
        Exception: Whatever the module raises.
    """
    if folder and folder not in sys.path:
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
    parts = name.split(".")
    for depth in range(len(parts) - 1, 0, -1):
        path = ".".join(parts[:depth])
        try:
            found: Any = importlib.import_module(path)
        except ModuleNotFoundError as error:
            # The module itself is not there: it may be a class. If another one is missing, that is what to tell.
            if depth > 1 and error.name == path:
                continue
            raise
        break
    for number, part in enumerate(parts[depth:], depth):
        if not hasattr(found, part):
            there = ".".join(parts[:number])
            if number == len(parts) - 1 and _is_module(name):
                raise ImportError(f"{name} is no class but a module; write '{name}.Class'", name=there)
            raise ImportError(f"{there} has no class {part!r}; {meant(part, _classes(found))}", name=there)
        found = getattr(found, part)
    if not isinstance(found, type):
        raise ImportError(f"{name} is no class but a {type(found).__name__}", name=name)
    return found


def find_class(name: str) -> type | None:
    """The class of this name, if its module can be imported here.

    Raises:
        UsageError: The module is here, and has no such class.
    """
    if name.startswith("__main__."):
        raise UsageError(f"{name}: no worker knows this program by that name; enter the class itself")
    main = _class_of_main(name)
    if main is not None:
        return main
    try:
        return load_class(name)
    except ModuleNotFoundError:
        return None
    except ImportError as error:
        if error.name and name.startswith(error.name) and error.__cause__ is None and error.path is None:
            raise UsageError(str(error)) from None
        return None
    except Exception:  # the user's module cannot be imported here; a worker may have what it needs
        return None


def _class_of_main(name: str) -> type | None:
    """A class of the program that runs, under the name that workers know it by; importing it would run it again."""
    module, _, rest = name.partition(".")
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if not file or "." in rest or os.path.splitext(os.path.basename(file))[0] != module or module in sys.modules:
        return None
    found = getattr(main, rest, None)
    return found if isinstance(found, type) else None


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _classes(module: Any) -> list[str]:
    return [name for name, value in vars(module).items() if isinstance(value, type) and not name.startswith("_")]
