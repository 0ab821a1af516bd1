"""`tasks.cfg`: tasks by name, each with its recipe and parameters.

[calibrate]
recipe = parallel_calibration
threshold = 5
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from configparser import ConfigParser, InterpolationError
from configparser import Error as ParserError
from dataclasses import dataclass, field

from gangline.recipes.configuration import ConfigurationError, one_line
from gangline.recipes.ingredients import Value
from gangline.recipes.lofarexceptions import RecipeNotFound
from gangline.recipes.words import listed, meant

__all__ = ["FILE", "TaskDefinition", "TaskDefinitions"]

FILE = "tasks.cfg"


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A task as a file defines it.

    Attributes:
        name: Of the task.
        recipe: The name of its recipe.
        parameters: Inputs of the recipe, as texts.
        place: Where it stands.
    """

    name: str
    recipe: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    place: str = ""


class TaskDefinitions:
    """The tasks that files define. A later file adds to an earlier one, and wins.

    Args:
        files: Which.
        variables: What values may refer to, as `%(name)s`.

    Attributes:
        files: Which.

    Raises:
        ConfigurationError: A file cannot be read.
    """

    def __init__(self, files: Iterable[str] = (), variables: Mapping[str, str] | None = None) -> None:
        self.files = list(files)
        self._parser = ConfigParser({name: text.replace("%", "%%") for name, text in (variables or {}).items()})
        self._places: dict[str, str] = {}
        for file in self.files:
            self._read(file)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    @property
    def names(self) -> list[str]:
        """All tasks."""
        return list(self._places)

    def get(self, name: str) -> TaskDefinition:
        """The definition of a task.

        Raises:
            RecipeNotFound: There is none.
            ConfigurationError: It has no recipe, or refers to something that is not there.
        """
        if name not in self._places:
            where = f" in {listed(self.files)}" if self.files else ""
            raise RecipeNotFound(f"there is no task {name!r}{where}; {meant(name, self.names)}")
        place = f"{self._places[name]}, [{name}]"
        inherited = self._parser.defaults()
        own = [
            key for key, text in self._parser.items(name, raw=True) if key not in inherited or inherited[key] != text
        ]
        try:
            texts = {key: self._parser.get(name, key) for key in own}
        except InterpolationError as error:
            raise ConfigurationError(f"{place}: {one_line(error)}") from error
        recipe = texts.pop("recipe", "").strip()
        if not recipe:
            raise ConfigurationError(f"{place}: the task does not say what it is: 'recipe = NAME' is missing")
        return TaskDefinition(name, recipe, {key: Value(text, place) for key, text in texts.items()}, place)

    def _read(self, file: str) -> None:
        before = {name: dict(self._parser.items(name, raw=True)) for name in self._parser.sections()}
        try:
            with open(file, encoding="utf-8") as lines:
                self._parser.read_file(lines, file)
        except OSError as error:
            raise ConfigurationError(f"the tasks in {file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"the tasks in {file} cannot be read: it is no text: {error}") from error
        except ParserError as error:
            raise ConfigurationError(f"the tasks in {file} cannot be read: {one_line(error)}") from error
        for name in self._parser.sections():
            if before.get(name) != dict(self._parser.items(name, raw=True)) or name not in self._places:
                self._places[name] = file
