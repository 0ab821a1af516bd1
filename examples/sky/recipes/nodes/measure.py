"""The half that runs on the hosts: finds and measures the sources of one image."""

import csv
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import sep
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS

from gangline.recipes import NodeScript

MESH = 32  # background and noise are taken from squares of so many pixels
PIXELS = 6  # a source has at least so many pixels above the threshold
COLUMNS = ("ra", "dec", "x", "y", "flux", "peak_to_noise", "major", "minor")


def read(name):
    """The first picture in a file, as numbers, and what says where on the sky a pixel is."""
    with fits.open(name) as file:
        pictures = [part for part in file if part.is_image and part.data is not None]
        if not pictures:
            raise ValueError(f"there is no picture in {name}")
        pixels = np.ascontiguousarray(np.squeeze(pictures[0].data), dtype=np.float32)
        return pixels, WCS(pictures[0].header).celestial


def find(pixels, threshold):
    """The sources, their flux, and how far their brightest pixel stands out of the noise."""
    empty = ~np.isfinite(pixels)
    pixels = np.where(empty, 0, pixels)
    background = sep.Background(pixels, mask=empty, bw=MESH, bh=MESH)
    noise = background.rms().clip(background.globalrms / 10)  # between the squares it may swing below 0
    sources = sep.extract(pixels - background, threshold, err=noise, mask=empty, minarea=PIXELS)
    return sources, sources["peak"] / noise[sources["ypeak"], sources["xpeak"]]


class measure(NodeScript):
    def run(self, image, catalogue, threshold):
        warnings.simplefilter("ignore", AstropyWarning)  # headers are never quite as the standard wants them
        pixels, sky = read(image)
        sources, peaks = find(pixels, float(threshold))
        where = sky.pixel_to_world(sources["x"], sources["y"]).icrs
        shapes = [sources[name] for name in ("a", "b")]
        rows = np.transpose([where.ra.deg, where.dec.deg, sources["x"], sources["y"], sources["flux"], peaks, *shapes])
        os.makedirs(os.path.dirname(catalogue), exist_ok=True)
        unfinished = Path(f"{catalogue}.{os.getpid()}")
        with open(unfinished, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([f"{value:.7g}" for value in row] for row in rows)
        unfinished.replace(catalogue)
        self.logger.info("%s: %d sources", os.path.basename(image), len(sources))
        self.outputs["sources"] = len(sources)
        return 0


if __name__ == "__main__":
    sys.exit(measure(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))
