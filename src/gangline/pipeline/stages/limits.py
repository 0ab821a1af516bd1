"""The limits that a program's stages declare: each name stands for one number, wherever it is used."""

from __future__ import annotations

import threading

from gangline.pipeline.ruffus_exceptions import JobsLimitArgumentError
from gangline.pipeline.stages.declaration import Place

__all__ = ["LIMITS", "LimitNames"]


class LimitNames:
    """Which number each name of a limit stands for."""

    def __init__(self) -> None:
        self._caps: dict[str, int] = {}
        self._lock = threading.Lock()

    def define(self, name: str, cap: object, place: Place) -> tuple[str, int]:
        """The limit with this name.

        Args:
            name: What stages share it by.
            cap: How many tasks may run at once, at least 1; anything that `int` takes.
            place: Where it is declared.

        Raises:
            JobsLimitArgumentError: The number is none or below 1, or the name stands for another number already.
        """
        try:
            number = int(cap)  # type: ignore[call-overload]
        except (TypeError, ValueError, OverflowError):
            number = 0
        if number < 1:
            raise JobsLimitArgumentError(f"Expecting a positive integer > 1 in \n{place(cap)}")
        with self._lock:
            former = self._caps.setdefault(name, number)
        if former != number:
            raise JobsLimitArgumentError(
                f"The job limit {name!r} cannot re-defined from the former limit of {former} in \n{place(number)}"
            )
        return name, number

    def clear(self) -> None:
        """Forget all names."""
        with self._lock:
            self._caps.clear()


LIMITS = LimitNames()
"""Those of this program."""
