"""What the parts of the suite share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from gangline.ports import Backend
from gangline.testing.conformance.driver import Driver
from gangline.testing.conformance.traits import Traits

__all__ = ["Part", "run_as_main"]


class Part:
    """The hooks to override, and the drivers that the tests use."""

    traits: ClassVar[Traits]
    """Which of the documented behaviours the backend has."""
    client_host: ClassVar[str] = "127.0.0.1"
    """This host's address, as the engines see it."""

    def make_backend(self) -> Backend:
        """A new backend, not started. To be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must say how its backend is made")

    def drive(self, engines: int | None) -> Driver:
        """Start a backend; the caller stops it."""
        return Driver(self.make_backend(), engines=engines, concurrent=self.traits.concurrent, host=self.client_host)

    @pytest.fixture
    def start(self) -> Iterator[Callable[[int | None], Driver]]:
        """Start a backend with that many engines; it is stopped at the end."""
        drivers: list[Driver] = []

        def start(engines: int | None) -> Driver:
            drivers.append(self.drive(engines))
            return drivers[-1]

        yield start
        for driver in drivers:
            driver.stop()

    @pytest.fixture
    def driver(self, start: Callable[[int | None], Driver]) -> Driver:
        """A backend with one engine, which has joined."""
        driver = start(1)
        driver.join()
        return driver


def run_as_main(source: str) -> dict[str, Any]:
    """Run source code as a user's script does: its functions belong to ``__main__``."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(source, scope)
    return scope
