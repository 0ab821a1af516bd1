"""The task's states as a picture, drawn from the table, for the documentation."""

from __future__ import annotations

from gangline._core.transitions import FINAL, TABLE, State, Step


def draw_states() -> str:
    """The transitions as a Mermaid state diagram; steps between the same two states share an arrow."""
    arrows: dict[tuple[State, State], list[Step]] = {}
    for (before, step), after in TABLE.items():
        arrows.setdefault((before, after), []).append(step)
    lines = ["stateDiagram-v2", "    [*] --> NEW"]
    for (before, after), steps in arrows.items():
        names = ", ".join(step.name.lower().replace("_", " ") for step in steps)
        lines.append(f"    {before.name} --> {after.name}: {names}")
    lines += [f"    {state.name} --> [*]" for state in sorted(FINAL)]
    return "\n".join(lines) + "\n"
