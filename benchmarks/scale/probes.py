"""What Gangline costs a client's own process: processor time, memory and descriptors, measured on real engines.

`python -m benchmarks.scale.probes NAME` measures one thing in this process and prints it as JSON. Processor time is
that of the whole process, and of it the least of several turns: what else runs on the machine hardly shows in it.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.scale.farm import farm
from benchmarks.scenario import seconds
from benchmarks.work import identity, merge

Numbers = dict[str, float]
Started = tuple[Any, Callable[[], float]]
"""A client, and how much processor time a scheduler outside of it has used."""

FEW, MANY = 4, 20
"""Engines of each kind: what one more costs is the difference, divided."""

MEGABYTE = 1_000_000
_LONE_S = 0.006
"""A task that takes longer than 5 ms travels alone."""

_PULSE = "sleep 0.05; for i in $(seq {count}); do kill -STOP {pid}; sleep 0.15; kill -CONT {pid}; sleep 0.04; done"
_PAGE = os.sysconf("SC_PAGESIZE")


def processes() -> Numbers:
    """Engines that are local processes."""
    with _processes(MANY) as (client, _):
        return _costs_of_tasks(client, MANY) | _costs_of_bytes(client)


def dask() -> Numbers:
    """Engines on a Dask cluster elsewhere, over TLS."""
    with _dask(MANY) as (client, _):
        return _costs_of_tasks(client, MANY) | _costs_of_bytes(client)


def processes_per_engine() -> Numbers:
    """What one more local engine costs."""
    return _costs_of_engines("processes")


def dask_per_engine() -> Numbers:
    """What one more engine of a Dask cluster costs; its scheduler's part too."""
    return _costs_of_engines("dask")


def waiting() -> Numbers:
    """Bytes of memory for each task that waits, and for each that has ended and is remembered."""
    from gangline import Client

    count = 16_000
    with Client(engines=1) as client:
        view = client.load_balanced_view()
        view.map(identity, range(1_000), chunksize=1).get()
        client.purge_results("all")
        blocker = view.apply_async(time.sleep, 2.0)
        before = _memory_bytes()
        results = view.map_async(identity, range(count), chunksize=1)
        waits = (_memory_bytes() - before) / count
        blocker.get()
        results.get()
        return {"waiting_task_bytes": waits, "ended_task_bytes": (_memory_bytes() - before) / count}


def batch() -> Numbers:
    """A task that is a job of a real Slurm: this process, and the scheduler's own commands that it runs."""
    from gangline import Client, Command
    from tests.slurm import started

    count = 100
    with tempfile.TemporaryDirectory(prefix="gs") as folder, started(Path(folder), nodes=1, cpus=8) as site:
        os.environ |= site.environment
        with Client(backend="batch", system="slurm", folder=f"{folder}/jobs") as client:
            view = client.load_balanced_view()
            view.apply(Command("true")).get()
            own, others, begun = time.process_time(), _children_s(), time.perf_counter()
            jobs = [view.apply_async(Command("true")) for _ in range(count)]
            for job in jobs:
                job.get()
            return {
                "job_s": (time.process_time() - own) / count,
                "job_commands_s": (_children_s() - others) / count,
                "jobs_per_s": count / (time.perf_counter() - begun),
            }


# Tasks ------------------------------------------------------------------------------------------------------------


def _costs_of_tasks(client: Any, engines: int) -> Numbers:
    view = client.load_balanced_view()

    def wait_alone(each: int) -> None:
        view.map(time.sleep, [_LONE_S] * each * engines, chunksize=1).get()

    def call(tasks: int) -> None:
        for result in [view.apply_async(identity, 0) for _ in range(tasks)]:
            result.get()

    wait_alone(4)
    view.map(identity, range(2_000), chunksize=1).get()
    waves = 15
    return {
        "submit_s": _least_cpu_s(5, 2_000, lambda: _submit_behind(view, engines, 2_000)),
        "tiny_s": _least_cpu_s(7, 4_000, lambda: view.map(identity, range(4_000), chunksize=1).get()),
        "item_s": _least_cpu_s(5, 200_000, lambda: view.map(identity, range(200_000)).get()),
        "call_s": _least_cpu_s(5, 2_000, lambda: call(2_000)),
        "graph_s": _least_cpu_s(5, 2_000, lambda: _run_graph(view, 2_000)),
        "lone_s": _least_cpu_s(3, 20 * engines, lambda: wait_alone(20)),
        "rush_s": _least_cpu_s(3, waves * engines, lambda: _run_in_waves(view, waves, engines)),
        "round_trip_s": min(seconds(lambda: view.apply_sync(identity, 0)) for _ in range(300)),
    }


def _least_cpu_s(turns: int, tasks: int, action: Callable[[], object]) -> float:
    """The least processor time per task."""
    costs = []
    for _ in range(turns):
        gc.collect()
        begun = time.process_time()
        spent = action()
        costs.append((spent if isinstance(spent, float) else time.process_time() - begun) / tasks)
    return min(costs)


def _submit_behind(view: Any, engines: int, tasks: int) -> float:
    """Submit while all engines are held up; the time that this took."""
    held = view.map(time.sleep, [0.5] * engines, chunksize=1)
    time.sleep(0.1)
    begun = time.process_time()
    results = view.map_async(identity, range(tasks), chunksize=1)
    spent = time.process_time() - begun
    held.get()
    results.get()
    return spent


def _run_graph(view: Any, tasks: int) -> None:
    """Layers of tasks that each wait for three of the layer before."""
    layer: list[Any] = []
    every: list[Any] = []
    while len(every) < tasks:
        width = tasks // 10
        following = []
        for number in range(width):
            after = [layer[(number + step) % width] for step in range(3)] if layer else None
            with view.temp_flags(after=after):
                following.append(view.apply_async(merge))
        layer = following
        every += layer
    for each in every:
        each.get()


def _run_in_waves(view: Any, waves: int, engines: int) -> None:
    """Stop this process again and again while all engines end a task: what they say is there all at once then."""
    script = _PULSE.format(count=waves, pid=os.getpid())
    with subprocess.Popen(["sh", "-c", script]) as pulse:
        view.map(time.sleep, [_LONE_S] * waves * engines, chunksize=1).get()
        pulse.wait()


# Data -------------------------------------------------------------------------------------------------------------


def _costs_of_bytes(client: Any) -> Numbers:
    """Processor time for a byte of an argument, and of a result; of values of 4 MB."""
    view = client[:1]
    size, times = 4 * MEGABYTE, 5
    data = os.urandom(size)

    def send() -> None:
        for _ in range(times):
            view.apply_sync(len, data)

    def fetch() -> None:
        for _ in range(times):
            assert len(view.apply_sync(bytes, size)[0]) == size

    send()
    fetch()
    return {"sent_byte_s": _least_cpu_s(3, times * size, send), "received_byte_s": _least_cpu_s(3, times * size, fetch)}


# Engines ----------------------------------------------------------------------------------------------------------


@contextmanager
def _processes(engines: int) -> Iterator[Started]:
    from gangline import Client

    with Client(engines=engines) as client:
        client.wait_for_engines(engines, timeout=120)
        yield client, lambda: 0.0


@contextmanager
def _dask(engines: int) -> Iterator[Started]:
    import distributed  # its memory is not that of an engine

    from gangline import Client

    assert distributed.Security
    with farm(engines) as cluster:
        _reset()
        with Client(cluster.address, security=cluster.security) as client:
            client.wait_for_engines(engines, timeout=120)
            yield client, cluster.scheduler_cpu_s


_start: Numbers = {}


def _reset() -> None:
    _start.update(memory=_memory_bytes(), descriptors=_descriptors(), cpu=time.process_time(), at=time.perf_counter())


def _costs_of_engines(name: str) -> Numbers:
    few, many = _with_engines(name, FEW), _with_engines(name, MANY)
    return {name: max(0.0, many[name] - few[name]) / (MANY - FEW) for name in few}


def _with_engines(name: str, engines: int) -> Numbers:
    """In a child, so that each begins with nothing."""
    command = [sys.executable, "-m", "benchmarks.scale.probes", name, str(engines)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return dict(json.loads(done.stdout))


def _engines_alone(have: Callable[[int], AbstractContextManager[Started]], engines: int) -> Numbers:
    idle_s = 8.0
    _reset()
    with have(engines) as (client, scheduler_cpu_s):
        client.load_balanced_view().map(time.sleep, [_LONE_S] * 4 * engines, chunksize=1).get()
        now = {
            "engine_memory_bytes": _memory_bytes() - _start["memory"],
            "engine_descriptors": _descriptors() - _start["descriptors"],
            "engine_join_cpu_s": time.process_time() - _start["cpu"],
        }
        own, scheduler = time.process_time(), scheduler_cpu_s()
        time.sleep(idle_s)
        idle = (time.process_time() - own) / idle_s
        return now | {
            "engine_idle_share": idle,
            "engine_scheduler_share": (scheduler_cpu_s() - scheduler) / idle_s,
        }


def _memory_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


STARTS: dict[str, Callable[[int], AbstractContextManager[Started]]] = {"processes": _processes, "dask": _dask}
"""Engines by their kind."""

PROBES: dict[str, Callable[[], Numbers]] = {
    each.__name__: each for each in (processes, dask, processes_per_engine, dask_per_engine, waiting, batch)
}


def main() -> None:
    """Measure what the command line names."""
    name, *engines = sys.argv[1:]
    if engines:
        numbers = _engines_alone(STARTS[name], int(*engines))
    else:
        numbers = PROBES[name]()
    print(json.dumps(numbers))


if __name__ == "__main__":
    main()
