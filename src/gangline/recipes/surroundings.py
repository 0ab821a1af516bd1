"""What a recipe's configuration and its own interpreter say about how commands are run on hosts."""

from __future__ import annotations

import os
import sys
from configparser import ConfigParser
from typing import Any

from gangline.errors import UsageError
from gangline.recipes.batchoptions import BATCH_OPTIONS, METHOD, BatchOptions, read_batch_options
from gangline.remote.connection import ConnectionOptions
from gangline.remote.ssh import SshOptions

__all__ = [
    "batch_options",
    "command_environment",
    "command_path",
    "configured_max_per_node",
    "connection_options",
    "site_options",
]

_EVERYWHERE = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
"""Folders that come in everybody's PATH in the order that the host's owner wants."""


def site_options(config: Any) -> ConnectionOptions | BatchOptions:
    """Where jobs run: section remote.

    Raises:
        UsageError: A value makes no sense.
    """
    return batch_options(config) or connection_options(config)


def batch_options(config: Any) -> BatchOptions | None:
    """How jobs go to the site's scheduler; None: they go to hosts.

    Raises:
        UsageError: A value makes no sense.
    """
    if _text(config, "remote", "method").lower() != METHOD:
        return None
    texts = {name: text for name in BATCH_OPTIONS if (text := _text(config, "remote", name))}
    return read_batch_options(texts, _text(config, "DEFAULT", "runtime_directory") or os.getcwd())


def connection_options(config: Any) -> ConnectionOptions:
    """How hosts are reached: section remote.

    Raises:
        UsageError: A value makes no sense.
    """
    ssh = SshOptions(
        program=_text(config, "remote", "ssh") or "ssh",
        config=_text(config, "remote", "ssh_config") or os.environ.get("GANGLINE_SSH_CONFIG") or None,
        python=_text(config, "remote", "python") or "python3",
    )
    keepalive_s = _number(config, "remote", "keepalive", float)
    return ConnectionOptions(ssh=ssh) if keepalive_s is None else ConnectionOptions(ssh=ssh, keepalive_s=keepalive_s)


def configured_max_per_node(config: Any) -> int | None:
    """How many jobs run on one host at once; None or 0: nothing is said.

    Raises:
        UsageError: The value is no number.
    """
    return _number(config, "remote", "max_per_node", int) or None


def command_path(config: Any) -> tuple[str, ...]:
    """Folders that come first in the commands' PATH: the interpreter's own, so that "python" is this one."""
    folders = [folder for folder in _text(config, "deploy", "script_path").split(os.pathsep) if folder]
    own = os.path.dirname(sys.executable)
    if own and own not in _EVERYWHERE:
        folders.append(own)
    return tuple(folders)


def command_environment(config: Any) -> dict[str, str]:
    """Environment variables that section deploy asks for."""
    found = {
        "PYTHONPATH": _text(config, "deploy", "engine_ppath"),
        "LD_LIBRARY_PATH": _text(config, "deploy", "engine_lpath"),
    }
    return {name: value for name, value in found.items() if value}


def _text(config: Any, section: str, option: str) -> str:
    if not isinstance(config, ConfigParser) or not config.has_option(section, option):
        return ""
    return config.get(section, option).strip()


def _number(config: Any, section: str, option: str, kind: type[int] | type[float]) -> Any:
    text = _text(config, section, option)
    if not text:
        return None
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if value < 0:
        raise UsageError(f"[{section}] {option} of the configuration must be a number, 0 or more, not {text!r}")
    return value
