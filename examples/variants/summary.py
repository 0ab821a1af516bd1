"""The variants of all samples as a table and as a picture."""

import csv
import os
from collections import Counter
from dataclasses import dataclass

KINDS = {"substitution": "#0b6e99", "insertion": "#2e8b57", "deletion": "#c2410c"}
TRANSITIONS = {"AG", "GA", "CT", "TC"}


@dataclass
class Variant:
    position: int
    ref: str
    alt: str
    quality: float

    @property
    def kind(self):
        if len(self.alt) > len(self.ref):
            return "insertion"
        return "deletion" if len(self.alt) < len(self.ref) else "substitution"


@dataclass
class Sample:
    name: str
    depths: list[int]
    variants: list[Variant]


def read_samples(files):
    """The samples whose tables these are, `NAME.depth.tsv` and `NAME.variants.tsv`."""
    by_name = {os.path.basename(path): path for path in files}
    names = [name.removesuffix(".depth.tsv") for name in sorted(by_name) if name.endswith(".depth.tsv")]
    samples = []
    for name in names:
        with open(by_name[f"{name}.depth.tsv"]) as file:
            depths = [int(depth) for _, depth in csv.reader(file, delimiter="\t")]
        with open(by_name[f"{name}.variants.tsv"]) as file:
            rows = csv.reader(file, delimiter="\t")
            variants = [Variant(int(position), ref, alt, float(quality)) for position, ref, alt, quality, _ in rows]
        samples.append(Sample(name, depths, variants))
    return samples


def rows(samples):
    """The table: one line for each sample, below a heading."""
    yield ["sample", "mean_depth", "covered_percent", "variants", *(f"{kind}s" for kind in KINDS), "ts_per_tv"]
    for sample in samples:
        kinds = Counter(variant.kind for variant in sample.variants)
        changes = [v.ref + v.alt for v in sample.variants if len(v.ref) == len(v.alt) == 1]
        transitions = sum(change in TRANSITIONS for change in changes)
        transversions = len(changes) - transitions
        yield [
            sample.name,
            f"{sum(sample.depths) / len(sample.depths):.1f}",
            f"{100 * sum(depth > 0 for depth in sample.depths) / len(sample.depths):.2f}",
            len(sample.variants),
            *(kinds[kind] for kind in KINDS),
            f"{transitions / transversions:.2f}" if transversions else "",
        ]


def draw(samples, path):
    """The depth along the genome with the variants above it, one panel for each sample."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A fixed salt and no date: the same variants give the same file.
    with rc_context(
        {"svg.hashsalt": "variants", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=(11, 0.8 + 2.9 * len(samples)), layout="constrained")
        figure.suptitle("Variants of phage lambda", fontsize=15, fontweight="bold", x=0.01, ha="left")
        panels = figure.subplots(2 * len(samples), 1, sharex=True, height_ratios=[1, 2.4] * len(samples))
        for sample, marks, depth in zip(samples, panels[::2], panels[1::2], strict=True):
            draw_variants(marks, sample)
            draw_depth(depth, sample)
        panels[-1].set_xlabel("position on the genome in thousand bases")
        figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)


def draw_variants(axes, sample):
    """A row of strokes for each kind of variant."""
    kinds = list(reversed(KINDS))
    counts = Counter(variant.kind for variant in sample.variants)
    for row, kind in enumerate(kinds):
        found = [variant.position / 1000 for variant in sample.variants if variant.kind == kind]
        axes.vlines(found, row - 0.36, row + 0.36, color=KINDS[kind], linewidth=1.4)
    axes.set_yticks(range(len(kinds)), [f"{counts[kind]} {kind}{'s' * (counts[kind] != 1)}" for kind in kinds])
    axes.set_ylim(-0.6, len(kinds) - 0.4)
    axes.tick_params(left=False, bottom=False)
    for label, kind in zip(axes.get_yticklabels(), kinds, strict=True):
        label.set_color(KINDS[kind])
    axes.spines[:].set_visible(False)
    mean = sum(sample.depths) / len(sample.depths)
    title = f"{sample.name}: {len(sample.variants)} variants, {mean:.0f} reads over a base on average"
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")


def draw_depth(axes, sample):
    """How many reads there are along the genome."""
    kilobases = [number / 1000 for number in range(1, len(sample.depths) + 1)]
    axes.fill_between(kilobases, sample.depths, step="mid", color="#b9c6cf", linewidth=0)
    axes.set_xlim(0, kilobases[-1])
    axes.set_ylim(0)
    axes.set_ylabel("reads over\na base")
