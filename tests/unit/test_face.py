"""The faces of the package and of the task interface: everything that is named is there, nothing is imported early."""

import subprocess
import sys

import pytest

import gangline
import gangline.views


@pytest.mark.parametrize("face", [gangline, gangline.views])
def test_every_name_is_there(face):
    for name in face.__all__:
        assert getattr(face, name) is not None
        assert name in dir(face)


@pytest.mark.parametrize("face", [gangline, gangline.views])
def test_other_names_are_not(face):
    with pytest.raises(AttributeError, match="nonsense"):
        face.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "path",
    [
        "client.client",
        "client.view",
        "client.asyncresult",
        "client.remotefunction",
        "client.map",
        "client.magics",
        "controller.dependency",
        "cluster",
        "datapub",
        "error",
        "serialize",
        "util",
    ],
)
def test_paths_of_ipython_parallel(path):
    module = __import__(f"gangline.views.{path}", fromlist=["x"])
    assert module.__all__


def test_importing_costs_next_to_nothing():
    program = "import sys\nbefore = set(sys.modules)\nimport gangline\nprint(sorted(set(sys.modules) - before))"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = set(eval(output))
    assert {name for name in loaded if name.startswith("gangline")} == {"gangline", "gangline._lazy"}
    assert not loaded & {"asyncio", "numpy", "IPython", "joblib", "rich", "click", "cloudpickle", "concurrent.futures"}


def test_engines_are_no_kernels():
    with pytest.raises(gangline.UsageError, match="Jupyter"):
        gangline.views.bind_kernel()


def test_versions_agree():
    from importlib.metadata import version

    assert gangline.__version__ == gangline.views.__version__ == version("gangline")
    assert gangline.views.version_info == tuple(int(part) for part in version("gangline").split("."))
