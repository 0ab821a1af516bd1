"""`gangline graph`: pictures of a pipeline in each format, with what would run."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.acceptance.cli.runs import call, call_json

CHAIN = """
from pathlib import Path
from gangline.pipeline import *


@originate(["a.txt", "b.txt"])
def make(output):
    Path(output).write_text("x")


@transform(make, suffix(".txt"), ".upper")
def upper(source, target):
    Path(target).write_text("x")


@merge(upper, "all.out")
def join(sources, target):
    Path(target).write_text("x")


if __name__ == "__main__":
    pipeline_run(multiprocess=1, verbose=0)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipe.py").write_text(CHAIN, encoding="utf-8")


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_dot_is_what_standard_output_gets() -> None:
    result = call("graph", "pipe.py")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith('digraph "pipe"\n{')
    for stage in ("make", "upper", "join"):
        assert f'label="{stage}"' in result.stdout
    assert names() == ["pipe.py"]


def test_svg_by_the_name_of_the_file() -> None:
    result = call("graph", "pipe.py", "-o", "picture.svg")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "picture.svg: a picture of the pipeline as svg.\n"
    root = ElementTree.parse("picture.svg").getroot()
    texts = {"".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"pipe", "make", "upper", "join", "Key:", "Task to run", "Final target"} <= texts


def test_mermaid() -> None:
    result = call("graph", "pipe.py", "--format", "mermaid", "--horizontal")
    assert "flowchart LR" in result.stdout
    assert '["upper"]' in result.stdout
    assert call("graph", "pipe.py", "-o", "picture.mmd").exit_code == 0
    assert "flowchart TD" in Path("picture.mmd").read_text()


def roles(*arguments: str) -> dict[str, str]:
    return {stage["name"]: stage["role"] for stage in call_json("graph", "pipe.py", *arguments)["stages"]}


def test_colours_say_what_would_run() -> None:
    assert roles() == {"make": "Task to run", "upper": "Task to run", "join": "Final target"}
    assert call("run", "pipe.py", "--backend", "inline", "--output", "quiet").exit_code == 0
    assert roles() == {"make": "Up-to-date task", "upper": "Up-to-date task", "join": "Up-to-date Final target"}
    Path("b.upper").unlink()
    assert roles() == {"make": "Up-to-date task", "upper": "Task to run", "join": "Final target"}
    assert roles("--force", "make") == {
        "make": "Explicitly specified task", "upper": "Task to run", "join": "Final target",
    }  # fmt: skip
    assert roles("--target", "upper") == {"make": "Up-to-date task", "upper": "Final target"}
    assert roles("--only-running") == {"upper": "Task to run", "join": "Final target"}
    assert "Key" not in call("graph", "pipe.py", "--no-key").stdout


def test_the_same_for_programs() -> None:
    told = call_json("graph", "pipe.py", "--format", "svg")
    assert set(told) == {"program", "format", "file", "picture", "stages"}
    assert (told["program"], told["format"], told["file"]) == ("pipe.py", "svg", None)
    assert told["picture"].startswith("<svg")
    assert [stage["builds_on"] for stage in told["stages"]] == [[], ["make"], ["upper"]]
    result = call("graph", "pipe.py", "-o", "x.dot", "--output", "json")
    assert '"picture": null' in result.stdout
    assert Path("x.dot").read_text().startswith("digraph")


def test_stages_that_wait_for_each_other_are_drawn() -> None:
    Path("pipe.py").write_text(
        """
from gangline.pipeline import *

@follows("second")
def first(): ...

@follows(first)
def second(): ...
"""
    )
    assert roles() == {"first": "Vicious cycle", "second": "Vicious cycle"}


def test_graphviz_draws_the_rest_if_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    result = call("graph", "pipe.py", "-o", "x.png")
    assert result.exit_code == 2
    assert "install graphviz" in result.stderr
    assert "svg, dot or mermaid, which need nothing" in result.stderr
    assert not Path("x.png").exists()
    dot = programs / "dot"
    dot.write_text(f"#!{sys.executable}\nimport sys\nprint(*sys.argv[1:], len(sys.stdin.read()) > 100)\n")
    dot.chmod(0o755)
    assert call("graph", "pipe.py", "-o", "x.pdf").exit_code == 0
    assert Path("x.pdf").read_text() == "-Tpdf True\n"
    dot.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no such font')\n")
    result = call("graph", "pipe.py", "-o", "y.png")
    assert result.exit_code == 3
    assert "graphviz cannot draw it as png: no such font" in result.stderr
    assert not Path("y.png").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "picture.foo"], "does not end in a format that is known"),
        (["-o", "nowhere/picture.svg"], "nowhere/picture.svg cannot be written: No such file or directory"),
        (["--format", "png", "--output", "json"], "a png is no text: name a file with -o, such as -o pipeline.png"),
        (["--format", "gif"], "'gif' is not one of"),
        (["--target", "jion"], "pipe.py has no stage 'jion'; its stages are make, upper, join"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str) -> None:
    result = call("graph", "pipe.py", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert names() == ["pipe.py"]


def test_no_pixels_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "gangline", "graph", "pipe.py", "--format", "png"],
        stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "a png is no text" in done.stderr
