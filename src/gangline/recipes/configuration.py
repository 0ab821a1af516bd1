"""`pipeline.cfg`: what holds for all recipes of a site.

    [DEFAULT]
    lroot = /opt/pipeline
    runtime_directory = /data/scratch
    recipe_directories = [%(lroot)s/recipes]
    task_files = [%(lroot)s/tasks.cfg]
    [layout]
    job_directory = %(runtime_directory)s/jobs/%(job_name)s
    [remote]
    max_per_node = 2
    method = batch

It is the file that `--config` names, else the one beside the program, else `~/.pipeline.cfg`, else there is none and
defaults hold. Besides what stands in it, `%(cwd)s`, `%(job_name)s` and `%(start_time)s` are known.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from configparser import ConfigParser, InterpolationError
from configparser import Error as ParserError
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gangline.errors import UsageError
from gangline.recipes.batchoptions import BATCH_OPTIONS, METHOD, check_batch_option
from gangline.recipes.fields import MISSING, Field, FloatField, IntField, ListField, StringField, read_list
from gangline.recipes.words import meant, shown

__all__ = ["OPTIONS", "Configuration", "ConfigurationError", "find_file", "load"]

FILE = "pipeline.cfg"
OWN_FILE = "~/.pipeline.cfg"


class _Positive(IntField):
    expected = "a whole number, 0 or more"

    def is_valid(self, value: Any) -> bool:
        return bool(value >= 0)


class _Seconds(FloatField):
    expected = "seconds, more than 0"

    def is_valid(self, value: Any) -> bool:
        return bool(0 < value < float("inf"))


class _Method(StringField):
    expected = f"{METHOD}, for jobs of a site's scheduler (system says which one), or left out"

    def is_valid(self, value: Any) -> bool:
        # What older systems had here is no slip, and has no meaning.
        return value.lower() == METHOD or not _nearly(value.lower(), (METHOD, "slurm", "sge", "drmaa", "pbs"))


class _BatchOption(Field):
    """An option that has a meaning with `method = batch` only."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.expected = BATCH_OPTIONS[name]

    def coerce(self, value: Any) -> Any:
        return check_batch_option(self.name, value)


OPTIONS: Mapping[str, Mapping[str, Field]] = {
    "DEFAULT": {
        "runtime_directory": StringField(),
        "recipe_directories": ListField(),
        "task_files": ListField(),
    },
    "layout": {
        "job_directory": StringField(),
        "parset_directory": StringField(),
        "results_directory": StringField(),
        "log_directory": StringField(),
    },
    "cluster": {"clusterdesc": StringField(), "task_furl": StringField(), "multiengine_furl": StringField()},
    "deploy": {
        "script_path": StringField(),
        "engine_ppath": StringField(),
        "engine_lpath": StringField(),
        "controller_ppath": StringField(),
    },
    "logging": {
        "log_file": StringField(),
        "format": StringField(),
        "datefmt": StringField(),
        "xml_stat_file": StringField(),
    },
    "remote": {
        "method": _Method(),
        "max_per_node": _Positive(),
        "ssh_config": StringField(),
        "ssh": StringField(),
        "python": StringField(),
        "keepalive": _Seconds(),
        **{name: _BatchOption(name) for name in BATCH_OPTIONS},
    },
}  # fmt: skip
"""The options there are, by section. Those of section DEFAULT may stand in any."""

_RAW = ("format", "datefmt")
_GIVEN = ("cwd", "job_name", "start_time")
_REFERENCE = re.compile(r"%\((\w+)\)s")

logger = logging.getLogger("gangline.recipes")


class ConfigurationError(UsageError):
    """A configuration file cannot be read, or a value in it makes no sense; names file, section and option."""


class Configuration(ConfigParser):
    """The configuration as a `ConfigParser`, with interpolation.

    Args:
        file: Where it is read; None: there is none, and defaults hold.
        job_name: What the job is called, for `%(job_name)s`.
        start_time: When it started, for `%(start_time)s`; None: now.

    Attributes:
        file: Where it was read.
        warnings: What was found that has no meaning.

    Raises:
        ConfigurationError: It cannot be read, or values in it make no sense; all of them are named.
    """

    def __init__(self, file: str | None = None, *, job_name: str = "", start_time: str | None = None) -> None:
        super().__init__({
            "cwd": _here().replace("%", "%%"),
            "job_name": job_name.replace("%", "%%"),
            "start_time": start_time or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "runtime_directory": "%(cwd)s",
        })  # fmt: skip
        self.file = file
        self.warnings: list[str] = []
        if file is not None:
            self._read_file(file)
        for section in OPTIONS:
            if section != "DEFAULT" and not self.has_section(section):
                self.add_section(section)
        if not self.has_option("layout", "job_directory"):
            self.set("layout", "job_directory", "%(runtime_directory)s/jobs/%(job_name)s")
        if file is not None:
            self._check(file)

    @property
    def runtime_directory(self) -> str:
        """Where runs are noted; the current folder if nothing else is said."""
        return os.path.abspath(os.path.expanduser(self.get("DEFAULT", "runtime_directory")))

    @property
    def recipe_directories(self) -> list[str]:
        """Where recipes are looked for."""
        return self._folders("recipe_directories")

    @property
    def task_files(self) -> list[str]:
        """Where tasks are defined."""
        return self._folders("task_files")

    def text(self, section: str, option: str) -> str:
        """The value of an option; empty if it is not there."""
        return self.get(section, option, raw=option in _RAW, fallback="").strip()

    def where(self, section: str, option: str) -> str:
        """A place in it, for messages."""
        return f"{self.file or 'the configuration'}, [{section}] {option}"

    def variables(self) -> dict[str, str]:
        """What other files may refer to: section DEFAULT, without values that refer to what is not there."""
        found = {}
        for name in self.defaults():
            with suppress(InterpolationError):
                found[name] = self.get("DEFAULT", name)
        return found

    def set_default(self, option: str, value: str) -> None:
        """Set an option of section DEFAULT; the value is taken as it is."""
        self.set("DEFAULT", option, value.replace("%", "%%"))

    def _folders(self, option: str) -> list[str]:
        beside = os.path.dirname(os.path.abspath(self.file)) if self.file else os.getcwd()
        return [os.path.join(beside, os.path.expanduser(str(each))) for each in read_list(self.text("DEFAULT", option))]

    def _read_file(self, file: str) -> None:
        try:
            with open(file, encoding="utf-8") as lines:
                self.read_file(lines, file)
        except OSError as error:
            raise ConfigurationError(f"the configuration {file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"the configuration {file} is no text: {error}") from error
        except ParserError as error:
            raise ConfigurationError(f"the configuration {file} cannot be read: {one_line(error)}") from error

    def _check(self, file: str) -> None:
        wrong: list[str] = []
        batch = self.text("remote", "method").lower() == METHOD
        for section in ("DEFAULT", *self.sections()):
            if section not in OPTIONS:
                # Recipes may have sections of their own.
                if _nearly(section, OPTIONS):
                    self.warnings.append(f"{file}: there is no section [{section}]; {meant(section, OPTIONS)}")
                continue
            known = _options_in(section)
            for option in self._own_options(section):
                if not batch and isinstance(known.get(option), _BatchOption):
                    if section == "remote":
                        self.warnings.append(f"{file}: [remote] {option} has no meaning without method = {METHOD}")
                elif option in known:
                    wrong += self._problem(file, section, option, known[option])
                # In DEFAULT may stand what only tasks.cfg refers to.
                elif section != "DEFAULT" or (option not in self._variables() and _nearly(option, known)):
                    self.warnings.append(
                        f"{file}: section [{section}] has no option {option!r}; {meant(option, known)}"
                    )
        if wrong:
            head = "" if len(wrong) == 1 else f"{len(wrong)} values of the configuration make no sense:\n  - "
            raise ConfigurationError(head + "\n  - ".join(wrong))

    def _own_options(self, section: str) -> list[str]:
        """What stands in a section itself."""
        inherited = self.defaults()
        if section == "DEFAULT":
            return [option for option in inherited if option not in _GIVEN]
        return [name for name, text in self.items(section, raw=True) if inherited.get(name, MISSING) != text]

    def _variables(self) -> set[str]:
        """What values refer to."""
        values = [text for name in ("DEFAULT", *self.sections()) for _, text in self.items(name, raw=True)]
        return {name.lower() for text in values for name in _REFERENCE.findall(text or "")}

    def _problem(self, file: str, section: str, option: str, field: Field) -> list[str]:
        place = f"{file}, [{section}] {option}"
        try:
            text = self.get(section, option, raw=option in _RAW)
        except InterpolationError as error:
            return [f"{place}: {one_line(error)}"]
        if not text.strip() and option != "max_per_node":
            return []
        try:
            field.check(text.strip())
        except ValueError:
            return [f"{place} is {shown(text)}, but must be {field.words()}"]
        return []


def _options_in(section: str) -> Mapping[str, Field]:
    """What may stand in a section: in DEFAULT everything, for it holds in all others."""
    parts = OPTIONS.values() if section == "DEFAULT" else (OPTIONS[section], OPTIONS["DEFAULT"])
    return {option: field for part in parts for option, field in part.items()}


def _here() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise ConfigurationError(
            f"the current folder cannot be used ({error.strerror}); it may have been removed: change to another one"
        ) from error


def _nearly(name: str, known: Iterable[str]) -> bool:
    """Whether a name is so like a known one that it must be a slip."""
    return bool(difflib.get_close_matches(name, known, n=1, cutoff=0.75))


def one_line(error: Exception) -> str:
    """What the parser says, as one line."""
    return " ".join(str(error).split())


def find_file(named: str | None = None) -> str | None:
    """The configuration file that holds; None if there is none.

    Args:
        named: By the user.

    Raises:
        ConfigurationError: There is no file of that name.
    """
    if named:
        named = os.path.expanduser(named)
        if not os.path.isfile(named):
            why = "it is a folder" if os.path.isdir(named) else "there is no such file"
            raise ConfigurationError(f"the configuration {named} cannot be read: {why}")
        return named
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    beside = [os.path.join(os.path.dirname(os.path.abspath(main)), FILE)] if main else []
    return next(filter(os.path.isfile, [*beside, os.path.expanduser(OWN_FILE)]), None)


def load(named: str | None = None, *, job_name: str = "", start_time: str | None = None) -> Configuration:
    """Find and read the configuration, and warn of what has no meaning in it.

    Raises:
        ConfigurationError: See `Configuration`.
    """
    configuration = Configuration(find_file(named), job_name=job_name, start_time=start_time)
    for warning in configuration.warnings:
        logger.warning("%s", warning)
    return configuration
