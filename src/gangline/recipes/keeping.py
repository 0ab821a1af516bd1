"""Outputs of tasks in a form that can be kept in a file, and back: they come back as what they were."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gangline.recipes.datamaps import DataMap, DataProduct, MultiDataMap, MultiDataProduct

__all__ = ["Unkeepable", "keep", "products_in", "restore"]

_KIND = "~"
_MAPS: dict[str, type[DataMap]] = {"DataMap": DataMap, "MultiDataMap": MultiDataMap}
_PRODUCTS: dict[str, type[DataProduct]] = {"DataProduct": DataProduct, "MultiDataProduct": MultiDataProduct}
_ITERATORS = {"SkipIterator": DataMap.SkipIterator, "TupleIterator": DataMap.TupleIterator}


class Unkeepable(ValueError):
    """A value that would not come back as what it is."""


def keep(value: Any) -> Any:
    """A value as JSON has it.

    Raises:
        Unkeepable: There is something in it for which that cannot be done.
    """
    match value:
        case enum.Enum():
            raise Unkeepable(_named(value))
        case None | bool():
            return value
        case int():
            return int(value)
        case float():
            return float(value) if value - value == 0 else _tagged("float", repr(float(value)))
        case str():
            return str(value)
        case bytes():
            return _tagged("bytes", value.hex())
        case Path():
            return _tagged("path", os.fspath(value))
    return _keep_several(value)


def _keep_several(value: Any) -> Any:
    match value:
        case list():
            return list(map(keep, value))
        case tuple() if type(value) is tuple:
            return _tagged("tuple", list(map(keep, value)))
        case set():
            return _tagged("set", sorted(map(keep, value), key=repr))
        case dict():
            if all(isinstance(key, str) for key in value) and _KIND not in value:
                return {str(key): keep(each) for key, each in value.items()}
            return _tagged("dict", [[keep(key), keep(each)] for key, each in value.items()])
        case DataMap() if type(value).__name__ in _MAPS:
            how = getattr(value.iterator, "__name__", "")
            return _tagged(type(value).__name__, [how, list(map(keep, value.data))])
        case DataProduct() if type(value).__name__ in _PRODUCTS:
            return _tagged(type(value).__name__, keep([value.host, value.file, value.skip]))
    raise Unkeepable(_named(value))


def restore(kept: Any) -> Any:
    """The value of which `keep` has made this.

    Raises:
        ValueError: It was not `keep`.
    """
    if isinstance(kept, list):
        return list(map(restore, kept))
    if not isinstance(kept, dict):
        return kept
    if _KIND not in kept:
        return {key: restore(each) for key, each in kept.items()}
    kind, value = kept[_KIND], kept["value"]
    match kind:
        case "float":
            return float(value)
        case "bytes":
            return bytes.fromhex(value)
        case "path":
            return Path(value)
        case "tuple":
            return tuple(map(restore, value))
        case "set":
            return set(map(restore, value))
        case "dict":
            return {restore(key): restore(each) for key, each in value}
    if kind in _MAPS:
        how, products = value
        return _MAPS[kind](map(restore, products), _ITERATORS.get(how, iter))
    if kind in _PRODUCTS:
        return _PRODUCTS[kind](*restore(value))
    raise ValueError(f"{kind!r} was not kept by this version")


def products_in(values: Iterable[Any]) -> Iterator[DataProduct]:
    """The entries of data maps among values, also of maps that are in lists."""
    for value in values:
        if isinstance(value, DataMap):
            yield from value.data
        elif isinstance(value, DataProduct):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from products_in(value)


def _tagged(kind: str, value: Any) -> dict[str, Any]:
    return {_KIND: kind, "value": value}


def _named(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
