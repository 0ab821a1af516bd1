"""What only this program can import from."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import pytest

from gangline._engine.installation import installed_folders, own_folders


def test_folders_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside, added = tmp_path / "beside", tmp_path / "added"
    beside.mkdir()
    added.mkdir()
    installed = [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), f"{sys.base_prefix}/lib/python311.zip"]
    path = [str(beside), *installed, "", "relative", str(tmp_path / "gone"), str(added), str(beside)]
    monkeypatch.setattr(sys, "path", path)
    assert own_folders() == (str(beside), str(added))


def test_what_is_installed_is_everywhere() -> None:
    assert os.path.dirname(os.__file__) in installed_folders()
    assert any(pytest.__file__.startswith(home + os.sep) for home in installed_folders())
