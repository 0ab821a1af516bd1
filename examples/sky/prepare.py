"""Makes all ready in a folder: an environment with the programs that measure, and images. `python prepare.py FOLDER`.

The environment is the running one with the packages of requirements.txt on top. The images are those that astroquery,
an astronomical package, comes with; it is not installed.
"""

import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

PACKAGE = "astroquery==0.4.11"
IMAGES = {
    "astrometry_net/tests/data/thumbnail-image.fit.gz": "ey-uma.fits.gz",
    "cadc/tests/data/query_images.fits": "sa110.fits",
    "ukidss/tests/data/image.fits": "crab-infrared.fits",
    "ipac/ned/tests/data/query_images.fits": "crab-1951.fits",
    "magpis/tests/data/image.fits": "g10-radio.fits",
    "nvas/tests/data/image.imfits": "w51-radio.fits",
}


def pip(*arguments):
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=True)


def make_environment(folder):
    """An environment that has what the running one has, and more."""
    venv.create(folder, with_pip=False)
    below = f"python{sys.version_info.major}.{sys.version_info.minor}"
    more = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (folder / "lib" / below / "site-packages" / "above.pth").write_text(more)
    requirements = Path(__file__).with_name("requirements.txt")
    pip("--python", str(folder / "bin" / "python"), "install", "--quiet", "--requirement", str(requirements))


def fetch(folder):
    """Load the package down, and take the images out."""
    with tempfile.TemporaryDirectory() as place:
        pip("download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", place, PACKAGE)
        (wheel,) = Path(place).glob("*.whl")
        unfinished = folder.with_suffix(".part")
        unfinished.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for there, here in IMAGES.items():
                (unfinished / here).write_bytes(archive.read(f"astroquery/{there}"))
        unfinished.rename(folder)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    ready = place / "venv" / "ready"
    if not ready.exists():
        make_environment(place / "venv")
        ready.touch()
    if not (place / "images").exists():
        fetch(place / "images")
