"""The half that runs on the master: has every image measured on its host."""

import os
import sys

from gangline.recipes import (
    BaseRecipe,
    ComputeJob,
    DataMap,
    DirectoryField,
    FileField,
    FloatField,
    IntField,
    RemoteCommandRecipeMixIn,
    StringField,
)
from gangline.recipes.datamaps import align_data_maps


class measure(BaseRecipe, RemoteCommandRecipeMixIn):
    inputs = {
        "images": FileField("--images", help="Data map of the images."),
        "catalogues": StringField("--catalogues", help="Data map to write: the catalogue of each image."),
        "folder": DirectoryField("--folder", create=True, help="Where the catalogues go, on every host."),
        "threshold": FloatField("--threshold", default=6.0, help="How far a source stands out, in units of the noise."),
    }
    outputs = {"catalogues": FileField(), "sources": IntField()}

    def go(self):
        super().go()
        images = DataMap.load(self.inputs["images"])
        catalogues = DataMap((each.host, self.catalogue_of(each.file), each.skip) for each in images)
        command = ["python", self.__file__.replace("master", "nodes")]
        jobs = [
            ComputeJob(
                image.host,
                command,
                arguments=[image.file, catalogue.file, self.inputs["threshold"]],
                products=[image, catalogue],
            )
            for image, catalogue in zip(images, catalogues, strict=True)
        ]
        # An image that cannot be measured is left out from here on: its entries are marked to be skipped.
        self._schedule_jobs(jobs, tolerate="some")
        if self.error.is_set():
            return 1
        align_data_maps(images, catalogues)
        catalogues.save(self.inputs["catalogues"])
        self.outputs["catalogues"] = self.inputs["catalogues"]
        self.outputs["sources"] = sum(job.results["sources"] for job in jobs if job.ok)
        return 0

    def catalogue_of(self, image):
        return os.path.join(self.inputs["folder"], f"{os.path.basename(image).partition('.')[0]}.csv")


if __name__ == "__main__":
    sys.exit(measure().main())
