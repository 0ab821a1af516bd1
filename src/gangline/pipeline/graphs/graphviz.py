"""Graphviz' program `dot`, which turns its language into pictures, where it is installed."""

from __future__ import annotations

import shutil
import subprocess

from gangline.errors import UsageError

__all__ = ["build_dot_argv", "find_dot", "render"]

_WITHOUT_RESOLUTION = frozenset({"svg", "pdf", "ps"})


def find_dot() -> str | None:
    """The path of the program, or None where it is not installed."""
    return shutil.which("dot")


def build_dot_argv(program: str, output_format: str, dpi: int | str) -> list[str]:
    """The command that reads a graph and writes a picture.

    Args:
        program: The path of `dot`.
        output_format: What it shall write: png, svg, pdf, ps, jpg.
        dpi: Pixels per inch, for formats that have pixels.
    """
    resolution = [] if output_format in _WITHOUT_RESOLUTION else [f"-Gdpi={dpi}"]
    return [program, *resolution, f"-T{output_format}"]


def render(text: str, output_format: str, dpi: int | str) -> bytes:
    """The picture of a graph.

    Args:
        text: The graph, in the language of `dot`.
        output_format: What to write: png, svg, pdf, ps, jpg.
        dpi: Pixels per inch, for formats that have pixels.

    Raises:
        UsageError: The program is not installed.
        CalledProcessError: It failed; what it wrote is in the exception's notes.
    """
    program = find_dot()
    if program is None:
        raise UsageError(
            f"{output_format} is drawn by graphviz, whose program `dot` is not here: install graphviz "
            "(apt install graphviz, brew install graphviz, conda install graphviz), "
            "or ask for svg, dot or mermaid, which need nothing"
        )
    argv = build_dot_argv(program, output_format, dpi)
    done = subprocess.run(argv, input=text.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        error = subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr)
        error.add_note(done.stderr.decode(errors="replace").strip())
        raise error
    return done.stdout
