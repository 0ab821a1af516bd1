"""The vocabulary by the name of the module in which Ruffus keeps it: `from gangline.pipeline.task import Task`."""

from __future__ import annotations

from gangline.pipeline.combinatorics import combinations, combinations_with_replacement, permutations, product
from gangline.pipeline.freshness.modify_time import needs_update_check_modify_time
from gangline.pipeline.graphs.drawing import graph_colour_demo_printout, pipeline_printout_graph
from gangline.pipeline.indicators import combine, output_from, runtime_parameter, touch_file
from gangline.pipeline.loggers import BlackHoleLogger as t_black_hole_logger
from gangline.pipeline.loggers import StderrLogger as t_stderr_logger
from gangline.pipeline.loggers import StreamLogger as t_stream_logger
from gangline.pipeline.loggers import black_hole_logger, stderr_logger
from gangline.pipeline.names.formatter import formatter
from gangline.pipeline.names.functions import get_nested_tasks_or_globs
from gangline.pipeline.names.inputs import add_inputs, inputs
from gangline.pipeline.names.nested import flat_strings as get_strings_in_flattened_sequence
from gangline.pipeline.names.nested import is_sequence as non_str_sequence
from gangline.pipeline.names.paths import show as ignore_unknown_encoder
from gangline.pipeline.names.regex import regex
from gangline.pipeline.names.suffix import suffix
from gangline.pipeline.printing.printout import pipeline_printout
from gangline.pipeline.ruffus_exceptions import *  # noqa: F403  # programs find all exceptions here, too
from gangline.pipeline.ruffus_utility import (
    CHECKSUM_FILE_TIMESTAMPS,
    CHECKSUM_FUNCTIONS,
    CHECKSUM_FUNCTIONS_AND_PARAMS,
    CHECKSUM_HISTORY_TIMESTAMPS,
    CHECKSUM_REGENERATE,
    RUFFUS_HISTORY_FILE,
    JobHistoryChecksum,
    get_default_checksum_level,
    get_default_history_file_name,
    get_history_file_path,
    open_job_history,
    parameter_list_as_string,
    shorten_filenames_encoder,
)
from gangline.pipeline.running.entry import pipeline_run
from gangline.pipeline.stages.decorators import (
    active_if,
    check_if_uptodate,
    collate,
    files,
    files_re,
    follows,
    graphviz,
    jobs_limit,
    merge,
    mkdir,
    originate,
    parallel,
    posttask,
    run_in_main_process,
    split,
    stage_options,
    subdivide,
    transform,
)
from gangline.pipeline.stages.lookup import lookup_pipeline
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.pipeline.stages.pipeline import main_pipeline as _find_main_pipeline
from gangline.pipeline.stages.selection import pipeline_get_task_names
from gangline.pipeline.stages.stage import Stage as Task
from gangline.pipeline.stages.touching import register_cleanup

__all__ = [
    "CHECKSUM_FILE_TIMESTAMPS",
    "CHECKSUM_FUNCTIONS",
    "CHECKSUM_FUNCTIONS_AND_PARAMS",
    "CHECKSUM_HISTORY_TIMESTAMPS",
    "CHECKSUM_REGENERATE",
    "RUFFUS_HISTORY_FILE",
    "JobHistoryChecksum",
    "Pipeline",
    "Task",
    "active_if",
    "add_inputs",
    "black_hole_logger",
    "check_if_uptodate",
    "collate",
    "combinations",
    "combinations_with_replacement",
    "combine",
    "files",
    "files_re",
    "follows",
    "formatter",
    "get_default_checksum_level",
    "get_default_history_file_name",
    "get_history_file_path",
    "get_nested_tasks_or_globs",
    "get_strings_in_flattened_sequence",
    "graph_colour_demo_printout",
    "graphviz",
    "ignore_unknown_encoder",
    "inputs",
    "jobs_limit",
    "lookup_pipeline",
    "main_pipeline",
    "merge",
    "mkdir",
    "needs_update_check_modify_time",
    "non_str_sequence",
    "open_job_history",
    "originate",
    "output_from",
    "parallel",
    "parameter_list_as_string",
    "permutations",
    "pipeline_get_task_names",
    "pipeline_printout",
    "pipeline_printout_graph",
    "pipeline_run",
    "posttask",
    "product",
    "regex",
    "register_cleanup",
    "run_in_main_process",
    "runtime_parameter",
    "shorten_filenames_encoder",
    "split",
    "stage_options",
    "stderr_logger",
    "subdivide",
    "suffix",
    "t_black_hole_logger",
    "t_stderr_logger",
    "t_stream_logger",
    "touch_file",
    "transform",
]

main_pipeline = _find_main_pipeline()
"""The pipeline that decorators add to."""
