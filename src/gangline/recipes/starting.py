"""What happens before a recipe starts: its configuration is read, its inputs are brought together and checked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from configparser import InterpolationError
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gangline.recipes.configuration import Configuration, ConfigurationError, load, one_line
from gangline.recipes.ingredients import InputError, Problem, Value
from gangline.recipes.tasks import FILE, TaskDefinitions

if TYPE_CHECKING:
    from gangline.recipes.step import Step

__all__ = ["load_definitions", "make_ready", "program_name", "recipe_folders"]


def make_ready(recipe: Step, values: Mapping[str, Value], problems: list[Problem]) -> None:
    """Read the configuration, and see that all inputs are there and right.

    Args:
        recipe: Whose.
        values: Inputs that have not been set yet.
        problems: What is known to be wrong already.

    Raises:
        InputError: Names all that is wrong; nothing was changed but what was read.
    """
    config = _configuration(recipe, values, problems)
    found = {**dict(_from_configuration(recipe, config, values, problems)), **values}
    problems += recipe.inputs.problems(found)
    try:
        _without(recipe, found).check_complete()
    except InputError as error:
        told = {problem.name for problem in problems}
        problems += [problem for problem in error.problems if problem.name not in told]
    if not any(problem.name in ("config", "task_files") for problem in problems):
        try:
            recipe._definitions = load_definitions(recipe, found)
            problems += recipe.look_ahead()
        except ConfigurationError as error:
            problems.append(Problem("task_files", str(error)))
    if problems:
        raise InputError(f"recipe {recipe.name}", problems)
    recipe.inputs.take(found)
    _fill(recipe, config)
    recipe.inputs.prepare()


def program_name(recipe: Step) -> str:
    """What a job is called that has no name: as its program is."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.splitext(os.path.basename(file))[0] if file else type(recipe).__name__


def recipe_folders(recipe: Step) -> list[str]:
    """Where recipes are looked for: where the configuration says, then beside the recipe's own file."""
    folders = [os.path.abspath(os.path.expanduser(each)) for each in recipe.inputs.get("recipe_directories", [])]
    folders += recipe.config.recipe_directories
    folders.append(os.path.dirname(recipe.__file__))
    return list(dict.fromkeys(folders))


def load_definitions(recipe: Step, values: Mapping[str, Value] | None = None) -> TaskDefinitions:
    """The tasks that files define: those that are named, else `tasks.cfg` beside the configuration or the program.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    config = recipe.config
    given = (values or {}).get("task_files")
    if given is not None:
        files = recipe.inputs.fields["task_files"].coerce(given.value)
    else:
        files = recipe.inputs.get("task_files") or config.task_files
    if not files:
        beside = [config.file, recipe.__file__]
        near = [os.path.join(os.path.dirname(os.path.abspath(file)), FILE) for file in beside if file]
        files = [file for file in dict.fromkeys(near) if os.path.isfile(file)][:1]
    return TaskDefinitions(files, config.variables())


def _configuration(recipe: Step, values: Mapping[str, Value], problems: list[Problem]) -> Configuration:
    def given(name: str) -> Any:
        value = values.get(name)
        text = recipe.inputs.get(name) if value is None else value.value
        return text if isinstance(text, str) and text else None

    if recipe._config is None:
        name, start_time = given("job_name") or program_name(recipe), given("start_time")
        try:
            recipe._config = load(given("config"), job_name=name, start_time=start_time)
        except ConfigurationError as error:
            problems.append(Problem("config", str(error)))
            recipe._config = Configuration(job_name=name, start_time=start_time)
    return recipe._config


def _from_configuration(
    recipe: Step, config: Configuration, values: Mapping[str, Value], problems: list[Problem]
) -> Iterator[tuple[str, Value]]:
    """Inputs that the configuration gives: its own section of the recipe's name, and what holds for all."""
    open_names = [name for name in recipe.inputs.fields if name not in values and not recipe.inputs.given(name)]
    if config.file is None:
        return
    section = type(recipe).__name__
    if config.has_section(section):
        by_lower = {name.lower(): name for name in recipe.inputs.fields}
        for option in config.options(section):
            name = by_lower.get(option, option)
            if option in config.defaults() or (name in recipe.inputs.fields and name not in open_names):
                continue
            try:
                yield name, Value(config.get(section, option), f"{config.file}, [{section}]")
            except InterpolationError as error:
                problems.append(Problem(name, f"{config.where(section, option)}: {one_line(error)}"))
    for name in ("task_files", "recipe_directories"):
        if name in open_names and config.has_option("DEFAULT", name):
            yield name, Value(getattr(config, name), f"{config.file}, [DEFAULT]")
    if "runtime_directory" in open_names:
        yield "runtime_directory", Value(config.runtime_directory, f"{config.file}, [DEFAULT]")


def _without(recipe: Step, found: Mapping[str, Value]) -> Any:
    """The inputs as if those that are found were there, to see what is missing besides."""
    inputs = recipe.inputs.copy()
    for name in found:
        inputs.fields.pop(name, None)
    return inputs


def _fill(recipe: Step, config: Configuration) -> None:
    """Give values to what every recipe has."""
    inputs = recipe.inputs
    own = {
        "job_name": config.get("DEFAULT", "job_name") or program_name(recipe),
        "start_time": config.get("DEFAULT", "start_time") or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "runtime_directory": config.runtime_directory,
    }
    inputs.take({name: Value(value, "its default") for name, value in own.items() if not inputs.given(name)})
    config.set_default("runtime_directory", os.path.abspath(inputs["runtime_directory"]))
    config.set_default("job_name", inputs["job_name"])
