"""Public fakes for tests: time that stands still, and engines that are only simulated."""

from gangline.testing.clock import FakeClock
from gangline.testing.simulator import Outcome, Run, Simulator, Work

__all__ = ["FakeClock", "Outcome", "Run", "Simulator", "Work"]
