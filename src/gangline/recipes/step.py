"""What recipes and pipelines are: declared inputs and outputs, a configuration, and work to do."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from gangline.errors import UsageError
from gangline.recipes.configuration import Configuration, load
from gangline.recipes.event import ErrorEvent
from gangline.recipes.fields import BoolField, Field, ListField, StringField
from gangline.recipes.file_fields import DirectoryField, FileList
from gangline.recipes.ingredients import Ingredients, Problem, Value
from gangline.recipes.schema import schema_of
from gangline.recipes.starting import load_definitions, make_ready, program_name

if TYPE_CHECKING:
    from gangline.recipes.jobmemory import JobMemory
    from gangline.recipes.pipelinerun import PipelineRun
    from gangline.recipes.taskrun import TaskRun
    from gangline.recipes.tasks import TaskDefinitions

__all__ = ["BASE_INPUTS", "Step"]

BASE_INPUTS: Mapping[str, Field] = {
    "job_name": StringField("-j", "--job-name", optional=True, help="What this job is called."),
    "config": StringField("-c", "--config", optional=True, help="The configuration file."),
    "runtime_directory": DirectoryField(
        "-r", "--runtime-directory", create=True, optional=True, help="Where runs are noted."
    ),
    "task_files": FileList("--task-file", optional=True, help="Files that define tasks."),
    "recipe_directories": ListField("--recipe-directory", of=str, optional=True, help="Where recipes are looked for."),
    "start_time": StringField("--start-time", optional=True, help="When the job started, for names of files."),
    "resume": BoolField("--resume", default=False, help="Leave out jobs that an earlier run has done."),
    "args": ListField(default=[], help="What the recipe works on."),
}
"""Inputs that every recipe has."""


class Step:
    """A recipe. Its inputs can be given here, by `inputs`, on the command line and by files.

    Args:
        inputs: By name.

    Attributes:
        inputs: In a class the fields that it declares, by name; those of the classes below it are there, too. In a
            recipe their values, which are checked when they are set.
        outputs: The same for what it gives.
        name: What it is called in messages.
        logger: Its logger.
        error: Is set when jobs have failed.
        failure: The exception that ended it, if one did.
        is_pipeline: Whether its work is to have other recipes done, so that it notes nothing of itself.

    Raises:
        InputError: Inputs are wrong, or not known; all are named, and those that are missing, too.
    """

    inputs: Any = BASE_INPUTS
    outputs: Any = {}  # noqa: RUF012  # classes declare a dictionary here, recipes have a container
    is_pipeline = False
    error: threading.Event
    name: str
    logger: logging.Logger
    failure: BaseException | None
    job_memory: JobMemory | None
    job_journal: JobMemory | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.declared("inputs")
        cls.declared("outputs")

    def __new__(cls, *_args: Any, **_inputs: Any) -> Self:
        """Everything is there even if a class in the middle does not call `super().__init__`."""
        recipe = super().__new__(cls)
        recipe.name = cls.__name__
        recipe.inputs = Ingredients(cls.declared("inputs"), f"recipe {cls.__name__}", "input", BASE_INPUTS)
        recipe.outputs = Ingredients(cls.declared("outputs"), f"recipe {cls.__name__}", "output")
        recipe.logger = logging.getLogger(cls.__name__)
        recipe.error = ErrorEvent()
        recipe.failure = None
        recipe.job_memory = recipe.job_journal = None
        recipe._config = None
        recipe._definitions = None
        recipe._run = None
        recipe._task = None
        recipe._ready = False
        return recipe

    def __init__(self, **inputs: Any) -> None:
        super().__init__()
        if inputs:
            values = {name: Value(value) for name, value in inputs.items()}
            self.inputs.take(values, complete=bool(self.inputs.problems(values)))

    _config: Configuration | None
    _definitions: TaskDefinitions | None
    _run: PipelineRun | None
    _task: TaskRun | None
    _ready: bool

    # What it is ---------------------------------------------------------------------------------------------------

    @classmethod
    def declared(cls, kind: str) -> dict[str, Field]:
        """The fields of the class and of those below it.

        Args:
            kind: "inputs" or "outputs".

        Raises:
            UsageError: Something is declared that is no field.
        """
        fields: dict[str, Field] = {}
        for each in reversed(cls.__mro__):
            own = vars(each).get(kind, {})
            if not isinstance(own, Mapping):
                raise UsageError(f"recipe {each.__name__}: {kind} must be a dictionary of fields, not {own!r}")
            wrong = [name for name, field in own.items() if not (isinstance(name, str) and isinstance(field, Field))]
            if wrong:
                raise UsageError(
                    f"recipe {each.__name__}: {kind[:-1]} {wrong[0]!r} is {own[wrong[0]]!r}, but must be a field, such "
                    "as StringField(help='...')"
                )
            fields |= own
        return fields

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema of its inputs; those that every recipe has are left out."""
        own = {name: field for name, field in cls.declared("inputs").items() if field is not BASE_INPUTS.get(name)}
        return schema_of(cls.__name__, inspect.getdoc(cls) if cls.__doc__ else "", own, cls.declared("outputs"))

    @property
    def __file__(self) -> str:
        """The file in which the recipe is written."""
        try:
            return os.path.abspath(inspect.getsourcefile(type(self)) or "")
        except TypeError:  # it was typed into an interpreter
            return os.path.abspath(sys.argv[0])

    @property
    def config(self) -> Configuration:
        """The configuration: of the pipeline that this is part of, else as it is found when it is first asked for.

        Raises:
            ConfigurationError: It cannot be read.
        """
        if self._config is None:
            names = ("job_name", "start_time", "config")
            job_name, start_time, file = (self.inputs.get(name) for name in names)
            self._config = load(file, job_name=job_name or program_name(self), start_time=start_time)
        return self._config

    @config.setter
    def config(self, config: Configuration) -> None:
        self._config = config

    @property
    def task_definitions(self) -> TaskDefinitions:
        """The tasks that files define.

        Raises:
            ConfigurationError: A file cannot be read.
        """
        if self._definitions is None:
            self._definitions = load_definitions(self)
        return self._definitions

    # Its work -----------------------------------------------------------------------------------------------------

    def go(self) -> Any:
        """Do the work. A recipe has its own, and calls this one first.

        Returns:
            0 or None for success.

        Raises:
            InputError: Inputs are wrong or missing; all are named.
        """
        self.make_ready()
        above = getattr(super(), "go", None)
        return 0 if above is None else above()

    def make_ready(self, values: Mapping[str, Value] | None = None, problems: Iterable[Problem] = ()) -> None:
        """Read the configuration and see that all inputs are there and right, once.

        Args:
            values: Inputs that have not been set yet.
            problems: What is known to be wrong already.

        Raises:
            InputError: Names all that is wrong.
        """
        if not self._ready:
            make_ready(self, values or {}, list(problems))
            self._ready = True

    def look_ahead(self) -> list[Problem]:
        """What is known to go wrong later; asked when the configuration is there."""
        return []
