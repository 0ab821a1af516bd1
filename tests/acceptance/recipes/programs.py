"""A folder with a pipeline and recipes as users have them, run as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

RECIPE = """
import sys
from gangline.recipes.baserecipe import BaseRecipe
from gangline.recipes.remotecommand import RemoteCommandRecipeMixIn
from gangline.recipes.remotecommand import ComputeJob
from gangline.recipes.lofaringredient import *

class {name}(BaseRecipe, RemoteCommandRecipeMixIn):
    inputs = {{
        'jobs': IntField('-n', '--jobs', default=3, help="How many jobs there are."),
        'level': FloatField('-l', '--level', default=1.0, help="In units of the noise."),
        'mask': FileField('--mask', optional=True, help="What is left out."),
    }}
    outputs = {{'made': StringField()}}

    def go(self):
        super({name}, self).go()
        node_command = "sh %s" % (self.__file__.replace("master", "nodes").replace(".py", ".sh"))
        jobs = [
            ComputeJob("localhost", node_command, arguments=[number, self.inputs['level']])
            for number in range(self.inputs['jobs'])
        ]
        self._schedule_jobs(jobs)
        self.outputs['made'] = 'made/{name}'
        if self.error.isSet():
            return 1
        else:
            return 0

if __name__ == "__main__":
    sys.exit({name}().main())
"""

COMMAND = """
echo "{name} $1 $2" >>ran
echo "job $1 at $2"
while [ -e wait ]; do sleep 0.02; done
if [ -e fail-$1 ]; then exit 7; fi
"""

PIPELINE = """
import sys
from gangline.recipes.control import control

class night(control):
    def pipeline_logic(self):
{logic}

if __name__ == "__main__":
    sys.exit(night().main())
"""


class Site:
    """The folder.

    Args:
        folder: Where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("pipeline.cfg", "[DEFAULT]\nrecipe_directories = [recipes/master]\n[remote]\nmax_per_node = 4\n")

    def write(self, name: str, text: str) -> Path:
        """Write a file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def change(self, name: str, before: str, after: str) -> None:
        """Change a file."""
        text = (self.folder / name).read_text()
        assert before in text
        self.write(name, text.replace(before, after))

    def recipe(self, name: str) -> None:
        """A recipe and the command that it has run."""
        self.write(f"recipes/master/{name}.py", RECIPE.format(name=name))
        self.write(f"recipes/nodes/{name}.sh", COMMAND.format(name=name))

    def pipeline(self, logic: str) -> None:
        """The pipeline."""
        self.write("night.py", PIPELINE.format(logic=textwrap.indent(textwrap.dedent(logic).strip(), " " * 8)))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a program."""
        env = {**os.environ, "HOME": str(self.folder / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, env=env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        process = self.start(*(words or ("night.py",)))
        try:
            out, err = process.communicate(timeout=60)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def ran(self) -> list[str]:
        """What has been run since this was last asked, in alphabetical order."""
        file = self.folder / "ran"
        lines = sorted(file.read_text().splitlines()) if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    def gangline(self, *words: str) -> dict[str, Any]:
        """What a command of Gangline tells."""
        found: dict[str, Any] = json.loads(self.run("-m", "gangline", *words, "--output", "json").stdout)
        return found
