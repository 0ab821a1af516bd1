"""`BaseRecipe`, where the LOFAR framework has it."""

from __future__ import annotations

from gangline.recipes.recipe import BaseRecipe

__all__ = ["BaseRecipe"]
