"""Recipes: steps with declared inputs and outputs.

class threshold(BaseRecipe, RemoteCommandRecipeMixIn):
inputs = {"level": FloatField("-l", "--level", default=5.0, help="In units of the noise.")}
outputs = {"sources": IntField()}

def go(self):
super().go()
self._schedule_jobs([...])
self.outputs["sources"] = 17
return 1 if self.error.is_set() else 0

if __name__ == "__main__":
sys.exit(threshold().main())
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gangline.recipes.commandline import main
from gangline.recipes.cooking import cook, find_task, run_found
from gangline.recipes.ingredients import Ingredients, Value
from gangline.recipes.lofarexceptions import PipelineRecipeFailed
from gangline.recipes.running import carry_out
from gangline.recipes.step import Step

__all__ = ["BaseRecipe"]


class BaseRecipe(Step):
    """A recipe. Its inputs can be given here, by `inputs`, on the command line and by files; see `Step`.

    Args:
        inputs: By name.

    Raises:
        InputError: Inputs are wrong, or not known; all are named, and those that are missing, too.
    """

    def run(self, name: str = "") -> int:
        """Have it done. With its input `resume`, jobs that an earlier such run has done are left out.

        Args:
            name: What it is called in messages; its class if it is not given.

        Returns:
            0 for success. What `go` raises is logged, is in `failure`, and counts as 1.

        Raises:
            InputError: Inputs are wrong or missing; nothing was started.
        """
        self.name = name or self.name
        self.make_ready()
        if self.inputs["resume"] and self._run is None and not self.is_pipeline:
            return carry_out(self)
        return cook(self)

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Have it done as the command line says.

        Args:
            argv: Its words without the program; None: those of this process.

        Returns:
            The exit code: 0 done; 1 it has failed; 2 inputs are wrong; 128 and the signal's number if one ended it.
        """
        return main(self, sys.argv[1:] if argv is None else argv)

    def cook_recipe(
        self, recipe: str | type[Step], inputs: Mapping[str, Any] | None = None, outputs: Any = None
    ) -> int:
        """Have another recipe done as part of this one.

        Args:
            recipe: The recipe, or its name.
            inputs: What it is given.
            outputs: Takes what it gives.

        Returns:
            0 for success.

        Raises:
            RecipeNotFound: There is no such recipe.
            InputError: Inputs are wrong or missing; all are named.
        """
        values = {name: Value(value) for name, value in (inputs or {}).items()}
        found = find_task(self, recipe, values, as_recipe=True)
        try:
            gives = run_found(self, found)
        except PipelineRecipeFailed as error:
            return error.status
        if outputs is not None:
            outputs.update(gives)
        return 0

    def run_task(self, name: str | type[Step], datafiles: Iterable[Any] = (), **parameters: Any) -> Ingredients:
        """Have a task done: a recipe with the parameters that `tasks.cfg` gives it, and others.

        In a pipeline, a task that an earlier run has done is not done again, unless something has changed.

        Args:
            name: A task of `tasks.cfg`, a recipe's name, or a recipe.
            datafiles: What it works on: its `inputs["args"]`.
            parameters: Inputs; they win over those of `tasks.cfg`. `recipe` names another recipe.

        Returns:
            The outputs of its recipe.

        Raises:
            RecipeNotFound: There is no such task or recipe.
            InputError: Inputs are wrong or missing; all are named.
            PipelineRecipeFailed: It has failed.
        """
        recipe = parameters.pop("recipe", None)
        where = f"the call of run_task({getattr(name, '__name__', name)!r})"
        values = {key: Value(value, where) for key, value in parameters.items()}
        datafiles = [datafiles] if isinstance(datafiles, (str, os.PathLike)) else list(datafiles)
        if datafiles:
            values["args"] = Value(datafiles, where)
        return run_found(self, find_task(self, name, values, recipe=recipe))
