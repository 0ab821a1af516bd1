"""File pipelines: stages that make files from files, run when something is out of date.

The names and meanings are those of Ruffus: a program written for it changes its import lines. Nothing is imported
before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gangline.pipeline import cmdline, combinatorics, ruffus_exceptions, ruffus_utility, task
    from gangline.pipeline.freshness.modify_time import needs_update_check_modify_time
    from gangline.pipeline.graphs.drawing import graph_colour_demo_printout, pipeline_printout_graph
    from gangline.pipeline.indicators import combine, output_from, runtime_parameter, touch_file
    from gangline.pipeline.loggers import black_hole_logger, stderr_logger
    from gangline.pipeline.names.formatter import formatter
    from gangline.pipeline.names.inputs import add_inputs, inputs
    from gangline.pipeline.names.regex import regex
    from gangline.pipeline.names.suffix import suffix
    from gangline.pipeline.printing.printout import pipeline_printout
    from gangline.pipeline.ruffus_exceptions import JobSignalledBreak
    from gangline.pipeline.running.entry import pipeline_run
    from gangline.pipeline.stages.decorators import (
        active_if,
        check_if_uptodate,
        collate,
        combinations,
        combinations_with_replacement,
        files,
        files_re,
        follows,
        graphviz,
        jobs_limit,
        merge,
        mkdir,
        originate,
        parallel,
        permutations,
        posttask,
        product,
        run_in_main_process,
        split,
        stage_options,
        subdivide,
        transform,
    )
    from gangline.pipeline.stages.lookup import lookup_pipeline
    from gangline.pipeline.stages.pipeline import Pipeline
    from gangline.pipeline.stages.selection import pipeline_get_task_names
    from gangline.pipeline.stages.stage import Stage as Task
    from gangline.pipeline.stages.touching import register_cleanup

_HOMES = {
    "freshness.modify_time": ("needs_update_check_modify_time",),
    "graphs.drawing": ("graph_colour_demo_printout", "pipeline_printout_graph"),
    "indicators": ("combine", "output_from", "runtime_parameter", "touch_file"),
    "loggers": ("black_hole_logger", "stderr_logger"),
    "names.formatter": ("formatter",),
    "names.inputs": ("add_inputs", "inputs"),
    "names.regex": ("regex",),
    "names.suffix": ("suffix",),
    "printing.printout": ("pipeline_printout",),
    "ruffus_exceptions": ("JobSignalledBreak",),
    "running.entry": ("pipeline_run",),
    "stages.decorators": (
        "active_if",
        "check_if_uptodate",
        "collate",
        "combinations",
        "combinations_with_replacement",
        "files",
        "files_re",
        "follows",
        "graphviz",
        "jobs_limit",
        "merge",
        "mkdir",
        "originate",
        "parallel",
        "permutations",
        "posttask",
        "product",
        "run_in_main_process",
        "split",
        "stage_options",
        "subdivide",
        "transform",
    ),
    "stages.lookup": ("lookup_pipeline",),
    "stages.pipeline": ("Pipeline",),
    "stages.selection": ("pipeline_get_task_names",),
    "stages.touching": ("register_cleanup",),
}
_WHERE = {name: (home, name) for home, names in _HOMES.items() for name in names} | {"Task": ("stages.stage", "Stage")}
_SUBMODULES = (
    "adjacent_pairs_iterate",
    "cmdline",
    "combinatorics",
    "dbdict",
    "drmaa_wrapper",
    "file_name_parameters",
    "proxy_logger",
    "ruffus_exceptions",
    "ruffus_utility",
    "ruffus_version",
    "task",
)

__version__ = "3.0.0"
"""The version of Ruffus whose programs run here unchanged; some of them look."""

__all__ = [
    "JobSignalledBreak",
    "Pipeline",
    "Task",
    "active_if",
    "add_inputs",
    "black_hole_logger",
    "check_if_uptodate",
    "cmdline",
    "collate",
    "combinations",
    "combinations_with_replacement",
    "combinatorics",
    "combine",
    "files",
    "files_re",
    "follows",
    "formatter",
    "graph_colour_demo_printout",
    "graphviz",
    "inputs",
    "jobs_limit",
    "lookup_pipeline",
    "merge",
    "mkdir",
    "needs_update_check_modify_time",
    "originate",
    "output_from",
    "parallel",
    "permutations",
    "pipeline_get_task_names",
    "pipeline_printout",
    "pipeline_printout_graph",
    "pipeline_run",
    "posttask",
    "product",
    "regex",
    "register_cleanup",
    "ruffus_exceptions",
    "ruffus_utility",
    "run_in_main_process",
    "runtime_parameter",
    "split",
    "stage_options",
    "stderr_logger",
    "subdivide",
    "suffix",
    "task",
    "touch_file",
    "transform",
]


def __getattr__(name: str) -> Any:
    """Names are imported when they are first used."""
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, original = _WHERE[name]
    value = getattr(import_module(f"{__name__}.{home}"), original)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
