"""Words in a declaration that stand for something else: stages, values known at run time, files to touch."""

from __future__ import annotations

from typing import Any

from gangline.errors import UsageError

__all__ = ["Placeholder", "combine", "output_from", "runtime_parameter", "touch_file"]


class Placeholder:
    """Stands among file names for names that are known later; stages, pipelines and `runtime_parameter` are such."""

    __slots__ = ()


class _Arguments:
    """Keeps what it was called with."""

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.args!r}"


class combine(_Arguments):
    """Around an argument of `@files_re`: all inputs that lead to the same output go into one job."""


class output_from(_Arguments):
    """The outputs of stages that are named by text or function, also of ones that are declared further down."""


class touch_file(_Arguments):
    """In `@posttask`: files whose times are set to now (made, if missing) when the stage is done."""


class runtime_parameter(_Arguments, Placeholder):
    """An input whose value comes from the `runtime_data` of the run.

    Args:
        args: One text, the name of the value.
    """

    def __init__(self, *args: Any) -> None:
        if len(args) != 1 or not isinstance(args[0], str):
            raise UsageError("runtime_parameter takes the name of the run time parameter as a single string")
        super().__init__(*args)
