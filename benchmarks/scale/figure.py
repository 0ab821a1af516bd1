"""The figure of the page: how busy engines are, by how long tasks take and how many engines there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.scale.grid import ENGINES, LENGTHS_S
from benchmarks.scale.page import duration

_GREYS = "#555555"


def draw(numbers: Mapping[str, Any], path: Path) -> None:
    """Write the figure, the same for the same numbers."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "gangline", "font.size": 9, "svg.fonttype": "path"}
    from matplotlib import colormaps
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.0), layout="constrained")
    shades = colormaps["viridis"]
    counts = ENGINES["dask"]
    for index, task_s in enumerate(LENGTHS_S):
        rates = [
            row["tasks_per_s"] for row in numbers["grid"] if row["kind"] == "dask" and row["task_s"] == task_s
        ]  # fmt: skip
        shade = shades(index / len(LENGTHS_S))
        axes.plot(counts, [count / task_s for count in counts], color=shade, linewidth=0.8, linestyle=":")
        axes.plot(counts, rates, color=shade, marker="o", markersize=3.5, label=duration(task_s))
    axes.set(
        xscale="log",
        yscale="log",
        ylim=(0.005, 3e4),
        xlabel="engines of a Dask cluster",
        ylabel="tasks/s of one client",
    )
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.set_yticks([0.01, 0.1, 1, 10, 100, 1_000, 10_000], ["0.01", "0.1", "1", "10", "100", "1,000", "10,000"])
    axes.minorticks_off()
    axes.grid(color="#dddddd", linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(title="a task takes", frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_title(
        "Where a line leaves its dots, the client is what is missing", loc="left", fontsize=9, color=_GREYS
    )  # fmt: skip
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
