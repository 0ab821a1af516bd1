from __future__ import annotations

import shlex

import pytest

from gangline.errors import UsageError
from gangline.remote.carrying import BOOT
from gangline.remote.ssh import SshOptions, build_ssh_argv, parse_ssh_failure


def test_ssh_is_asked_for_what_a_program_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANGLINE_SSH_CONFIG", raising=False)
    argv = build_ssh_argv("node1", SshOptions(arguments=("-p", "2222")), BOOT, 3)
    assert argv[0] == "ssh"
    assert {"BatchMode=yes", "ServerAliveInterval=3", "ControlMaster=no"} <= set(argv)
    assert argv[-5:-1] == ["-p", "2222", "--", "node1"]
    assert "StrictHostKeyChecking" not in " ".join(argv)  # that is the user's to decide
    assert shlex.split(argv[-1]) == ["exec", "python3", "-I", "-S", "-c", BOOT]
    assert "-F" not in argv


def test_the_configuration_comes_from_the_options_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANGLINE_SSH_CONFIG", "/there")
    argv = build_ssh_argv("node1", SshOptions(program="/opt/ssh"), BOOT, 3)
    assert argv[:3] == ["/opt/ssh", "-F", "/there"]
    assert build_ssh_argv("node1", SshOptions(config="/here"), BOOT, 3)[2] == "/here"


@pytest.mark.parametrize("host", ["-oProxyCommand=id", "a b", "a\nb"])
def test_what_is_no_name_of_a_host_never_gets_to_ssh(host: str) -> None:
    with pytest.raises(UsageError, match="name of a host"):
        build_ssh_argv(host, SshOptions(), BOOT, 3)


def test_the_first_words_to_python_mean_the_same_to_every_shell() -> None:
    assert not set(BOOT) & set("'\"\\$`!\n\t {}[]*?~#&|<>") - {" "}


@pytest.mark.parametrize(
    ("code", "said", "reason", "retryable"),
    [
        (255, "ssh: Could not resolve hostname nix: Name or service not known", "name is not known", False),
        (255, "ssh: connect to host nix port 22: Connection refused", "no sshd", True),
        (255, "ssh: connect to host nix port 22: No route to host", "no route", True),
        (255, "ssh: connect to host nix port 22: Connection timed out", "does not answer", True),
        (255, "root@nix: Permission denied (publickey).", "permission denied", False),
        (255, "@ REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "has changed", False),
        (255, "No ED25519 host key is known for nix\nHost key verification failed.", "not known; log in once", False),
        (255, "kex_exchange_identification: read: Connection reset by peer", "before anybody could log in", True),
        (255, "", "without a word", True),
        (255, "something new", "ssh says: something new", True),
        (127, "bash: line 1: exec: python3: not found", "no python3 on it", False),
        (126, "bash: /etc/passwd: Permission denied", "python3 cannot be executed", False),
        (1, "Python 3.5 is too old here: 3.7 is needed", "3.7 is needed", False),
        (-9, "", "signal 9", False),
    ],
)  # fmt: skip
def test_why_there_is_no_connection_is_told_apart(code: int, said: str, reason: str, retryable: bool) -> None:
    failure = parse_ssh_failure("nix", code, said, "python3")
    assert reason in failure.reason
    assert failure.retryable is retryable
    assert "{host}" not in failure.reason
