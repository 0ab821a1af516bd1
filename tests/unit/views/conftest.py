import threading

import pytest

from gangline.views import Client


@pytest.fixture
def rc():
    """A client of two engines that are threads of this process, so that tests can hold tasks up with events."""
    with Client(backend="threads", n=2) as client:
        client.wait_for_engines(2)
        yield client


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
