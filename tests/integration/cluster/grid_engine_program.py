"""Engines as jobs of the Grid Engine that this program may use; tells what became of that."""

from __future__ import annotations

import os
import sys

from gangline import Client
from gangline.cluster import cluster
from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.launchers import JobShape
from gangline.errors import BackendError
from gangline.remote.resources import Resources


def jobs(**more: object) -> ClusterConfiguration:
    shape = JobShape("sge", 2, resources=Resources(**more))  # type: ignore[arg-type]
    return ClusterConfiguration(hosts=(), jobs=shape, address="127.0.0.1")


def main() -> None:
    os.environ["GANGLINE_CLUSTERS"] = sys.argv[1]
    try:
        with cluster(config=jobs(queue="nowhere")):
            pass
    except BackendError as error:
        print(error)
    with cluster(config=jobs()) as running, Client() as rc:
        print(*(engine.state for engine in running.engines))
        numbers = {engine.job for engine in running.engines}
        print(numbers == set(rc[:].apply_sync(os.getenv, "JOB_ID")), len(numbers))
        print(rc.load_balanced_view().map_sync(abs, range(-3, 0)))


if __name__ == "__main__":
    main()
