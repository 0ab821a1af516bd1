"""Finds and measures the sources of images, on as many hosts as there are, and puts all into one catalogue.

python sky.py --images FOLDER --results FOLDER
"""

import itertools
import os
import sys
from pathlib import Path

from gangline.recipes import DataMap, DirectoryField, FileField, control
from gangline.recipes.clusterdesc import ClusterDesc, get_compute_nodes

LOOPBACK = Path(__file__).with_name("loopback.clusterdesc")


class sky(control):
    inputs = {
        "hosts": FileField("--hosts", default=LOOPBACK, help="A cluster description, or a list of hosts."),
        "images": DirectoryField("--images", default="images", help="Folder of the images, which all hosts see."),
        "results": DirectoryField("--results", default="results", create=True, help="Folder for the results."),
    }

    def pipeline_logic(self):
        folder = os.path.abspath(self.inputs["results"])
        hosts = get_compute_nodes(ClusterDesc(self.inputs["hosts"]))
        files = sorted(entry.path for entry in os.scandir(os.path.abspath(self.inputs["images"])))
        images = f"{folder}/images.map"
        DataMap(zip(itertools.cycle(hosts), files)).save(images)
        measured = self.run_task(
            "measure", images=images, catalogues=f"{folder}/catalogues.map", folder=f"{folder}/catalogues"
        )
        self.run_task(
            "combine",
            images=images,
            catalogues=measured["catalogues"],
            table=f"{folder}/sources.csv",
            picture=f"{folder}/sources.svg",
        )
        return 0


if __name__ == "__main__":
    sys.exit(sky().main())
