"""The live block at the foot of a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.acceptance.cli.terminals import on_terminal

# Each line takes longer to be drawn than a block stays as it is, and no block is as high as the one before.
CHANGING = """
import itertools, time
from rich.console import Console
from rich.text import Text
from gangline.cli.pipelines import terminal

render = terminal._AsItIs.__rich_console__

def render_slowly(self, console, options):
    time.sleep(2.5 * terminal._REFRESH_S)
    return render(self, console, options)

terminal._AsItIs.__rich_console__ = render_slowly
heights = itertools.cycle([1, 4, 2])
block = terminal.LiveBlock(Console(stderr=True), lambda: Text("\\n".join(["of the block"] * next(heights))))
for number in range(4):
    block.say(f"line {number}")
    time.sleep(3 * terminal._REFRESH_S)
block.close()
"""


def test_a_block_that_grows_and_shrinks_while_lines_are_put_above_it_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(CHANGING, encoding="utf-8")
    ended = on_terminal([sys.executable, str(tmp_path / "program.py")])
    assert ended.code == 0, ended.raw
    assert "of the block" in ended.raw
    assert ended.lines == [f"line {number}" for number in range(4)]
