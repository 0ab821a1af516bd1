"""Where names come from that a declaration only speaks of: globs, other stages, values given to the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gangline.pipeline.indicators import Placeholder, runtime_parameter
from gangline.pipeline.names.namer import Blame
from gangline.pipeline.names.nested import References, expand, find_references
from gangline.pipeline.ruffus_exceptions import error_missing_runtime_parameter

__all__ = ["Sources", "known_files", "refuse_stages", "resolve"]

_NO_VALUES: Mapping[str, Any] = {}


class Sources(NamedTuple):
    """The world as the expansion of one stage sees it.

    Attributes:
        glob: The files that match a pattern, in any order.
        outputs: The outputs of a stage as another stage's input; True asks for the bare output of a stage of one job
            (see `expand.outputs.as_input`).
        directory: The absolute folder that relative names start from.
        runtime: Values for `runtime_parameter`, by name.
    """

    glob: Callable[[str], list[str]]
    outputs: Callable[[Any, bool], Any]
    directory: str
    runtime: Mapping[str, Any] = _NO_VALUES


def known_files(references: References, sources: Sources) -> dict[Any, Any]:
    """The files of each glob and each placeholder, for `names.nested.expand`.

    Raises:
        error_missing_runtime_parameter: A value was not given to the run.
    """
    known: dict[Any, Any] = {pattern: sorted(sources.glob(pattern)) for pattern in references.globs}
    for stage in references.stages:
        if stage not in known:
            known[stage] = sources.outputs(stage, False)
    for parameter in references.runtime:
        known[parameter] = _runtime_value(parameter, sources.runtime)
    return known


def _runtime_value(parameter: runtime_parameter, values: Mapping[str, Any]) -> Any:
    name = parameter.args[0]
    if name not in values:
        raise error_missing_runtime_parameter(
            f"The inputs of this task depends on the runtime parameter '{name}' which is missing "
        )
    return values[name]


def resolve(structure: Any, sources: Sources, *, bare: bool = False) -> Any:
    """The files that a structure of names, globs and placeholders stands for.

    Args:
        structure: As declared, its stages given as placeholders.
        sources: Where the names come from.
        bare: A structure that is nothing but one stage of one job stands for that job's output itself, not for a list.

    Raises:
        error_missing_runtime_parameter: A value was not given to the run.
    """
    if bare and isinstance(structure, Placeholder) and not isinstance(structure, runtime_parameter):
        return sources.outputs(structure, True)
    return expand(structure, known_files(find_references(structure), sources))


def refuse_stages(output: Any, syntax: str, blame: Blame) -> None:
    """Raise what `blame` makes if an output names another stage.

    Args:
        output: As declared.
        syntax: The kind of stage, for the text: `@split`.
        blame: Makes the exception.
    """
    if find_references(output).stages:
        raise blame(f"{syntax} cannot output to another task. Do not include tasks in output parameters.")
