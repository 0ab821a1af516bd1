"""Every exception of file pipelines, under the names that existing programs catch.

The texts are part of the interface: programs and their logs are searched for them. A class's name says which rule was
broken; `error_task.tasks` says which stages are concerned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, Self

from gangline.errors import GanglineError

JobException = Sequence[Any]
"""What became of one job: stage name, job, exception name, exception value and traceback, all of them text."""


_LONG_WORD = re.compile(r"(\S{300})\S{700,}")
"""Such as a file name that was put together wrongly; the rows of failures have it whole."""


class Named(Protocol):
    """What an exception needs of a stage: its name."""

    @property
    def _name(self) -> str: ...


class _NameOnly:
    """Stands for a stage in an exception that has travelled: its name, without its functions and files."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"<stage {self._name}>"


class error_task(GanglineError):
    """Base of everything that goes wrong in a file pipeline.

    Attributes:
        tasks: The stages that it is about.
        main_msg: What is wrong with them, in words; empty when the arguments say it all.
    """

    def __init__(self, *errmsg: object) -> None:
        super().__init__(*errmsg)
        self.tasks: set[Named] = set()
        self.main_msg = ""

    def get_main_msg(self) -> str:
        """The heading: `main_msg` and the names of the stages, between blank lines."""
        names = "\n".join(f"task = {task._name!r}" for task in self.tasks)
        if self.main_msg:
            return f"\n\n{self.main_msg} for\n\n{names}\n"
        return f"\n\n{names}\n"

    def specify_task(self, task: Named, main_msg: str) -> Self:
        """This exception, about `task` too, with `main_msg` as its heading."""
        self.tasks.add(task)
        self.main_msg = main_msg
        return self

    def __str__(self) -> str:
        message = self.get_main_msg() + " ".join(map(str, self.args))
        return "    " + message.replace("\n", "\n    ")

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild, (cls, args, state) = super().__reduce__()
        # A stage holds the user's functions, which may not be able to travel; the text needs its name only.
        return rebuild, (cls, args, state | {"tasks": {_NameOnly(task._name) for task in self.tasks}})


class error_task_contruction(error_task):
    """A stage was declared wrongly. The name's spelling is the one that programs catch."""

    def __init__(self, task: Named, main_msg: str, *errmsg: object) -> None:
        super().__init__(*errmsg)
        self.specify_task(task, main_msg)


class RethrownJobError(error_task):
    """Jobs failed: all their failures together.

    Attributes:
        job_exceptions: One entry per failure: [stage name, job, exception name, exception value, traceback text].
        group: The original exceptions with their tracebacks, where they are known. It stays in its process.
    """

    def __init__(
        self, job_exceptions: Iterable[JobException] = (), group: BaseExceptionGroup[BaseException] | None = None
    ) -> None:
        super().__init__()
        self.job_exceptions: list[JobException] = list(job_exceptions)
        self.group = group

    def __len__(self) -> int:
        return len(self.job_exceptions)

    def append(self, job_exception: JobException) -> None:
        """Add one failure."""
        self.job_exceptions.append(job_exception)

    def task_to_func_name(self, task_name: str) -> str:
        """How a stage is called in the text: as the function that it is, but a directory maker by its own name."""
        if "mkdir " in task_name:
            return task_name
        return f"def {task_name.replace('__main__.', '')}(...):"

    def get_nth_exception_str(self, nn: int = -1) -> str:
        """The text of one failure; -1 means the last one."""
        number = len(self.job_exceptions) - 1 if nn == -1 else nn
        task_name, job_name, exception_name, exception_value, stack = self.job_exceptions[number]
        message = f"\nException #{number + 1}\n  '{exception_name}{exception_value}' raised in ...\n"
        if task_name:
            message += f"   Task = {self.task_to_func_name(task_name)}\n   {job_name}\n\n"
        message += f"{stack}\n"
        return _LONG_WORD.sub(_beginning, message).replace("\n", "\n    ")

    def __str__(self) -> str:
        plural = "s" if len(self.job_exceptions) > 1 else ""
        failures = "".join(self.get_nth_exception_str(number) for number in range(len(self.job_exceptions)))
        return self.get_main_msg().replace("\n", "\n    ") + f"\nOriginal exception{plural}:\n{failures}"

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild, (cls, args, state) = super().__reduce__()
        # The originals may hold anything; the entries say the same in text.
        return rebuild, (cls, args, state | {"group": None})


def _beginning(word: re.Match[str]) -> str:
    return f"{word[1]}... ({len(word[0])} characters)"


class error_input_file_does_not_match(error_task):
    """A file name does not match its stage's filter: the job is left out."""


class fatal_error_input_file_does_not_match(error_task):
    """A substitution pattern asks for a group that the regular expression does not have."""


class task_FilesArgumentsError(error_task):
    """The arguments of `@files` are wrong."""


class task_FilesreArgumentsError(error_task):
    """The arguments of `@files_re` are wrong."""


class MissingInputFileError(error_task):
    """A job cannot run because a file that it reads does not exist."""


class JobSignalledBreak(error_task):
    """Raised by a job to end the run at once."""


class JobSignalledSuspend(error_task):
    """A job asked the run to pause."""


class JobSignalledResume(error_task):
    """A job asked a paused run to go on."""


class JobFailed(error_task):
    """A job failed."""


class PostTaskArgumentError(error_task):
    """The arguments of `@posttask` are neither functions nor `touch_file`."""


class JobsLimitArgumentError(error_task):
    """The arguments of `@jobs_limit` are wrong, or contradict another use of the same name."""


class error_task_get_output(error_task_contruction):
    """A stage that has one output by its declaration has more than one job."""


class error_task_transform_inputs_multiple_args(error_task_contruction):
    """`inputs()` in `@transform` has more than one argument."""


class error_task_transform(error_task_contruction):
    """`@transform` was declared wrongly."""


class error_task_product(error_task_contruction):
    """`@product` was declared wrongly."""


class error_task_mkdir(error_task_contruction):
    """`@mkdir` was declared wrongly."""


class error_task_permutations(error_task_contruction):
    """`@permutations` was declared wrongly."""


class error_task_combinations(error_task_contruction):
    """`@combinations` was declared wrongly."""


class error_task_combinations_with_replacement(error_task_contruction):
    """`@combinations_with_replacement` was declared wrongly."""


class error_task_merge(error_task_contruction):
    """`@merge` was declared wrongly."""


class error_task_subdivide(error_task_contruction):
    """`@subdivide` was declared wrongly."""


class error_task_originate(error_task_contruction):
    """`@originate` was declared wrongly."""


class error_task_collate(error_task_contruction):
    """`@collate` was declared wrongly."""


class error_task_collate_inputs_multiple_args(error_task_contruction):
    """`inputs()` in `@collate` has more than one argument."""


class error_task_split(error_task_contruction):
    """`@split` was declared wrongly."""


class error_task_files_re(error_task_contruction):
    """`@files_re` was declared wrongly."""


class error_task_files(error_task_contruction):
    """`@files` was declared wrongly."""


class error_task_parallel(error_task_contruction):
    """`@parallel` was declared wrongly."""


class error_making_directory(error_task):
    """A directory could not be made."""


class error_duplicate_task_name(error_task):
    """Two stages of a pipeline have the same name."""


class error_decorator_args(error_task):
    """A decorator was given something that is no stage, or the stage itself."""


class error_task_name_lookup_failed(error_task):
    """No stage has this name."""


class error_task_decorator_takes_no_args(error_task):
    """A decorator that takes no arguments was given some."""


class error_function_is_not_a_task(error_task):
    """A function is used as a stage but was never declared to be one."""


class error_ambiguous_task(error_task):
    """A name or function stands for several stages."""


class error_not_a_pipeline(error_task):
    """What was given as a pipeline is none."""


class error_circular_dependencies(error_task):
    """Stages depend on each other in a circle."""


class error_not_a_directory(error_task):
    """A file stands where a directory is to be made."""


class error_missing_output(error_task):
    """A job ended well but did not make a file that it was declared to make."""


class error_job_signalled_interrupt(error_task):
    """A job was interrupted from the keyboard."""


class error_node_not_task(error_task):
    """A stage depends on something that is no stage of the pipeline."""


class error_missing_runtime_parameter(error_task):
    """`runtime_data` lacks a value that a stage asks for with `runtime_parameter()`."""


class error_unescaped_regular_expression_forms(error_task):
    """A pattern has the character 1 or 2 where a reference to a group was meant."""


class error_checksum_level(error_task):
    """The level of up-to-date checks is not one of those that there are."""


class error_missing_args(error_task):
    """A stage lacks an argument."""


class error_too_many_args(error_task):
    """A stage has arguments that it does not take."""


class error_inputs_multiple_args(error_task):
    """`inputs()` has more than one argument."""


class error_set_input(error_task):
    """`set_input` was called wrongly."""


class error_set_output(error_task):
    """`set_output` was called wrongly."""


class error_no_head_tasks(error_task):
    """A sub-pipeline has no head stages."""


class error_no_tail_tasks(error_task):
    """A sub-pipeline has no tail stages."""


class error_executable_str(error_task):
    """A stage is a shell command, but nothing says how to run it."""


class error_extras_wrong_type(error_task):
    """`extras` is neither a list nor a dictionary."""
