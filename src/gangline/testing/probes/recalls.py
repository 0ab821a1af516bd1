"""Tasks that count how often they run."""

from __future__ import annotations

from gangline._engine.context import current

__all__ = ["all_runs", "count_run"]


def count_run(number: int) -> int:
    """How often the engine has run this task."""
    context = current()
    assert context is not None
    runs: dict[int, int] = context.namespace.setdefault("runs", {})
    runs[number] = runs.get(number, 0) + 1
    return runs[number]


def all_runs() -> dict[int, int]:
    """How often the engine has run which task."""
    context = current()
    assert context is not None
    return dict(context.namespace.get("runs", {}))
