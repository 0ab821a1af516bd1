"""Debian's packages for tests. Files of tests that run side by side do not install at the same time."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path


def install(*packages: str, answers: str = "") -> None:
    """Install packages; their daemons are not started.

    Args:
        packages: Their names.
        answers: To the questions that they ask, for debconf-set-selections.
    """
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with Path(tempfile.gettempdir(), "gangline-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if answers:
            subprocess.run(["debconf-set-selections"], input=answers, text=True, check=True)
        install = ["apt-get", "--quiet", "install", "--yes", "--no-install-recommends", *packages]
        if subprocess.run(install, env=environment, capture_output=True).returncode == 0:
            return
        # The lists of packages may be missing, or older than the packages.
        for command in (["apt-get", "--quiet", "update"], install):
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
