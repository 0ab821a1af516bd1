"""How long do the primes below a million take with 1, 2 and 4 slots? Draws it; run by `make example-primes`."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from primes import PrimeJob, WaitingJob

from gangline.queue import Queue

SLOTS = (1, 2, 4)
LAST = 1_000_000
SIZE = 20_000
KINDS = {PrimeJob: "parts that compute", WaitingJob: "parts that wait 0.1 s"}


def run(job, slots, folder):
    """Have a worker with so many slots do it all; the parent's result, and seconds from the first part to the last."""
    url = f"sqlite:///{folder}/{job.__name__}-{slots}.db"
    with Queue(url) as queue:
        parent = queue.enqueue(job, start=1, end=LAST, size=SIZE)
        command = ["worker", "--queue", url, "--slots", str(slots), "--until-empty", "--output", "quiet"]
        subprocess.run([sys.executable, "-m", "gangline", *command], check=True)
        done = queue.get(parent)
        if done.state != "complete":
            sys.exit(f"job {parent} is {done.state}\n{done.last_error}")
        children = queue.journal({"parent": parent})
        begun, ended = min(child.started_at for child in children), max(child.finished_at for child in children)
        return done.result, len(children), (ended - begun).total_seconds()


def measure(folder):
    """All kinds with all numbers of slots."""
    seconds = {}
    for job, kind in KINDS.items():
        for slots in SLOTS:
            result, parts, took_s = run(job, slots, folder)
            seconds.setdefault(kind, []).append(took_s)
            found = f", {result['primes']:,} primes, {result['different']:,} different ones" if job is PrimeJob else ""
            print(f"{kind}, {slots} slots: {parts} parts in {took_s:.2f} s{found}", flush=True)
    return seconds


def draw(seconds, path):
    """Time against the number of slots, with what would be linear."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for color, below, (kind, times) in zip(("#b04a2f", "#2f6fb0"), (-16, 8), seconds.items(), strict=True):
        axes.plot(SLOTS, [times[0] / slots for slots in SLOTS], "--", color=color, linewidth=1)
        axes.plot(SLOTS, times, "o-", color=color, label=kind)
        for slots, time_s in zip(SLOTS, times, strict=True):
            axes.annotate(f"{time_s:.2f} s", (slots, time_s), (6, below), textcoords="offset points", color=color)
    axes.set(
        xscale="log", yscale="log", xticks=SLOTS, xticklabels=SLOTS, xlim=(0.9, 5), xlabel="slots of the worker",
        ylabel="seconds", title=f"{LAST // SIZE} jobs on {os.cpu_count()} cores: the primes below {LAST:,}",
    )  # fmt: skip
    axes.plot([], [], "--", color="grey", linewidth=1, label="linear")
    axes.margins(y=0.15)
    axes.minorticks_off()
    low, high = axes.get_ylim()
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20, 50) if low < tick < high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.grid(color="#dddddd")
    axes.legend(frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    results = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure(folder)
    (results / "primes.json").write_text(json.dumps({"slots": SLOTS, "seconds": seconds}, indent=2) + "\n")
    draw(seconds, results / "primes.svg")
    print(f"Picture: {results / 'primes.svg'}")
