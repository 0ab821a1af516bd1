"""What a result says about its tasks and shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ALL_COMPLETED
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from gangline.errors import WaitTimeout
from gangline.views.metadata import METADATA_KEYS, Metadata, metadata_of
from gangline.views.tasks import patience

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle

__all__ = ["Shown"]


class Shown:
    """Metadata, progress and outputs of a result."""

    _handles: Sequence[Handle]
    _fname: str
    _single_result = False
    _known: list[Metadata] | None = None

    if TYPE_CHECKING:

        def ready(self) -> bool:
            """Whether all tasks have ended."""

        def wait(self, timeout: float | None = -1, return_when: str | None = None) -> Any:
            """Wait for the tasks to end."""

        def __getitem__(self, key: Any) -> Any: ...

        def __len__(self) -> int: ...

        def _all_outcomes(self) -> list[Any]: ...

        @property
        def progress(self) -> int:
            """How many of `len` have ended."""

    @property
    def _metadata(self) -> list[Metadata]:
        if self._known is None:
            self._known = [metadata_of(handle) for handle in self._handles]
        return self._known

    @property
    def metadata(self) -> Metadata | list[Metadata]:
        """What is known about the task, or about each of them."""
        return self._metadata[0] if self._single_result else self._metadata

    def __getattr__(self, name: str) -> Any:
        if name in METADATA_KEYS:
            return self[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *METADATA_KEYS]

    def wait_interactive(
        self,
        interval: float = 0.1,
        timeout: float | None = -1,
        widget: bool | None = None,
        return_when: str = ALL_COMPLETED,
    ) -> None:
        """Wait and show the progress: on a terminal, or as a widget in a notebook.

        Args:
            interval: Seconds between two looks.
            timeout: Seconds; None or a negative number is for ever.
            widget: Whether to show a widget; None: in a notebook.
            return_when: A constant of `concurrent.futures`.
        """
        from gangline.views import progress

        progress.wait_interactive(self, interval, patience(timeout), widget, return_when)

    def display_outputs(self, groupby: str = "type", result_only: bool = False) -> None:
        """Show again what the tasks have written and displayed.

        Args:
            groupby: ``type`` (all stdout, then all stderr ...), ``engine``, or ``order`` (all first figures first).
            result_only: Show results only.

        Raises:
            TimeoutError: The tasks have not all ended.
        """
        from gangline.views import outputs

        if not self.ready():
            raise WaitTimeout("the result is not ready")
        outputs.display(self._metadata, self._all_outcomes(), groupby, result_only, prefixed=not self._single_result)

    def stream_output(self) -> AbstractContextManager[None]:
        """Show what the tasks write as they write it, inside the ``with`` block."""
        from gangline.views import outputs

        return outputs.stream(self._metadata)
