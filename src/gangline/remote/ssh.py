"""The system's OpenSSH as the way to a host: `ssh_config`, `ProxyJump`, `known_hosts`, keys work as users know them."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field, replace

from gangline.errors import UsageError

__all__ = ["SshOptions", "build_ssh_argv", "parse_ssh_failure"]


@dataclass(frozen=True, slots=True)
class SshOptions:
    """How hosts are reached.

    Args:
        program: The ssh to use.
        config: Its configuration in place of the user's; None: what the environment variable GANGLINE_SSH_CONFIG
            names, else the user's.
        python: The Python there, 3.7 or later; a name on the PATH of that host or a path.
        connect_timeout_s: How long a host may take to answer; then its agent has as much time again.
        arguments: More arguments for ssh, such as ``("-p", "2222")``.

    Raises:
        UsageError: The time is not above 0.
    """

    program: str = "ssh"
    config: str | None = field(default_factory=lambda: os.environ.get("GANGLINE_SSH_CONFIG") or None)
    python: str = "python3"
    connect_timeout_s: float = 15.0
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.connect_timeout_s > 0:
            raise UsageError(f"connect_timeout_s must be above 0, not {self.connect_timeout_s}")


def build_ssh_argv(host: str, options: SshOptions, boot: str, alive_interval_s: int) -> list[str]:
    """The command that starts Python on a host and keeps a connection to it.

    Args:
        host: Its name.
        options: How it is reached.
        boot: What that Python is to execute; without single quotes.
        alive_interval_s: How long ssh itself lets the host be silent before it asks; it gives up after thrice that.

    Raises:
        UsageError: The name would be taken for an option.
    """
    if host.startswith("-") or not host.isprintable() or " " in host:
        raise UsageError(f"{host!r} cannot be the name of a host")
    settings = {
        "BatchMode": "yes",
        "ConnectTimeout": str(max(1, round(options.connect_timeout_s))),
        "ServerAliveInterval": str(max(1, alive_interval_s)),
        "ServerAliveCountMax": "3",
        "LogLevel": "ERROR",
        # What a user may have set for this host that would be in the way of a program:
        "ControlMaster": "no",
        "ControlPersist": "no",
        "ClearAllForwardings": "yes",
        "ForwardX11": "no",
        "RemoteCommand": "none",
        "RequestTTY": "no",
    }
    configuration = [] if options.config is None else ["-F", options.config]
    flags = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    remote = f"exec {shlex.quote(options.python)} -I -S -c '{boot}'"
    return [options.program, *configuration, *flags, *options.arguments, "--", host, remote]


@dataclass(frozen=True, slots=True)
class SshFailure:
    """Why there is no connection.

    Attributes:
        reason: For people.
        retryable: Whether trying again can help without anybody doing something.
        at_once: Whether the host was only too busy to answer, so that trying again at once makes sense.
    """

    reason: str
    retryable: bool
    at_once: bool = False


_CHANGED = "its host key has changed; if that is right, remove the old one with `ssh-keygen -R {host}`"
_UNKNOWN = "its host key is not known; log in once with `ssh {host}` and check it"
_CLOSED = "it closed the connection before anybody could log in"

_SIGNS: tuple[tuple[str, SshFailure], ...] = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", SshFailure(_CHANGED, False)),
    ("host key is known for", SshFailure(_UNKNOWN, False)),
    ("Host key verification failed", SshFailure(_UNKNOWN, False)),
    ("Could not resolve hostname", SshFailure("its name is not known", False)),
    ("Permission denied (", SshFailure("permission denied: it accepts none of the keys", False)),
    ("Too many authentication failures", SshFailure("permission denied: too many keys were tried", False)),
    ("Connection refused", SshFailure("connection refused: no sshd listens at its port", True)),
    ("No route to host", SshFailure("there is no route to it", True)),
    ("Network is unreachable", SshFailure("its network is unreachable", True)),
    ("timed out", SshFailure("it does not answer", True)),
    ("Connection closed by", SshFailure(_CLOSED, True, at_once=True)),
    ("Connection reset by", SshFailure(_CLOSED, True, at_once=True)),
    ("kex_exchange_identification", SshFailure(_CLOSED, True, at_once=True)),
)


def parse_ssh_failure(host: str, exit_code: int | None, said: str, python: str) -> SshFailure:
    """What ssh means when it ends before the agent has spoken.

    Args:
        host: The host.
        exit_code: That of ssh, which is that of the command there if it came to that.
        said: What was written to standard error.
        python: What was to be started.
    """
    last = said.strip().rpartition("\n")[2].strip()
    if exit_code == 127:
        return SshFailure(f"there is no {python} on it ({last})" if last else f"there is no {python} on it", False)
    if exit_code == 126:
        return SshFailure(f"{python} cannot be executed there ({last})", False)
    if exit_code == 255 or exit_code is None:
        for sign, failure in _SIGNS:
            if sign in said:
                return replace(failure, reason=f"{failure.reason.format(host=host)} ({last})")
        return SshFailure(f"ssh says: {last}" if last else "ssh ended without a word", True)
    what = f"ended with exit code {exit_code}" if exit_code >= 0 else f"was ended by signal {-exit_code}"
    return SshFailure(f"the agent there {what}: {last}" if last else f"the agent there {what}", False)
