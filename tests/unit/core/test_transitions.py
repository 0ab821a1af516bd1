"""The table of transitions, and the picture of it in the documentation."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from gangline._core.diagram import draw_states
from gangline._core.transitions import FINAL, TABLE, State, Step, step
from gangline.errors import InternalError

DOCUMENT = Path(__file__).parents[3] / "docs" / "design" / "task-states.md"


@pytest.mark.parametrize(("state", "what"), list(product(State, Step)))
def test_every_pair_is_in_the_table_or_illegal(state: State, what: Step) -> None:
    if (state, what) in TABLE:
        assert step(state, what) is TABLE[state, what]
    else:
        with pytest.raises(InternalError, match=rf"{state.name} cannot {what.name}"):
            step(state, what)


def test_nothing_follows_a_final_state() -> None:
    assert not [before for before, _ in TABLE if before in FINAL]


def test_every_state_is_reached_and_every_live_one_can_fail() -> None:
    assert set(TABLE.values()) == set(State) - {State.NEW}
    assert {before for (before, what) in TABLE if what is Step.FAIL} == set(State) - FINAL


def test_the_documents_diagram_is_the_tables() -> None:
    assert f"```mermaid\n{draw_states()}```" in DOCUMENT.read_text(encoding="utf-8")
