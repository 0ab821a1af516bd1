"""A stage of a file pipeline: what the user knows as a task.

What a stage was declared with never changes in place: tuples and frozen classes are replaced, so that clones can share
them. What it means (its parents, how its jobs are worked out) is its `Wiring`, made anew before each run, since names
may stand for other stages by then.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from gangline.pipeline.expand.jobs import JobParams, Notes
from gangline.pipeline.expand.outputs import as_input, check_single, collect_outputs
from gangline.pipeline.expand.sources import Sources
from gangline.pipeline.indicators import Placeholder
from gangline.pipeline.ruffus_exceptions import error_decorator_args, error_set_input, error_set_output
from gangline.pipeline.stages.arguments import Arguments, refuse_keywords
from gangline.pipeline.stages.declaration import Declaration, Place
from gangline.pipeline.stages.kinds import KIND_RULES, Kind
from gangline.pipeline.stages.settings import Settings
from gangline.pipeline.stages.shell import ShellCommand

if TYPE_CHECKING:
    from gangline.pipeline.stages.pipeline import Pipeline

__all__ = ["Expander", "Follow", "Stage", "Wiring"]

Expander = Callable[[Sources, Notes | None], Iterator[JobParams]]
"""Works out the jobs of a stage as they are now."""

_MAKES_DIRECTORIES = "Make missing directories including any intermediate directories on the specified path(s)"
_numbers = itertools.count()


class Follow(NamedTuple):
    """Stages that must be done before, as the user named them.

    Attributes:
        args: Stages, pipelines, functions, names, `mkdir()`.
        place: Where they stand.
    """

    args: tuple[Any, ...]
    place: Place


class Wiring(NamedTuple):
    """What a stage's declaration means at present.

    Attributes:
        parents: The stages that must be done before it, those of `@follows` first.
        sources: The stages whose outputs it reads.
        expand: Works out its jobs; None for a stage without parameters.
        single: Its one output is handed on as it is, not in a list (by its declaration), or the stage whose way it
            takes over.
    """

    parents: tuple[Stage, ...] = ()
    sources: tuple[Stage, ...] = ()
    expand: Expander | None = None
    single: bool | Stage = False


class Stage(Settings, Placeholder):
    """One step of a pipeline. Make one with a decorator or a method of `Pipeline`.

    Attributes:
        pipeline: Where it belongs.
        number: Its place in the order in which the program's stages were made.
        kind: What it makes of its input.
        syntax: How it was declared: `@transform`, `pipeline.transform`.
        description: The docstring of its function on one line, the directories that it makes, or its shell command.
        arguments: What it was declared with.
        follows_before: What it follows.
        command: The shell command that it is, if it is one.
        wiring: What all this means; made by `wiring.wire`.
    """

    def __init__(
        self, pipeline: Pipeline, function: Callable[..., Any] | None, name: str, command: str | None = None
    ) -> None:
        super().__init__(name, f"{pipeline.name}:{name}")
        self.pipeline = pipeline
        self.number = next(_numbers)
        self.kind = Kind.PLAIN
        self.syntax = ""
        self.command = command
        self.arguments = Arguments()
        self.follows_before: tuple[Follow, ...] = ()
        self.wiring = Wiring()
        self._function = function
        self._directory_stages = 0
        doc = function.__doc__ if function is not None else _MAKES_DIRECTORIES
        self.description = command if command is not None else re.sub(r"\n\s+", " ", doc or "").strip()

    def __repr__(self) -> str:
        return f"<Task {self.display_name!r}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @property
    def _name(self) -> str:
        """The name, as exceptions ask for it."""
        return self.name

    @property
    def display_name(self) -> str:
        """The name as it is printed: with that of its pipeline, unless it is the main one."""
        name = self.name.replace("__main__.", "").replace("main::", "")
        return name if self.pipeline.name == "main" else f"{self.pipeline.name}::{name}"

    @property
    def function(self) -> Callable[..., Any] | None:
        """What its tasks call; None for a stage that makes directories."""
        if self.command is None:
            return self._function
        run = self._callback or self.pipeline.command_str_callback
        return ShellCommand(self.command, run, reads=self.kind is not Kind.ORIGINATE)

    @property
    def function_name(self) -> str:
        """The name of its function, without the module."""
        return getattr(self._function, "__name__", type(self._function).__name__) if self._function else ""

    @property
    def module_name(self) -> str:
        """The module of its function."""
        return str(getattr(self._function, "__module__", "")) if self._function else "__main__"

    @property
    def parents(self) -> tuple[Stage, ...]:
        """The stages that must be done before it."""
        return self.wiring.parents

    @property
    def sources(self) -> tuple[Stage, ...]:
        """Those of them whose outputs it reads."""
        return self.wiring.sources

    @property
    def reglobs(self) -> bool:
        """Whether its outputs are known only when it is done: files that match globs."""
        return self.kind in (Kind.SPLIT, Kind.SUBDIVIDE)

    @property
    def is_single(self) -> bool:
        """Whether children that take it as a whole get its one output itself, not a list of it."""
        seen: set[Stage] = set()
        single: bool | Stage = self
        while isinstance(single, Stage) and single not in seen:
            seen.add(single)
            single = single.wiring.single
        return single is True

    # What it does -------------------------------------------------------------------------------------------------

    def blame(self, text: str) -> Exception:
        """The exception for a wrong declaration of this kind of stage."""
        return KIND_RULES[self.kind].error(self, text)

    def jobs(
        self,
        outputs_of: Callable[[Stage], list[Any]],
        sources: Sources,
        notes: Notes | None = None,
    ) -> list[JobParams]:
        """Its jobs as they are now; a stage without parameters has one job without parameters.

        Args:
            outputs_of: The outputs of a stage, in the order of its jobs (see `outputs`); none of an inactive one.
            sources: Globs, folder, run-time values; its `outputs` is not used.
            notes: Gets what is odd about them.
        """
        if self.wiring.expand is None:
            return [JobParams([], [])]

        def outputs(parent: Stage, bare: bool) -> Any:
            return as_input(outputs_of(parent), bare=bare and parent.is_single)

        return list(self.wiring.expand(sources._replace(outputs=outputs), notes))

    def outputs(self, jobs: list[JobParams]) -> list[Any]:
        """What children see of these jobs.

        Raises:
            error_task_get_output: There are several jobs, but by its declaration there is one.
        """
        if self.wiring.expand is None:
            return []
        if self.wiring.single is True:
            check_single(len(jobs), self)
        return collect_outputs(jobs, splits=self.reglobs)

    def call_arguments(self, job: JobParams) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The arguments by position and by name with which `function` is called for a job."""
        return tuple(job.params[1:] if self.kind is Kind.ORIGINATE else job.params), job.named

    # Changing it --------------------------------------------------------------------------------------------------

    def follows(self, *unnamed_args: Any, **named_args: Any) -> Self:
        """Have stages done before this one, or directories made: names, functions, stages, pipelines, `mkdir()`."""
        refuse_keywords(named_args, (), Declaration(self.mark("follows("), ")"))
        self.follows_before += (Follow(unnamed_args, lambda arg: self.mark(f"follows({arg!r})")),)
        return self

    def mkdir(self, *unnamed_args: Any, **named_args: Any) -> Self:
        """Have directories made before this stage: names, or a pattern as `Pipeline.mkdir` takes it."""
        place = Declaration(f"Task(name = {self.name}).mkdir(", ")")
        stage = self.directories_before(unnamed_args, named_args, place)
        self.follows_before += (Follow((stage,), lambda arg: self.mark(f"mkdir({arg!r})")),)
        return self

    def directories_before(
        self, unnamed_args: tuple[Any, ...], named_args: Mapping[str, Any], declaration: Declaration
    ) -> Stage:
        """A new stage that makes directories for this one; it is not yet one of its parents."""
        self._directory_stages += 1
        number = f" #{self._directory_stages}" if self._directory_stages > 1 else ""
        name = f"mkdir{unnamed_args!r}{number}   before {self.name} ".replace(",)", ")").replace(",", ",  ")
        return self.pipeline.create_mkdir(name, unnamed_args, named_args, declaration)

    def set_kind(self, kind: Kind) -> None:
        """Say what it makes of its input, once.

        Raises:
            error_decorator_args: It was said before.
        """
        if self.kind is not Kind.PLAIN:
            kinds = " and ".join(dict.fromkeys((self.kind.value, kind.value)))
            raise error_decorator_args(
                f"Duplicate task for:\n\n{self.declaration.show()}\n\n"
                "This has already been specified with a the same name or function\n"
                f"({self.display_name!r}, {kinds})\n"
            )
        self.kind = kind

    def set_input(self, **args: Any) -> Self:
        """Change what it reads: `input=`, and for `@product` also `input2=` and so on.

        Raises:
            error_set_input: The keywords are others.
        """
        if self.kind is Kind.PRODUCT:
            inputs = list(self.arguments.input)
            for number in range(len(inputs)):
                inputs[number] = args.pop(f"input{number + 1}" if number else "input", inputs[number])
            if args:
                raise error_set_input(f"Unexpected arguments in set_input({args}). Only expecting inputN=xxx")
            self.arguments = self.arguments._replace(input=inputs)
            return self
        if "input" not in args:
            raise error_set_input("Missing the input argument in set_input(input=xxx)")
        new_input = args.pop("input")
        if args:
            raise error_set_input(f"Unexpected argument name in set_input({args}). Only expecting input=xxx.")
        self.arguments = self.arguments._replace(input=new_input)
        return self

    def set_output(self, **args: Any) -> Self:
        """Change what an `@originate` makes: `output=`.

        Raises:
            error_set_output: The keywords are others, or it is no `@originate`.
        """
        if self.kind is not Kind.ORIGINATE:
            raise error_set_output("Can only set output for originate tasks")
        if "output" not in args:
            raise error_set_output("Missing the output argument in set_input(output=xxx)")
        new_output = args.pop("output")
        if args:
            raise error_set_output(f"Unexpected argument name in set_output({args}). Only expecting output=xxx.")
        self.arguments = self.arguments._replace(output=new_output)
        return self

    def clone_into(self, pipeline: Pipeline) -> Stage:
        """The same stage in another pipeline."""
        clone = Stage(pipeline, self._function, self.name, self.command)
        kept = {"pipeline": clone.pipeline, "number": clone.number, "wiring": clone.wiring}
        clone.__dict__.update(self.__dict__ | kept)
        clone.declaration = self.declaration.renamed(self.pipeline.name, pipeline.name)
        return clone
