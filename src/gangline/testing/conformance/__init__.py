"""What every backend must do, as one suite of pytest tests. A new backend is done when it passes.

In a test module::

    from gangline.testing.conformance import BackendConformance, Interrupts, Traits

    class TestMyBackend(BackendConformance):
        traits = Traits(own_processes=True, concurrent=True, ends_by_force=True, copies=True, last_words=False,
                        interrupts=Interrupts.ANYWHERE)

        def make_backend(self) -> Backend:
            return MyBackend()

`Traits` says which of the documented behaviours of `gangline.ports.Backend` the backend has. A trait switches a test
from one of them to the other; it never has a test skipped.
"""

import pytest

# So that a failed assertion in here shows its values, as one in a test module does.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{part}"
        for part in ("driver", "engines", "functions", "interrupts", "lifecycle", "outputs", "recalls", "results")
    ),
    *(f"{__name__}.{part}" for part in ("arguments", "sessions", "stage", "suite")),
)

from gangline.testing.conformance.driver import Driver  # noqa: E402
from gangline.testing.conformance.suite import BackendConformance  # noqa: E402
from gangline.testing.conformance.traits import Interrupts, Traits  # noqa: E402

__all__ = ["BackendConformance", "Driver", "Interrupts", "Traits"]
