"""Puts the catalogues of all images together, into one table and one picture."""

import csv
import itertools
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from matplotlib.figure import Figure

from gangline.recipes import BaseRecipe, DataMap, FileField, StringField

COLUMNS = 3
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e")


class combine(BaseRecipe):
    inputs = {
        "images": FileField("--images", help="Data map of the images."),
        "catalogues": FileField("--catalogues", help="Data map of their catalogues."),
        "table": StringField("--table", help="The table to write."),
        "picture": StringField("--picture", help="The picture to draw."),
    }
    outputs = {"table": FileField(), "picture": FileField()}

    def go(self):
        super().go()
        warnings.simplefilter("ignore", AstropyWarning)
        images, catalogues = DataMap.load(self.inputs["images"]), DataMap.load(self.inputs["catalogues"])
        measured = {}
        for image, catalogue in zip(images, catalogues, strict=True):
            if catalogue.skip:
                self.logger.warning("%s is left out", image.file)
                continue
            with open(catalogue.file, newline="") as file:
                measured[image.file] = (image.host, list(csv.DictReader(file)))
        table = [
            {"image": name_of(file), "host": host, **row} for file, (host, rows) in measured.items() for row in rows
        ]
        with open(self.inputs["table"], "w", newline="") as file:
            writer = csv.DictWriter(file, table[0])
            writer.writeheader()
            writer.writerows(table)
        self.logger.info("%d sources in %d images", len(table), len(measured))
        draw(measured, self.inputs["picture"])
        self.outputs["table"], self.outputs["picture"] = self.inputs["table"], self.inputs["picture"]
        return 0


def name_of(image):
    return Path(image).name.partition(".")[0]


def picture_in(name):
    with fits.open(name) as file:
        return np.squeeze(next(part.data for part in file if part.is_image and part.data is not None))


def draw(measured, picture):
    """All images, with rings around their sources in the colour of the host that has measured them."""
    mpl.rcParams["svg.hashsalt"] = "sky"
    hosts = dict(zip(dict.fromkeys(host for host, _ in measured.values()), itertools.cycle(COLOURS)))
    lines = -(-len(measured) // COLUMNS)
    figure = Figure(figsize=(4 * COLUMNS, 4.3 * lines), layout="constrained")
    for number, (file, (host, rows)) in enumerate(measured.items(), 1):
        axes = figure.add_subplot(lines, COLUMNS, number)
        pixels = picture_in(file)
        dark, bright = np.nanpercentile(pixels, (5, 99.5))
        axes.imshow(pixels, origin="lower", cmap="gray_r", vmin=dark, vmax=bright, interpolation="nearest")
        where = [(float(row["x"]), float(row["y"])) for row in rows]
        axes.scatter(*np.transpose(where or np.empty((0, 2))), s=70, facecolors="none", edgecolors=hosts[host])
        axes.set_title(f"{name_of(file)}: {len(rows)} on {host}", color=hosts[host], fontsize=11)
        axes.set(xticks=[], yticks=[])
    figure.suptitle("Sources, and the hosts that have measured them")
    figure.savefig(picture)


if __name__ == "__main__":
    sys.exit(combine().main())
