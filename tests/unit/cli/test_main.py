"""The command line as a whole: its commands, its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import click
import pytest
from click.testing import CliRunner

from gangline import errors
from gangline.cli import main
from gangline.cli.main import COMMANDS, CommandTable, Entry, gangline


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    program = (
        "import sys; from gangline.cli.main import main; sys.argv = ['gangline', '--help']\n"
        "try: main()\n"
        "finally: print(*[m for m in sys.modules if m.startswith(('gangline.cli.', 'rich'))], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    for name, entry in COMMANDS.items():
        assert name in done.stdout
        assert entry.help in " ".join(done.stdout.split())
    assert set(done.stderr.split()) == {"gangline.cli.main", "gangline.cli.exits"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    group = CommandTable()
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").splitlines()[0] == COMMANDS[name].help
    if isinstance(command, click.Group):  # whose commands have the option, each of them
        return
    (output,) = [option for option in command.params if "--output" in option.opts]
    assert isinstance(output.type, click.Choice)
    assert list(output.type.choices) == ["human", "json", "quiet"]


def test_the_installed_program_tells_its_version() -> None:
    done = subprocess.run([sys.executable, "-m", "gangline", "--version"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, f"gangline {metadata.version('gangline')}\n")


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(gangline, ["dmeo"])
    assert result.exit_code == 2
    assert "No such command 'dmeo'" in result.stderr


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """A command `raise` whose error is set as an attribute of the returned class."""

    class Holder:
        error: BaseException

    @click.command("raise")
    def command() -> None:
        raise Holder.error

    monkeypatch.setattr(main, "raising_command", command, raising=False)
    monkeypatch.setattr(main, "COMMANDS", {"raise": Entry("gangline.cli.main:raising_command", "Raise.")})
    return Holder


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.TaskFailed("it broke"), 1),
        (errors.EngineError("it died", engine_id=3), 1),
        (errors.UsageError("not so"), 2),
        (errors.MissingExtra("pip install"), 2),
        (errors.NoEngines("none"), 3),
        (errors.RemoteError("no such host"), 3),
        (errors.StoreError("locked"), 3),
        (errors.InternalError("impossible"), 70),
    ],
)
def test_the_exit_code_says_what_kind_of_error_it_was(raising: type, error: Exception, code: int) -> None:
    raising.error = error  # type: ignore[attr-defined]
    result = CliRunner().invoke(gangline, ["raise"])
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", f"Error: {error}\n")


def test_interrupted_is_130_as_shells_have_it(raising: type) -> None:
    raising.error = KeyboardInterrupt()  # type: ignore[attr-defined]
    result = CliRunner().invoke(gangline, ["raise"])
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "gangline", "--help"], stdout=closed, stderr=subprocess.PIPE, text=True, timeout=120
        )
    assert "Traceback" not in done.stderr
