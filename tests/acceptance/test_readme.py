"""The README: its example prints what it says, its commands and links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gangline.cli.main import CommandTable

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_prints_what_its_comments_say(example: str, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(example)
    promised = [
        line.partition("  # ")[2].strip() for line in example.splitlines() if line.lstrip().startswith("print(")
    ]
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (promised, "", 0)


def test_there_is_an_example() -> None:
    assert EXAMPLES


def test_its_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README))
    assert {"demo", "test"} <= named <= targets


def test_its_commands_and_their_options_exist() -> None:
    group = CommandTable()
    context = click.Context(group)
    named = re.findall(r"`gangline ([a-z]+)((?: --[a-z-]+)*)`", README)
    assert named
    for name, options in named:
        command = group.get_command(context, name)
        assert command is not None, name
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(options.split()) <= known


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CHANGELOG.md",
        "docs/glossary.md",
        "docs/design/pipelines.md",
        "examples/variants/README.md",
        "examples/primes/README.md",
        "examples/thumbnails/README.md",
        "examples/sky/README.md",
    ],
)
def test_links_to_files_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target
