"""A keeper for tests of what is told when time is up: it is up when what is to be told has come to pass."""

from __future__ import annotations

import time
from collections.abc import Callable

from gangline.cluster.configuration import ClusterConfiguration
from gangline.cluster.keeper import Keeper

PATIENCE_S = 60.0


class PatientKeeper(Keeper):
    """Gives nothing up before a condition holds, however short its `start_timeout_s` is.

    Args:
        configuration: What the cluster is made of.
        condition: Asked again and again.
    """

    def __init__(self, configuration: ClusterConfiguration, condition: Callable[[Keeper], bool]) -> None:
        super().__init__(configuration)
        self._condition = condition

    def _give_up_on_late_ones(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not self._condition(self):
            assert time.monotonic() < deadline, self.engines()
            self._changed.wait(0.05)
        super()._give_up_on_late_ones()
