import threading
import time

import pytest

from gangline.views import Client


@pytest.fixture
def rc():
    """A client of two engines that are threads of this process, so that tests can hold tasks up with events."""
    with Client(backend="threads", n=2) as client:
        client.wait_for_engines(2)
        yield client


@pytest.fixture(scope="session")
def until():
    """Asks until the answer is true: for what no event tells, such as that a task has begun."""

    def ask(question, timeout_s=60):
        end = time.monotonic() + timeout_s
        while not question():
            assert time.monotonic() < end, f"{question} did not become true"
            time.sleep(0.002)

    return ask


@pytest.fixture
def view(rc):
    return rc.load_balanced_view()


@pytest.fixture
def gate():
    """An event that is set at the latest when the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(scope="module")
def processes():
    with Client(n=2) as client:
        client.wait_for_engines(2)
        yield client
