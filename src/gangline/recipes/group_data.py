"""Data maps and groups of files, under the name that the module has in LOFAR's framework."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gangline.cluster.parameters import ParameterError
from gangline.recipes.datamaps import load_data_map, store_data_map, validate_data_maps
from gangline.recipes.parset import Parset

__all__ = ["gvds_iterator", "load_data_map", "store_data_map", "validate_data_maps"]


def gvds_iterator(gvds_file: str | os.PathLike[str], nproc: int = 4) -> Iterator[list[tuple[str, str, str]]]:
    """The parts of a distributed data set, in groups that have no more than so many parts on any host.

    Args:
        gvds_file: The file of parameters that describes the data set: NParts, and for each part its host
            (``Part0.FileSys = host:/folder``), its file (``Part0.FileName``) and its description (``Part0.Name``).
        nproc: How many parts of one host a group may have.

    Yields:
        Lists of host, file and name of the description.

    Raises:
        ParameterError: The file cannot be read, or lacks something.
    """
    if nproc < 1:
        raise ParameterError(f"a group has one part or more of a host, not {nproc}")
    parset = Parset(gvds_file)
    by_host: dict[str, list[tuple[str, str, str]]] = {}
    for number in range(parset.getInt("NParts")):
        host = parset.getString(f"Part{number}.FileSys").partition(":")[0]
        part = (host, parset.getString(f"Part{number}.FileName"), parset.getString(f"Part{number}.Name"))
        by_host.setdefault(host, []).append(part)
    for begin in range(0, max(map(len, by_host.values()), default=0), nproc):
        yield [part for parts in by_host.values() for part in parts[begin : begin + nproc]]
