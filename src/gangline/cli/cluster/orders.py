"""`gangline cluster start`, `status`, `scale` and `stop`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, TypeVar

import click
from rich.text import Text

from gangline.cli.output import Line, Screen, output_option
from gangline.cluster import standing
from gangline.cluster.configuration import DEFAULT_NAME, ClusterConfiguration, read_configuration
from gangline.cluster.hosts import EngineReport
from gangline.cluster.standing import ClusterStatus

__all__ = ["configuration_for", "profile_for", "scale", "start", "status", "stop"]

Command = TypeVar("Command", bound=Callable[..., Any])

_STYLES = {"up": "green", "starting": "yellow", "failed": "red", "ended": "red"}


def _config_option(command: Command) -> Command:
    return click.option(
        "--config",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="Which hosts or jobs: a TOML file, or a pipeline.cfg with its clusterdesc.  [default: ~/.pipeline.cfg, "
        "else this host]",
    )(command)


def _profile_option(command: Command) -> Command:
    return click.option(
        "--profile",
        metavar="NAME",
        help=f"What the cluster is called.  [default: as the file says, else {DEFAULT_NAME}]",
    )(command)


def configuration_for(config: str | None, profile: str | None, engines: int | None) -> ClusterConfiguration:
    """What a file says, changed by what the command line says.

    Raises:
        UsageError: It makes no sense.
    """
    configuration = read_configuration(config).with_engines(engines)
    return configuration if profile is None else replace(configuration, name=profile)


def profile_for(config: str | None, profile: str | None) -> str:
    """Which cluster is meant.

    Raises:
        UsageError: The file that is to say so makes no sense.
    """
    if profile is not None:
        return ClusterConfiguration(name=profile).name
    return DEFAULT_NAME if config is None else read_configuration(config).name


@click.command()
@_config_option
@_profile_option
@click.option("--num-engines", type=click.IntRange(min=1), metavar="N", help="Engines on each host, or in each job.")
@click.option("--min-engines", type=click.IntRange(min=1), metavar="N", help="So many must come up.  [default: all]")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="How long they may take."
)
@output_option
def start(
    config: str | None,
    profile: str | None,
    num_engines: int | None,
    min_engines: int | None,
    timeout: float | None,
    screen: Screen,
) -> None:
    """Start engines on hosts, or as jobs of a site's scheduler, which stay until they are stopped.

    Returns when they can be used, and names those that cannot. Where the cluster is there already, nothing is changed.
    """
    configuration = configuration_for(config, profile, num_engines)
    if min_engines is not None:
        configuration = replace(configuration, min_engines=min_engines)
    if timeout is not None:
        configuration = replace(configuration, start_timeout_s=timeout)
    found, is_new = standing.start(configuration)
    if not is_new:
        screen.say(f"the cluster {found.name} is running already")
    _show(found, screen, started=is_new)


@click.command()
@_config_option
@_profile_option
@output_option
def stop(config: str | None, profile: str | None, screen: Screen) -> None:
    """End a cluster, with everything on its hosts.

    Returns when nothing of it is left. Where there is none, that is said, and is no error.
    """
    name = profile_for(config, profile)
    was_running = standing.stop(name)
    text = f"the cluster {name} is stopped" if was_running else f"the cluster {name} is not running"
    screen.result({"name": name, "was_running": was_running}, Text(text))


@click.command()
@_config_option
@_profile_option
@output_option
def status(config: str | None, profile: str | None, screen: Screen) -> None:
    """Tell which engines a cluster has, and how they are."""
    name = profile_for(config, profile)
    _show_or_miss(standing.status(name), name, screen)


@click.command()
@click.argument("engines", type=click.IntRange(min=1))
@_config_option
@_profile_option
@output_option
def scale(engines: int, config: str | None, profile: str | None, screen: Screen) -> None:
    """Have so many ENGINES on each host; or, where engines are jobs of a site's scheduler, so many jobs.

    Those that are one too many end what they do first only if they are idle; a task that one of them runs is lost with
    it, and is attempted again if it has retries left.
    """
    name = profile_for(config, profile)
    _show_or_miss(standing.scale(engines, name), name, screen)


def _show_or_miss(found: ClusterStatus | None, name: str, screen: Screen) -> None:
    if found is None:
        screen.result({"name": name, "state": "not running"}, Text(f"the cluster {name} is not running"))
    else:
        _show(found, screen)


def _show(found: ClusterStatus, screen: Screen, **more: Any) -> None:
    up = sum(engine.state == "up" for engine in found.engines)
    lines: list[Line | Text] = [
        Text(
            f"cluster {found.name}: {found.state}, {up} of {len(found.engines)} engines up, kept by process {found.pid}"
        )
    ]
    width = max((len(engine.name) for engine in found.engines), default=0) + 4
    for engine in found.engines:
        words = Text(engine.state, style=_STYLES.get(engine.state, ""))
        words.append(_where(engine) if engine.state == "up" else f": {engine.reason}", style="default")
        lines.append(Line(words, width, Text(f"  {engine.name}")))
    screen.result({**asdict(found), **more}, *lines)


def _where(engine: EngineReport) -> str:
    """Where an engine that is up is, and why, if it is there in the place of another."""
    place = f"job {engine.job} on {engine.host}" if engine.job else f"process {engine.pid}"
    return f", {place}" + (f", {engine.reason}" if engine.reason else "")
