"""The scenarios, in the order of the table."""

from benchmarks.scenario import Scenario
from benchmarks.scenarios import (
    array,
    cluster_start,
    core_scaling,
    dask_tasks,
    file_jobs,
    graph,
    import_time,
    log_lines,
    map_small,
    map_tracked,
    node_scripts,
    nothing_to_do,
    program_start,
    queue_draining,
    queue_entering,
    queue_growing,
    queue_latency,
    remote_commands,
    round_trip,
    start_up,
    submissions,
    uneven,
    waiting_engines,
)

SCENARIOS: tuple[Scenario, ...] = (
    submissions.SCENARIO,
    round_trip.SCENARIO,
    map_small.SCENARIO,
    map_tracked.SCENARIO,
    dask_tasks.SCENARIO,
    uneven.BUSY,
    uneven.WAITING,
    waiting_engines.SCENARIO,
    array.SCENARIO,
    graph.SCENARIO,
    core_scaling.PLAIN_COST,
    core_scaling.GRAPH_COST,
    core_scaling.MEMORY,
    core_scaling.GRAPH_MEMORY,
    import_time.SCENARIO,
    start_up.SCENARIO,
    cluster_start.SCENARIO,
    nothing_to_do.NOTHING_TO_DO,
    nothing_to_do.LINEAR,
    nothing_to_do.MEMORY,
    *file_jobs.SCENARIOS,
    program_start.HELP,
    program_start.RUN,
    queue_draining.ON_SQLITE,
    queue_draining.ON_POSTGRES,
    *queue_entering.SCENARIOS,
    *queue_latency.SCENARIOS,
    *queue_growing.SCENARIOS,
    remote_commands.SCENARIO,
    node_scripts.SCENARIO,
    log_lines.SPEED,
    log_lines.MEMORY,
)


def scenario(name: str) -> Scenario:
    """The scenario of that name."""
    return next(scenario for scenario in SCENARIOS if scenario.name == name)
