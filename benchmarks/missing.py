"""Missing modalities at test: accuracy as 0 to 90 % of each goes, by fusion and modality dropout.

    python benchmarks/missing.py            about 30 minutes: three seeds, every fusion
    python benchmarks/missing.py --full     ten seeds

Bundled emoji: the group from picture and name, a third of the families held out. Each fusion is
trained with modality dropout 0 and 0.3. At test the picture, the name, or each of both on its own
is hidden from a share of the rows (five draws); a row with neither gets the commonest class. The
area under the curve is its mean over the shares. Writes `results/missing.png`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np
import torch
from experts import HoldOut, hold_out
from rows import RESULTS, Row, describe, measure, table

import plait
from plait.catalog import FUSIONS
from plait.ensemble.expert import Expert
from plait.layers import one_thread

SHARES = tuple(tenth / 10 for tenth in range(10))
DROPOUTS = (0.0, 0.3)
HIDDEN = {"picture": ["picture"], "name": ["name"], "each": ["picture", "name"]}
DRAWS = 5

ready: dict[int, HoldOut] = {}


def prepared(seed: int) -> HoldOut:
    """Return the emoji of a seed, encoded once for all fusions."""
    if seed not in ready:
        ready.clear()
        emoji = plait.datasets.load("emoji")
        unused = [c for c in emoji.columns if c not in ("picture", "name", "group", "family")]
        config = plait.FitConfig(seed=seed, folds=1)
        ready[seed] = hold_out(emoji, "group", config, "group:family", [*unused, "family"])
    return ready[seed]


@one_thread()
def run(key: Row) -> Row:
    """Train one fusion, and score it with more and more cells missing."""
    data = prepared(key["seed"])
    config = plait.FitConfig(seed=key["seed"])
    config = replace(config, train=replace(config.train, modality_dropout=key["dropout"]))
    expert = data.learn(data.sources, config, key["fusion"])
    return {name: curve(data, expert, sources) for name, sources in HIDDEN.items()}


def curve(data: HoldOut, expert: Expert, sources: list[str]) -> list[float]:
    """Return the accuracy at each share of missing cells of these sources."""
    return [
        float(np.mean([accuracy(data, expert, sources, share, draw) for draw in range(DRAWS)]))
        for share in SHARES
    ]


def accuracy(data: HoldOut, expert: Expert, sources: list[str], share: float, draw: int) -> float:
    """Return the accuracy with a share of the cells of each source missing."""
    generator = torch.Generator().manual_seed(draw)
    rows = data.judged
    kept = {name: torch.rand(len(rows), generator=generator) >= share for name in sources}
    features = {n: f.keep(kept[n]) if n in kept else f for n, f in rows.features.items()}
    scores = data.predict(expert, replace(rows, features=features))
    return float((scores.argmax(axis=1) == data.held_truth.argmax(axis=1)).mean())


def main() -> None:
    """Measure, print areas with and without modality dropout, and draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    seeds = range(10 if parser.parse_args().full else 3)
    keys = [
        {"seed": seed, "fusion": fusion, "dropout": dropout}
        for seed in seeds for fusion in FUSIONS for dropout in DROPOUTS
    ]  # fmt: skip
    rows = measure("missing", keys, run, budget=40 * 60)
    table([areas(rows, fusion) for fusion in FUSIONS], ["fusion", *HIDDEN])
    pairs = paired(rows)
    for name, gains in pairs.items():
        print(f"area with dropout less without, {name} missing, all fusions: {describe(gains)}")
    plot(rows)


def by(rows: list[Row], fusion: str, dropout: float, name: str) -> np.ndarray:
    """Return (seeds shares) accuracies."""
    return np.array(
        [r[name] for r in rows if r["fusion"] == fusion and r["dropout"] == dropout]
    ).reshape(-1, len(SHARES))


def areas(rows: list[Row], fusion: str) -> Row:
    """Return a line of the table: the area without and with dropout, for each that is hidden."""
    cells = {
        name: " → ".join(f"{by(rows, fusion, d, name).mean():.3f}" for d in DROPOUTS)
        for name in HIDDEN
    }
    return {"fusion": fusion, **cells}


def paired(rows: list[Row]) -> dict[str, np.ndarray]:
    """Return for each that is hidden the gain in area of each seed, mean over fusions."""
    found = {}
    for name in HIDDEN:
        each = []
        for fusion in FUSIONS:
            without, with_it = (by(rows, fusion, d, name).mean(axis=1) for d in DROPOUTS)
            complete = min(len(without), len(with_it))
            each.append(with_it[:complete] - without[:complete])
        complete = min(map(len, each))
        found[name] = np.mean([gains[:complete] for gains in each], axis=0)
    return found


def plot(rows: list[Row]) -> None:
    """Draw a panel a fusion: what is hidden by colour, without dropout dashed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 9), layout="constrained")
    panels = figure.subplots(3, 4, sharex=True, sharey=True).flat
    colours = {"picture": "#0072B2", "name": "#D55E00", "each": "#555555"}
    for axes, fusion in zip(panels, FUSIONS, strict=False):
        for name, colour in colours.items():
            for dropout, style in zip(DROPOUTS, ("--", "-"), strict=True):
                values = by(rows, fusion, dropout, name)
                if len(values):
                    axes.plot(SHARES, values.mean(axis=0), style, color=colour,
                              label=f"{name} missing, dropout {dropout:g}")  # fmt: skip
        axes.set_title(fusion)
        axes.grid(alpha=0.2)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("share of the cells that are missing at test")
    figure.supylabel("accuracy")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(RESULTS / "missing.png", dpi=110)


if __name__ == "__main__":
    sys.exit(main())
