"""Pictures of pipelines that need no program beside: our own SVG, Mermaid, and the streams that they go to."""

from __future__ import annotations

import io
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from gangline.pipeline import Pipeline, pipeline_printout_graph, suffix

SVG = "{http://www.w3.org/2000/svg}"
STAGES = ("make", "feed", "groom", "join")


def make(output: str) -> None:
    Path(output).touch()


def feed(source: str, output: str) -> None:
    Path(output).touch()


def groom(source: str, output: str) -> None:
    Path(output).touch()


def join(sources: list[str], output: str) -> None:
    Path(output).touch()


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Two files, on which two stages work side by side before a last one puts all together."""
    monkeypatch.chdir(tmp_path)
    pipeline = Pipeline(f"pets of {tmp_path.name}")
    pipeline.originate(make, ["a.cat", "b.cat"])
    pipeline.transform(feed, make, suffix(".cat"), ".fed")
    pipeline.transform(groom, make, suffix(".cat"), ".groomed")
    pipeline.merge(join, [feed, groom], "all.txt")
    return pipeline


def svg_of(pipeline: Pipeline, **options: object) -> ElementTree.Element:
    stream = io.BytesIO()
    pipeline_printout_graph(stream, "svg", [join], pipeline=pipeline, **options)
    return ElementTree.fromstring(stream.getvalue())


def words(root: ElementTree.Element) -> list[str]:
    """All texts; a stage's is its name without the module that its function is from."""
    texts = ("".join(text.itertext()).strip() for text in root.iter(f"{SVG}text"))
    return [text.rpartition(".")[2] or text for text in texts]


def place(root: ElementTree.Element, stage: str) -> tuple[float, float]:
    """Where the stage's name stands, in the coordinates of the chart."""
    (found,) = [span for span in root.iter(f"{SVG}tspan") if (span.text or "").rpartition(".")[2] == stage]
    return float(found.attrib["x"]), float(found.attrib["y"])


def test_svg_shows_each_stage_once(pets: Pipeline) -> None:
    shown = words(svg_of(pets, no_key_legend=True))
    assert sorted(word for word in shown if word in STAGES) == sorted(STAGES)


def test_stages_stand_below_what_they_build_on(pets: Pipeline) -> None:
    root = svg_of(pets, no_key_legend=True)
    heights = {stage: place(root, stage)[1] for stage in STAGES}
    assert heights["make"] < heights["feed"] == heights["groom"] < heights["join"]
    assert place(root, "feed")[0] != place(root, "groom")[0]


def test_drawn_horizontally_they_stand_to_the_right(pets: Pipeline) -> None:
    root = svg_of(pets, no_key_legend=True, draw_vertically=False)
    places = {stage: place(root, stage)[0] for stage in STAGES}
    assert places["make"] < places["feed"] == places["groom"] < places["join"]


def test_what_is_drawn_lies_within_the_picture(pets: Pipeline) -> None:
    root = svg_of(pets)
    width, height = (float(root.attrib["viewBox"].split()[position]) for position in (2, 3))
    spans = list(root.iter(f"{SVG}tspan"))
    assert len(spans) > len(STAGES)
    for span in spans:
        assert 0 <= float(span.attrib["x"]) <= width
        assert 0 <= float(span.attrib["y"]) <= height


def test_the_legend_says_what_colours_mean(pets: Pipeline) -> None:
    assert "Task to run" in words(svg_of(pets))
    assert "Task to run" not in words(svg_of(pets, no_key_legend=True))


def test_stages_that_are_up_to_date_are_left_out_if_asked(pets: Pipeline) -> None:
    pets.run(multiprocess=1, verbose=0)
    assert not set(words(svg_of(pets, skip_uptodate_tasks=True, no_key_legend=True))) & {"make", "feed", "groom"}


def test_mermaid_names_each_stage_and_each_arrow(pets: Pipeline) -> None:
    stream = io.StringIO()
    pipeline_printout_graph(stream, "mermaid", [join], pipeline=pets, no_key_legend=True)
    text = stream.getvalue()
    assert "flowchart TD" in text
    assert all(f'{stage}"' in text for stage in STAGES)
    assert text.count(" --> ") == 4


def test_a_file_is_written_where_a_name_is_given(pets: Pipeline) -> None:
    pipeline_printout_graph("pets.svg", "svg", [join], pipeline=pets)
    assert ElementTree.parse("pets.svg").getroot().tag == f"{SVG}svg"
    assert os.listdir() == ["pets.svg"]
