"""Choosing an engine among those with room: the schemes of IPython parallel.

Each scheme costs O(log n) at most for n engines: ordered schemes keep a heap with stale entries, random ones a list.
An engine is put into the heap when one is chosen: many come and go before that.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from gangline.messages import EngineId, Scheme

if TYPE_CHECKING:
    from random import Random

    from gangline._core.engines import Engine

_Key = tuple[int, int]


def _by_use(engine: Engine) -> _Key:
    return (0, engine.used)


def _by_load(engine: Engine) -> _Key:
    return (len(engine.assigned), engine.used)


class Openings:
    """Engines that can be sent work, and the scheme that picks the next one.

    Attributes:
        members: The engines by number; only to be looked at.
    """

    __slots__ = ("_changed", "_heap", "_keys", "_order", "_positions", "_random", "_rank", "_scheme", "members")

    def __init__(self, scheme: Scheme, random: Random) -> None:
        self._scheme = scheme
        self._random = random
        self.members: dict[EngineId, Engine] = {}
        self._rank: Callable[[Engine], _Key] | None = _RANKS.get(scheme)
        self._heap: list[tuple[_Key, EngineId]] = []
        self._keys: dict[EngineId, _Key] = {}
        self._changed: dict[EngineId, Engine] = {}
        self._order: list[Engine] = []
        self._positions: dict[EngineId, int] = {}

    def __len__(self) -> int:
        return len(self.members)

    def __bool__(self) -> bool:
        return bool(self.members)

    def __contains__(self, engine: EngineId) -> bool:
        return engine in self.members

    def __iter__(self) -> Iterator[Engine]:
        return iter(self.members.values())

    def add(self, engine: Engine) -> None:
        """The engine has room; call again when its load has changed."""
        if self._rank is not None:
            self._changed[engine.id] = engine
        elif engine.id not in self.members:
            self._positions[engine.id] = len(self._order)
            self._order.append(engine)
        self.members[engine.id] = engine

    def discard(self, engine: Engine) -> None:
        """The engine has no room any more."""
        if self.members.pop(engine.id, None) is None:
            return
        if self._rank is not None:
            self._changed.pop(engine.id, None)
            self._keys.pop(engine.id, None)
            return
        position = self._positions.pop(engine.id)
        last = self._order.pop()
        if last is not engine:
            self._order[position] = last
            self._positions[last.id] = position

    def choose(self) -> Engine:
        """The engine that the scheme picks; there must be one."""
        if len(self.members) == 1:
            (engine,) = self.members.values()
            return engine
        if self._rank is None:
            return self._draw(self._order)
        if self._changed:
            self._enter_changed(self._rank)
        heap = self._heap
        while True:
            key, engine_id = heap[0]
            if self._keys.get(engine_id) == key:
                return self.members[engine_id]
            heapq.heappop(heap)

    def _enter_changed(self, rank: Callable[[Engine], _Key]) -> None:
        for engine in self._changed.values():
            key = rank(engine)
            if self._keys.get(engine.id) != key:
                self._keys[engine.id] = key
                heapq.heappush(self._heap, (key, engine.id))
        self._changed.clear()
        if len(self._heap) > 8 + 4 * len(self._keys):
            self._heap = [(key, engine_id) for engine_id, key in self._keys.items()]
            heapq.heapify(self._heap)

    def choose_from(self, engines: Sequence[Engine]) -> Engine:
        """The engine that the scheme picks among these."""
        if self._rank is None:
            return self._draw(engines)
        return min(engines, key=self._rank)

    def _draw(self, engines: Sequence[Engine]) -> Engine:
        count = len(engines)
        if count == 1:
            return engines[0]
        draw = self._random.randrange
        if self._scheme is Scheme.PLAINRANDOM:
            return engines[draw(count)]
        if self._scheme is Scheme.TWOBIN:
            first, second = draw(count), draw(count - 1)
            second += second >= first
            return min(engines[first], engines[second], key=_by_use)
        first = self._weighted(engines)
        second = self._weighted(engines)
        return min(engines[first], engines[second], key=_by_load)

    def _weighted(self, engines: Sequence[Engine]) -> int:
        """An index drawn with weight 1 / (1 + load), by rejection: constant time for any number of engines."""
        while True:
            index = self._random.randrange(len(engines))
            if self._random.random() * (1 + len(engines[index].assigned)) < 1.0:
                return index


_RANKS: dict[Scheme, Callable[[Engine], _Key]] = {
    Scheme.LRU: _by_use,
    Scheme.PURE: _by_use,
    Scheme.LEASTLOAD: _by_load,
}
