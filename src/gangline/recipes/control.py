"""Pipelines of recipes.

    class sky(control):
        def pipeline_logic(self):
            sources = self.run_task("extract", ["field.fits"])
            self.run_task("combine", catalogue=sources["catalogue"])

    if __name__ == "__main__":
        sys.exit(sky().main())

A pipeline that is run again leaves out the tasks that are done.
"""

from __future__ import annotations

import ast
from typing import Any

from gangline.cluster.configuration import configure
from gangline.recipes.cooking import problems_ahead
from gangline.recipes.fields import BoolField
from gangline.recipes.ingredients import Problem
from gangline.recipes.recipe import BaseRecipe
from gangline.recipes.running import running

__all__ = ["control"]


class control(BaseRecipe):  # as the LOFAR framework calls it
    """A pipeline: a recipe that has tasks done, one after another."""

    is_pipeline = True
    inputs = {  # noqa: RUF012  # see BaseRecipe
        "resume": BoolField(
            "--resume", default=True, help="Leave out what earlier runs have done; --no-resume does all again."
        ),
    }

    def pipeline_logic(self) -> Any:
        """The tasks. A pipeline has its own.

        Raises:
            NotImplementedError: It has none.
        """
        raise NotImplementedError(f"pipeline {type(self).__name__} has no pipeline_logic")

    def go(self) -> Any:
        """Have the tasks done.

        Returns:
            What `pipeline_logic` gives: 0 or nothing for success.
        """
        super().go()
        configure(self.config.file)  # what a `with cluster()` in it starts
        if self._run is not None:
            return self.pipeline_logic()
        with running(self) as run:
            status = run.status = self.pipeline_logic()
            return status

    def look_ahead(self) -> list[Problem]:
        """What is wrong with the tasks that the program's text names, as far as it can be known."""
        return [problem for name in self._named_tasks() for problem in problems_ahead(self, name)]

    def _named_tasks(self) -> list[str]:
        """The tasks whose names stand in the pipeline's file."""
        try:
            with open(self.__file__, "rb") as file:
                tree = ast.parse(file.read())
        except (OSError, SyntaxError, ValueError):
            return []
        names: dict[str, None] = {}
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="run_task", value=ast.Name(id="self")),
                    args=[ast.Constant(value=str(name)), *_],
                    keywords=keywords,
                ) if not any(each.arg in ("recipe", None) for each in keywords):
                    names[name] = None
        return list(names)
