"""The port on which node scripts hand in their records, and those who have no business there."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import socket
import sys
from collections.abc import Callable

import pytest

from gangline.remote import Command, ConnectionOptions, HostConnection
from tests.hosts import Hosts
from tests.integration.remote.support import WAIT_S, Heard, begin

NODE = """
import json, os, socket, sys
host, port, *arguments = sys.argv[1:]
s = socket.create_connection((host, int(port)))
def say(message): s.sendall(json.dumps(message).encode() + b"\\n")
def bye():
    s.shutdown(socket.SHUT_WR)
    assert s.recv(1) == b""
first = {"token": os.environ["GANGLINE_LOG_TOKEN"]}
say(first)
"""


def begin_node(connection: HostConnection, script: str, *arguments: str) -> Heard:
    """Have a program run that hands in records."""
    return begin(connection, sys.executable, "-c", NODE + script, *arguments, logs=3, log_level=20)


def test_what_is_handed_in_arrives_before_the_end(connection: HostConnection) -> None:
    heard = begin_node(
        connection,
        "say({'log': {'message': 'ä'}, 'args': arguments, 'level': os.environ['GANGLINE_LOG_LEVEL']}); bye()",
        "a b", "c",
    )  # fmt: skip
    assert heard.result.ok, heard.lines
    assert heard.messages == [{"log": {"message": "ä"}, "args": ["a b", "c"], "level": "20"}]


def test_records_arrive_also_when_the_node_dies(connection: HostConnection) -> None:
    script = "[say({'n': n}) for n in range(5000)]; s.sendall(b'{\"half\": tr'); os.kill(os.getpid(), 9)"
    heard = begin_node(connection, script)
    assert heard.result.signal == "SIGKILL"
    assert heard.messages == [{"n": n} for n in range(5000)]


def test_a_connection_that_a_child_holds_open_is_not_waited_for_long(here: HostConnection) -> None:
    script = "say({'n': 1}); pid = os.fork()\nif not pid: os.setsid(); import time; time.sleep(1000)\nprint(pid)"
    heard = begin_node(here, script)
    assert heard.result.ok
    assert heard.messages == [{"n": 1}]
    os.kill(int(heard.text), 9)


def test_a_hundred_thousand_records_of_ten_nodes(connection: HostConnection) -> None:
    script = (
        "[s.sendall(b''.join(b'{\"n\": %d}\\n' % n for n in range(k, k + 100))) for k in range(0, 10000, 100)]; bye()"
    )
    nodes = [begin_node(connection, script) for _ in range(10)]
    for heard in nodes:
        assert heard.result.ok, heard.lines
        assert [message["n"] for message in heard.messages] == list(range(10_000))


def test_a_token_of_the_caller_s_own_is_used(here: HostConnection) -> None:
    heard = begin(
        here, sys.executable, "-c", NODE + "print(os.environ['GANGLINE_LOG_TOKEN']); bye()", logs=3,
        env={"GANGLINE_LOG_TOKEN": "mine"},
    )  # fmt: skip
    assert heard.result.ok
    assert heard.text == "mine"


def test_messages_that_could_not_be_sent_come_over_standard_error(connection: HostConnection) -> None:
    script = (
        "token = os.environ['GANGLINE_LOG_TOKEN']\n"
        "print(f'\\x1egangline {token} ' + json.dumps({'log': 'x' * 200_000}), file=sys.stderr)\n"
        "print('\\x1egangline 0123 {\"log\": 1}', file=sys.stderr)"
    )
    heard = begin_node(connection, script)
    assert heard.result.ok
    assert heard.messages == [{"log": "x" * 200_000}]
    assert heard.lines == [("stderr", '\x1egangline 0123 {"log": 1}')]


def test_messages_that_are_no_objects_are_dropped_and_told(
    here: HostConnection, caplog: pytest.LogCaptureFixture
) -> None:
    script = "s.sendall(b'[1]\\n' + b'[' * 100000 + b'\\n\\xff\\xfe\\n{\"ok\": 1}\\n'); bye()"
    heard = begin_node(here, script)
    assert heard.result.ok
    assert heard.messages == [{"ok": 1}]
    assert caplog.text.count("no JSON object") == 1


# Strangers --------------------------------------------------------------------------------------------------------


class Port:
    """A log port that is open, since a node runs beside it."""

    def __init__(self, connection: HostConnection) -> None:
        self.heard = Heard()
        self.connection = connection
        script = NODE + "print(port, flush=True); import time; time.sleep(1000)"
        connection.run(Command((sys.executable, "-c", script), logs=3), self.heard, self.heard.on_end)
        self.number = int(self.heard.wait_for_lines()[0])

    def connect(self) -> socket.socket:
        stranger = socket.create_connection(("127.0.0.1", self.number))
        stranger.settimeout(WAIT_S)
        return stranger

    def check(self) -> None:
        """Nodes can still hand in records."""
        # Among many strangers, one that is stopped before it has said its token is turned away like them.
        script = (
            "while True:\n"
            "    try: say({'n': 1}); bye(); break\n"
            "    except OSError: s = socket.create_connection((host, int(port))); say(first)"
        )
        node = begin_node(self.connection, script)
        assert node.result.ok, node.lines
        assert node.messages == [{"n": 1}]
        assert self.heard.messages == []
        assert self.heard.outcome is None


@pytest.fixture
def port(here: HostConnection) -> Port:
    return Port(here)


def is_closed(stranger: socket.socket) -> bool:
    try:
        return stranger.recv(1) == b""
    except ConnectionResetError:
        return True


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return os.system, ("touch gangline-bomb",)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n",
        b"hello\n",
        b'{"token": "wrong"}\n{"log": {}}\n',
        b'{"token": ["a"]}\n',
        b'{"token": {}}\n',
        b"[]\n",
        b"null\n",
        b'"token"\n',
        b"[" * 1000 + b"\n",
        b"\xff\xfe\n",
        b"x" * 1_000_000,
        pickle.dumps(Bomb()) + b"\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        random.Random(1).randbytes(100_000),
    ],
    ids=range(14),
)
def test_who_brings_no_token_is_turned_away(port: Port, garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with port.connect() as stranger:
        with contextlib.suppress(OSError):
            stranger.sendall(garbage)
        assert is_closed(stranger)
    port.check()
    assert caplog.text.count("was refused") == 1
    assert not os.path.exists("gangline-bomb")


def test_many_strangers_that_say_nothing_do_not_keep_nodes_out(port: Port) -> None:
    strangers = [port.connect() for _ in range(200)]
    port.check()
    for stranger in strangers:
        stranger.close()
    port.check()


def test_who_says_nothing_is_closed_after_a_while(port: Port) -> None:
    with port.connect() as stranger:
        assert is_closed(stranger)
    port.check()


def test_a_token_is_worth_nothing_after_the_job(port: Port) -> None:
    node = begin_node(port.connection, "print(os.environ['GANGLINE_LOG_TOKEN']); bye()")
    assert node.result.ok
    with port.connect() as stranger:
        stranger.sendall(json.dumps({"token": node.text}).encode() + b'\n{"log": 1}\n')
        assert is_closed(stranger)
    assert node.messages == []


def test_a_line_of_a_node_that_has_no_end_closes_its_connection(
    here: HostConnection, caplog: pytest.LogCaptureFixture
) -> None:
    heard = begin_node(here, "s.sendall(b'x' * 3_000_000); print('sent')")
    heard.wait()
    assert "a line that is too long" in caplog.text
    assert begin(here, "true").result.ok


def test_the_port_is_open_on_the_loopback_only_and_only_when_wanted(hosts: Hosts) -> None:
    if not hosts.links:
        pytest.skip("the hosts share the loopback: network namespaces need root and CAP_SYS_ADMIN")
    name = hosts.names[0]
    connection = HostConnection(name, ConnectionOptions(hosts.ssh()))
    connection.connect()

    def listening() -> list[str]:
        rows = hosts.run_in(name, ["cat", "/proc/net/tcp"]).splitlines()[1:]
        return [row.split()[1] for row in rows if row.split()[3] == "0A"]

    assert len(listening()) == 1  # sshd
    heard = begin_node(connection, "print(port, flush=True); bye()")
    assert heard.result.ok
    assert [each for each in listening() if each.startswith("0100007F:")] == [f"0100007F:{int(heard.text):04X}"]
    assert len(listening()) == 2
    connection.close()


def test_garbage_on_the_agent_s_own_standard_output_is_kept_out() -> None:
    """What a job writes to where the agent speaks from does not get between its frames."""
    connection = HostConnection("localhost")
    connection.connect()
    assert connection.info is not None
    heard = begin(connection, "sh", "-c", f"echo junk > /proc/{connection.info.pid}/fd/1; echo done")
    assert heard.result.ok
    assert begin(connection, "true").result.ok
    connection.close()
