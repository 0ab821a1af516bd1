import pytest

from gangline.pipeline.stages.pipeline import Pipeline


@pytest.fixture(autouse=True)
def no_stages_of_others(tmp_path, monkeypatch):
    """Every test begins, and leaves the program, without stages, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Pipeline.clear_all()
    yield
    Pipeline.clear_all()
