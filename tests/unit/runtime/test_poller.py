"""Waiting for descriptors."""

import os
import socket
import threading

import pytest

from gangline._runtime.poller import Poller


@pytest.fixture
def poller():
    poller = Poller()
    yield poller
    poller.close()


def callback(name):
    def on_ready():
        return [name]

    return on_ready


def names(ready):
    return [name for on_ready in ready for name in on_ready()]


def test_nothing_ready_means_nothing_to_call(poller):
    assert poller.poll(0) == []


def test_a_readable_descriptor_is_reported_until_it_is_read(poller):
    left, right = socket.socketpair()
    with left, right:
        poller.watch(right.fileno(), callback("right"))
        assert poller.poll(0) == []
        left.send(b"x")
        assert names(poller.poll(60)) == ["right"]
        assert names(poller.poll(60)) == ["right"]
        right.recv(1)
        assert poller.poll(0) == []
        poller.unwatch(right.fileno())


def test_unwatching_what_is_not_watched_is_nothing(poller):
    poller.unwatch(0)


def test_a_closed_end_is_readable(poller):
    left, right = socket.socketpair()
    with right:
        poller.watch(right.fileno(), callback("closed"))
        left.close()
        assert names(poller.poll(60)) == ["closed"]
        poller.unwatch(right.fileno())


def test_wake_ends_a_poll_that_waits_and_the_next_one(poller):
    threading.Timer(0.01, poller.wake).start()
    assert poller.poll(60) == []
    poller.wake()
    poller.wake()
    assert poller.poll(60) == []
    assert poller.poll(0) == []


def test_a_descriptor_number_can_be_used_again(poller):
    reader, writer = os.pipe()
    poller.watch(reader, callback("first"))
    poller.unwatch(reader)
    os.close(reader)
    os.close(writer)
    again, writer = os.pipe()
    assert again == reader
    poller.watch(again, callback("second"))
    os.write(writer, b"x")
    assert names(poller.poll(60)) == ["second"]
    poller.unwatch(again)
    os.close(again)
    os.close(writer)
