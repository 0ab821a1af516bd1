"""The suite that every backend passes, for those that come with Gangline."""

from __future__ import annotations

from gangline.backends.inline import InlineBackend
from gangline.backends.processes import ProcessesBackend
from gangline.backends.threads import ThreadsBackend
from gangline.testing.conformance import BackendConformance, Interrupts, Traits


class TestInline(BackendConformance):
    traits = Traits(
        own_processes=False,
        concurrent=False,
        ends_by_force=False,
        copies=False,
        last_words=False,
        interrupts=Interrupts.NEVER,
    )

    def make_backend(self) -> InlineBackend:
        return InlineBackend()


class TestThreads(BackendConformance):
    traits = Traits(
        own_processes=False,
        concurrent=True,
        ends_by_force=False,
        copies=False,
        last_words=False,
        interrupts=Interrupts.IN_PYTHON,
    )

    def make_backend(self) -> ThreadsBackend:
        return ThreadsBackend()


class TestProcesses(BackendConformance):
    traits = Traits(
        own_processes=True,
        concurrent=True,
        ends_by_force=True,
        copies=True,
        last_words=True,
        interrupts=Interrupts.ANYWHERE,
    )

    def make_backend(self) -> ProcessesBackend:
        return ProcessesBackend()
