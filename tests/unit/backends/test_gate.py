from __future__ import annotations

import pytest

from gangline.backends.gate import Gate
from gangline.errors import UsageError


class Party:
    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.said: list[str] = []

    def arrive(self) -> None:
        self.gate.arrive(self, lambda: self.said.append("start"), self.said.append)


def test_all_start_when_the_last_has_arrived() -> None:
    gate = Gate(3)
    parties = [Party(gate) for _ in range(3)]
    for party in parties[:2]:
        party.arrive()
    assert [party.said for party in parties] == [[], [], []]
    parties[2].arrive()
    assert [party.said for party in parties] == [["start"]] * 3


def test_who_departs_has_to_come_again() -> None:
    gate = Gate(2)
    first, second, third = (Party(gate) for _ in range(3))
    first.arrive()
    assert gate.depart(first)
    assert not gate.depart(first)
    second.arrive()
    assert second.said == []
    third.arrive()
    assert (first.said, second.said, third.said) == ([], ["start"], ["start"])


def test_a_broken_gate_lets_nobody_through() -> None:
    gate = Gate(2)
    first, second = Party(gate), Party(gate)
    first.arrive()
    gate.break_("one is missing")
    gate.break_("again")
    second.arrive()
    assert (first.said, second.said) == (["one is missing"], ["one is missing"])


def test_who_comes_again_after_the_start_need_not_wait() -> None:
    gate = Gate(1)
    party = Party(gate)
    party.arrive()
    party.arrive()
    assert party.said == ["start", "start"]


def test_a_gate_for_nobody_is_refused() -> None:
    with pytest.raises(UsageError, match="1 party"):
        Gate(0)
