"""The decorators that combine items, under the name by which existing programs import them."""

from __future__ import annotations

from gangline.pipeline.stages.decorators import (
    combinations,
    combinations_with_replacement,
    permutations,
    product,
)

__all__ = ["combinations", "combinations_with_replacement", "permutations", "product"]
