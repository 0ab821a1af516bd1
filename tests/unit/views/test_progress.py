import io
import sys
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION

import pytest

from gangline.views.asyncresult import AsyncResult


class Terminal(io.StringIO):
    def isatty(self):
        return True


def fail():
    raise KeyError


@pytest.fixture
def terminal(monkeypatch):
    """Puts one in place; within the test, because pytest puts its own in place between the phases of a test."""

    def place():
        made = Terminal()
        monkeypatch.setattr(sys, "stderr", made)
        return made

    return place


def test_a_line_on_a_terminal(view, terminal):
    screen = terminal()
    view.map_async(abs, range(5)).wait_interactive()
    last = screen.getvalue().split("\r")[-1]
    assert "abs: [##############################] 5/5 tasks" in last
    assert last.endswith("\n")


def test_of_an_unknown_number_only_what_is_done(view, terminal, gate):
    screen = terminal()

    def items():
        yield 1
        gate.wait(60)

    ar = view.map_async(abs, items())
    ar.wait_interactive(timeout=0.01)
    assert "abs: " in screen.getvalue()
    assert "/" not in screen.getvalue()
    ar.cancel()


def test_nothing_where_nobody_looks(view, capsys):
    view.map_async(abs, range(5)).wait_interactive()
    assert capsys.readouterr() == ("", "")


def test_it_gives_up(view, gate):
    ar = view.apply_async(gate.wait, 240)
    ar.wait_interactive(interval=0.001, timeout=0.01)
    assert not ar.ready()


def test_part_of_it_is_enough(rc, gate):
    slow = rc[0].apply_async(gate.wait, 240)
    ar = AsyncResult.join(slow, rc[1].apply_async(abs, 1))
    ar.wait_interactive(return_when=FIRST_COMPLETED)
    AsyncResult.join(slow, rc[1].apply_async(fail)).wait_interactive(return_when=FIRST_EXCEPTION)
    assert not ar.ready()
    with pytest.raises(ValueError, match="return_when"):
        ar.wait_interactive(return_when="NEVER")


def test_the_client_waits_likewise(rc, view, terminal):
    screen = terminal()
    view.map_async(abs, range(5))
    rc.wait_interactive()
    rc.wait_interactive(view.apply_async(abs, 1))
    assert "tasks" in screen.getvalue()
