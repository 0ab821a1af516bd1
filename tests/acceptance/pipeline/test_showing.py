"""Printouts and pictures: P13, where they go, and what becomes of them without graphviz or with a broken one.

The texts are held against upstream's, word for word, in tests/unit/pipeline/printing and tests/differential/pipeline.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import UsageError
from gangline.pipeline import (
    Pipeline,
    graph_colour_demo_printout,
    pipeline_printout,
    pipeline_printout_graph,
    suffix,
)

from .conftest import Ear, files, get, make, put, ran, run


@pytest.fixture
def pipeline() -> Pipeline:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0", "b.0"], name="start")
    pipeline.transform(make(), pipeline["start"], suffix(".0"), ".1", name="next")
    pipeline.merge(make(), pipeline["next"], "end", name="end")
    return pipeline


# P13 ------------------------------------------------------------------------------------------------------------------


def printed(pipeline: Pipeline, **options: Any) -> str:
    stream = io.StringIO()
    pipeline_printout(stream, pipeline=pipeline, **options)
    return stream.getvalue()


def test_p13_sections_and_reasons(pipeline: Pipeline) -> None:
    text = printed(pipeline)
    assert "Tasks which will be run:" in text
    assert text.count("Job needs update") == 5
    assert "Missing file [a.0]" in text
    run(pipeline)
    text = printed(pipeline)
    assert "Job needs update" not in text
    text = printed(pipeline, verbose=5)
    assert "Tasks which are up-to-date:" in text
    os.unlink("b.1")
    text = printed(pipeline, verbose=5)
    up_to_date, _, to_run = text.partition("Tasks which will be run:")
    assert "p::start" in up_to_date
    assert "Missing file [b.1]" in to_run
    assert "p::end" in to_run


@pytest.mark.parametrize("verbose", range(12))
def test_p13_every_verbosity_says_no_less_than_the_one_before(pipeline: Pipeline, verbose: int, ear: Ear) -> None:
    run(pipeline, ["start"])
    if verbose == 0:
        assert printed(pipeline, verbose=0) == ""
    else:
        assert "next" in printed(pipeline, verbose=verbose)
    run(pipeline, verbose=verbose, logger=ear)
    assert ("Completed Task = 'p::next'" in ear.text) is (verbose > 0)
    assert ("Job  = [a.0 -> a.1]" in ear.text) is (verbose >= 3)


def test_p13_paths_are_abbreviated_as_far_as_asked(tmp_path: Path) -> None:
    os.makedirs("one/two/three")
    name = str(tmp_path / "one/two/three/a.0")
    pipeline = Pipeline("p")
    pipeline.originate(make(), [name], name="start")
    assert name in printed(pipeline, verbose_abbreviated_path=0).replace("\n", "").replace(" " * 15, "")
    assert ".../three/a.0" in printed(pipeline, verbose_abbreviated_path=2)
    assert ".../a.0" in printed(pipeline, verbose_abbreviated_path=1)
    assert "<???>" in printed(pipeline, verbose_abbreviated_path=-10)


def test_p13_a_printout_changes_nothing(pipeline: Pipeline) -> None:
    printed(pipeline, verbose=10)
    assert os.listdir() == []
    run(pipeline)
    before = {name: (os.stat(name).st_mtime_ns, Path(name).read_bytes()) for name in os.listdir()}
    printed(pipeline, verbose=10)
    assert {name: (os.stat(name).st_mtime_ns, Path(name).read_bytes()) for name in os.listdir()} == before


def test_p13_p35_a_printout_knows_what_a_run_would_do_with_temporary_outputs() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0"], name="start")
    pipeline.transform(make(), pipeline["start"], suffix(".0"), ".1", name="middle", temporary=True)
    pipeline.transform(make(), pipeline["middle"], suffix(".1"), ".2", name="last")
    run(pipeline)
    assert files() == ["a.0", "a.2"]
    assert "Job needs update" not in printed(pipeline)
    os.unlink("a.2")
    text = printed(pipeline)
    assert "p::middle" in text
    assert "p::last" in text


# Where printouts go ---------------------------------------------------------------------------------------------------


class OwnStream:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


def test_printouts_go_to_standard_output_files_and_anything_that_can_be_written(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = printed(pipeline)
    pipeline_printout(pipeline=pipeline)
    assert capsys.readouterr().out == expected
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        pipeline.printout()
    assert caught.getvalue() == expected
    pipeline.printout(sys.stderr)
    assert capsys.readouterr().err == expected
    with open("text", "w", encoding="utf-8") as file:
        pipeline.printout(file)
    assert get("text") == expected
    own = OwnStream()
    pipeline.printout(own)
    assert own.text == expected
    with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as temporary:
        pipeline.printout(temporary)
        temporary.seek(0)
        assert temporary.read() == expected


@pytest.mark.parametrize("stream", ["name", 3, [], object()])
def test_what_cannot_be_written_to_is_refused(pipeline: Pipeline, stream: Any) -> None:
    with pytest.raises(UsageError, match="needs to be an output file"):
        pipeline.printout(stream)
    if stream != "name":
        with pytest.raises(UsageError):
            pipeline.printout_graph(stream, "svg")


def test_a_printout_into_a_pipe_that_is_closed_is_an_ordinary_error() -> None:
    program = """
    @originate([f"{number}" for number in range(3000)])
    def begin(output):
        open(output, "w").close()
    pipeline_printout(sys.stdout, verbose=5)
    """
    put("dummy.py")
    code, out, err = ran(program)
    assert (code, err) == (0, "")
    assert out.count("Job needs update") == 3000


# Pictures -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search path on which no program `dot` is."""
    os.mkdir("empty")
    monkeypatch.setenv("PATH", os.path.abspath("empty"))


@pytest.fixture
def with_dot(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `dot` that writes down how it was called; it fails for jpg, and for pdf it dies."""
    os.mkdir("bin")
    dot = Path("bin/dot")
    dot.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "text = sys.stdin.buffer.read()\n"
        "open('called', 'w').write(repr(sys.argv[1:]))\n"
        "if '-Tjpg' in sys.argv:\n"
        "    sys.exit('Format: jpg not recognized')\n"
        "if '-Tpdf' in sys.argv:\n"
        "    os.abort()\n"
        "sys.stdout.buffer.write(b'\\x89picture' + text)\n"
    )
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", os.path.abspath("bin"), prepend=os.pathsep)
    return dot


@pytest.mark.usefixtures("without_dot")
@pytest.mark.parametrize("kind", ["dot", "svg", "mermaid"])
def test_without_graphviz_some_formats_are_drawn_all_the_same(pipeline: Pipeline, kind: str) -> None:
    pipeline.printout_graph(f"chart.{kind}")
    text = get(f"chart.{kind}")
    assert "start" in text
    assert "end" in text


@pytest.mark.usefixtures("without_dot")
@pytest.mark.parametrize("kind", ["png", "jpg", "pdf", "ps"])
def test_without_graphviz_the_others_say_what_to_install(pipeline: Pipeline, kind: str) -> None:
    for draw in (lambda: pipeline.printout_graph(f"chart.{kind}"), lambda: graph_colour_demo_printout("demo", kind)):
        with pytest.raises(UsageError, match=f"{kind} is drawn by graphviz") as caught:
            draw()
        for word in ("apt install graphviz", "svg, dot or mermaid"):
            assert word in str(caught.value)
    assert files() == []


def test_graphviz_draws_what_it_is_given(pipeline: Pipeline, with_dot: Path) -> None:
    pipeline.printout_graph("chart.png", dpi=77, size=(3, 4))
    picture = Path("chart.png").read_bytes()
    assert picture.startswith(b"\x89picture")
    assert b"start" in picture
    assert b'size="3,4"' in picture
    assert get("called") == "['-Gdpi=77', '-Tpng']"
    pipeline.printout_graph("chart.svg")
    assert get("called") == "['-Tsvg']"
    graph_colour_demo_printout("demo.png")
    assert Path("demo.png").read_bytes().startswith(b"\x89picture")


@pytest.mark.usefixtures("with_dot")
def test_when_graphviz_fails_it_is_told_how_and_no_file_is_left(pipeline: Pipeline) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        pipeline.printout_graph("chart.jpg")
    assert caught.value.returncode == 1
    assert "Format: jpg not recognized" in caught.value.__notes__[0]
    with pytest.raises(subprocess.CalledProcessError) as caught:
        pipeline.printout_graph("chart.pdf")
    assert "SIGABRT" in str(caught.value)
    assert files("chart*") == []


@pytest.mark.usefixtures("without_dot")
def test_pictures_go_to_names_paths_and_streams_of_bytes_or_text(pipeline: Pipeline) -> None:
    pipeline.printout_graph("a ü.svg")
    expected = Path("a ü.svg").read_bytes()
    pipeline.printout_graph(Path("b.svg"))
    binary, text = io.BytesIO(), io.StringIO()
    pipeline.printout_graph(binary, "svg")
    pipeline.printout_graph(text, "svg")
    with open("c.svg", "wb") as file:
        pipeline.printout_graph(file)
    with open("d.svg", "w", encoding="utf-8") as written:
        pipeline.printout_graph(written)
    with tempfile.NamedTemporaryFile("w+", suffix=".svg", encoding="utf-8") as temporary:
        pipeline.printout_graph(temporary)
        temporary.seek(0)
        assert temporary.read().encode() == expected
    made = [Path(f"{letter}.svg").read_bytes() for letter in "bcd"]
    assert [*made, binary.getvalue(), text.getvalue().encode()] == [expected] * 5


@pytest.mark.usefixtures("with_dot")
def test_a_picture_of_bytes_needs_a_stream_of_bytes(pipeline: Pipeline) -> None:
    with pytest.raises(UsageError, match="mode 'wb'"):
        pipeline.printout_graph(io.StringIO(), "png")
    with open("through.png", "w", encoding="utf-8") as file:  # has the bytes underneath
        pipeline.printout_graph(file)
    assert Path("through.png").read_bytes().startswith(b"\x89picture")


@pytest.mark.parametrize("stream", ["chart", "folder.svg/chart", io.StringIO()])
def test_a_format_that_cannot_be_told_is_asked_for(pipeline: Pipeline, stream: Any) -> None:
    with pytest.raises(UsageError, match="give output_format"):
        pipeline.printout_graph(stream)


@pytest.mark.usefixtures("without_dot")
@pytest.mark.parametrize(
    ("size", "good"),
    [
        ((11, 8), True),
        ("11,8", True),
        ("(11, 8)", True),
        ("11,8!", True),
        ([5, 4.5], True),
        ("11", False),
        ("11,8,3", False),
        ("a,b", False),
        ((0, 8), False),
        ((-1, 8), False),
        ("nan,1", False),
        (None, False),
        (7, False),
    ],
)
def test_the_size_of_a_picture(pipeline: Pipeline, size: Any, good: bool) -> None:
    if good:
        pipeline_printout_graph("chart.svg", size=size, pipeline=pipeline)
        assert Path("chart.svg").exists()
        return
    with pytest.raises(UsageError, match=r"size"):
        pipeline_printout_graph("chart.svg", size=size, pipeline=pipeline)
    assert not Path("chart.svg").exists()


@pytest.mark.usefixtures("without_dot")
def test_pictures_of_odd_pipelines() -> None:
    odd = Pipeline('ö <&> "quoted" | [1]')
    odd.originate(make(), ["a"], name="<b>&\"'|{}\\")
    for number in range(60):
        odd.transform(make(), odd["<b>&\"'|{}\\"], suffix("a"), f".{number}", name=f"{number}")
    for kind in ("svg", "dot", "mermaid"):
        odd.printout_graph(f"odd.{kind}")
    import xml.etree.ElementTree as tree

    tree.parse("odd.svg")
    empty = Pipeline("empty")
    for kind in ("svg", "dot", "mermaid"):
        empty.printout_graph(f"empty.{kind}")
    tree.parse("empty.svg")
