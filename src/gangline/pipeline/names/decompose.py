"""The components of a path, as `formatter()` names them."""

from __future__ import annotations

import os.path
from functools import lru_cache

__all__ = ["COMPONENTS", "decompose", "extension", "folder", "stem", "subdirectories", "subpaths"]

COMPONENTS = ("basename", "ext", "subpath", "subdir", "path")


def normalise(path: str) -> str:
    """`path` without detours; a leading `./` and a final slash stay, since they tell a folder from a file."""
    if path in ("./", "/."):
        return path
    normal = os.path.normpath(path)
    if path.startswith("./") and not normal.startswith("./"):
        normal = "./" + normal
    if path.endswith("/") and not normal.endswith("/"):
        normal += "/"
    return normal


def _split_name(path: str) -> tuple[str, str]:
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    # Dots at the start belong to the name of a hidden file.
    if dot <= 0 or not name[:dot].strip("."):
        return name, ""
    return name[:dot], name[dot:]


def stem(path: str) -> str:
    """The file's name without folder and extension."""
    return _split_name(path)[0]


def extension(path: str) -> str:
    """The file's extension with its dot, or nothing."""
    return _split_name(path)[1]


def folder(path: str) -> str:
    """Where the file is."""
    slash = path.rfind("/")
    # Two slashes at the start are a root of their own; dirname knows about such things, at five times the cost.
    return path[:slash] if slash > 1 and path[slash - 1] != "/" else os.path.dirname(path)


@lru_cache(maxsize=1024)
def _climb(inner: str) -> tuple[list[str], list[str]]:
    """The folder `inner` and those around it, innermost first: their paths and their names."""
    paths: list[str] = []
    names: list[str] = []
    rest = inner
    while rest:
        outer, name = os.path.split(rest)
        paths.append(rest)
        names.append(name or rest)
        if not name:
            break
        rest = outer
    return paths, names


def subpaths(path: str) -> list[str]:
    """The folder of the file and all folders around it, innermost first; not to be changed."""
    return _climb(folder(path))[0]


def subdirectories(path: str) -> list[str]:
    """The names of the folders around the file, innermost first; not to be changed."""
    return _climb(folder(path))[1]


def decompose(path: str) -> dict[str, str | list[str]]:
    """The components of any path, in the order of `COMPONENTS`.

    Example:
        >>> decompose("/a/b/c.txt")
        {'basename': 'c', 'ext': '.txt', 'subpath': ['/a/b', '/a', '/'], 'subdir': ['b', 'a', '/'], 'path': '/a/b'}
    """
    if not path:
        return {"path": [], "basename": "", "ext": "", "subdir": []}
    normal = normalise(path)
    return {
        "basename": stem(normal),
        "ext": extension(normal),
        "subpath": list(subpaths(normal)),
        "subdir": list(subdirectories(normal)),
        "path": folder(normal),
    }
