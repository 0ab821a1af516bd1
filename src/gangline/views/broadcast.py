"""The view that sends one message to many engines, by the name that its users know."""

from __future__ import annotations

from typing import Any

from gangline.views.control import Control
from gangline.views.direct import DirectView

__all__ = ["BroadcastView"]


class BroadcastView(DirectView):
    """A direct view of a fixed set of engines. Results come per engine, as from any direct view.

    Args:
        client: Whose engines.
        socket: Kept for programs that pass it.
        targets: Which engines.
        is_coalescing: Kept for programs that set it; results are always lists with one item for each engine.
        flags: As in `set_flags`.
    """

    def __init__(
        self,
        client: Control,
        socket: Any = None,
        targets: Any = "all",
        is_coalescing: bool = False,
        **flags: Any,
    ) -> None:
        super().__init__(client, socket, client._build_targets(targets), **flags)
        self.is_coalescing = is_coalescing
