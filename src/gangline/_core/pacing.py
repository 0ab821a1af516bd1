"""How much work an engine is sent ahead, by measured duration.

A round trip costs about 0.1 ms, so tiny tasks must travel many at a time and a new batch must be under way before the
last one is done; a long task must not have others waiting behind it. So each task has a cost, its expected duration,
and an engine takes what fits into `WINDOW_S`. A task of unknown or long duration costs the whole window: it
goes alone, to an idle engine.
"""

from __future__ import annotations

WINDOW_S = 0.010
"""Work under way to one engine at most."""

LOW_WATER_S = 0.005
"""Below this backlog an engine is sent more."""

LONG_S = 0.005
"""A task expected to take this long gains nothing from being sent ahead."""

OVERHEAD_S = 4e-6
"""What a task costs its engine beside its own run."""

BATCH_MAX = 1000
"""Tasks in one batch at most, so that results of tiny tasks still come in steadily."""

CORK = 64
"""While every engine is busy, this many tasks gather before a busy engine is sent more of them."""

STEAL_AFTER_S = 0.010
"""An engine that was not heard of for this long may be held up: an idle one gets what waits there."""

_WEIGHT = 0.3
_KINDS_MAX = 10_000


class Pace:
    """Running means of durations by kind of task."""

    __slots__ = ("_means",)

    def __init__(self) -> None:
        self._means: dict[int, float] = {}

    def cost(self, kind: int, expected_s: float | None) -> float:
        """What a task of this kind adds to its engine's backlog, in seconds; always more than 0."""
        mean = max(0.0, expected_s) if expected_s is not None else self._means.get(kind, LONG_S)
        return mean + OVERHEAD_S if mean < LONG_S else WINDOW_S

    def learn(self, kind: int, duration_s: float) -> None:
        """A task of this kind has taken that long; less than 0 where the engine's clock was set back meanwhile."""
        if duration_s < 0.0:
            return
        means = self._means
        mean = means.get(kind)
        if mean is None:
            if len(means) >= _KINDS_MAX:
                means.clear()
            means[kind] = duration_s
        else:
            means[kind] = mean + _WEIGHT * (duration_s - mean)
