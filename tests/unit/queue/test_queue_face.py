"""The face of the package: everything that is named is there, nothing is imported before it is used."""

import subprocess
import sys

import pytest

import gangline.queue


def test_every_name_is_there():
    for name in gangline.queue.__all__:
        assert getattr(gangline.queue, name) is not None
        assert name in dir(gangline.queue)
    with pytest.raises(AttributeError, match="nonsense"):
        gangline.queue.nonsense  # noqa: B018


def test_importing_costs_next_to_nothing():
    program = "import sys\nbefore = set(sys.modules)\nimport gangline.queue\nprint(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in loaded if name.startswith("gangline")} == {"gangline", "gangline._lazy", "gangline.queue"}


def test_a_job_needs_neither_a_database_nor_crontabs_to_be_defined():
    program = (
        "import sys\nfrom gangline.queue import DurableJob\nclass Job(DurableJob):\n    def execute(self): pass\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlite3", "psycopg", "cronsim", "click", "rich", "zoneinfo"} & set(loaded)
