"""All parts together."""

from __future__ import annotations

from gangline.testing.conformance.arguments import Arguments
from gangline.testing.conformance.engines import Engines
from gangline.testing.conformance.functions import Functions
from gangline.testing.conformance.interrupts import Interrupts
from gangline.testing.conformance.lifecycle import Lifecycle
from gangline.testing.conformance.outputs import Outputs
from gangline.testing.conformance.recalls import Recalls
from gangline.testing.conformance.results import Results
from gangline.testing.conformance.sessions import Sessions

__all__ = ["BackendConformance"]


class BackendConformance(Engines, Results, Arguments, Functions, Outputs, Interrupts, Recalls, Lifecycle, Sessions):
    """The whole suite. A subclass sets `traits` and overrides `make_backend`, and its name begins with ``Test``.

    Attributes:
        traits: Which of the documented behaviours the backend has.
        client_host: This host's address as the engines see it; by default that of the host itself.
    """
