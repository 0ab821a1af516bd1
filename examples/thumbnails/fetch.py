"""Fetches photographs: those that scikit-image comes with. `python fetch.py FOLDER`; nothing is installed."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "scikit-image==0.25.2"
WHERE = "skimage/data/"
ENDINGS = (".png", ".jpg", ".gif")


def fetch(folder):
    """Load the package down, and take the images out."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
            place,
        ]
        subprocess.run([*pip, "--python-version", "3.11", PACKAGE], check=True)
        (wheel,) = Path(place).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith(WHERE) and name.endswith(ENDINGS):
                    (folder / Path(name).name).write_bytes(archive.read(name))


if __name__ == "__main__":
    images = Path(sys.argv[1])
    if not images.exists():
        fetch(images)
