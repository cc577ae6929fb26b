"""Words to regions as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plait.writing import replacing

if TYPE_CHECKING:
    from plait.explain.regions import Moments, Regions

MOST_COLUMNS = 4


def draw_regions(found: Regions, path: Path) -> Path:
    """Draw the picture, then the picture with the map of each word over it, the word as a title."""
    from matplotlib.figure import Figure  # without pyplot: no window, no global state

    count = len(found.words) + 1
    columns = min(count, MOST_COLUMNS)
    rows = -(-count // columns)
    height, width = found.picture.shape[:2]
    tall = 3.2 * min(height / width, 2.0) + 0.4
    figure = Figure(figsize=(3.2 * columns, tall * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    grid[0].imshow(found.picture)
    figure.suptitle(f"“{found.text}”", fontsize=12, parse_math=False)
    grey = np.repeat(found.picture.mean(axis=2, keepdims=True), 3, axis=2) / 255
    edges = (0.0, float(width), float(height), 0.0)
    for axes, word, heat in zip(grid[1:], found.words, found.heat, strict=False):
        axes.imshow(0.3 + 0.7 * grey, extent=edges)
        axes.imshow(
            heat, cmap="inferno", vmin=0, vmax=1, alpha=0.65, extent=edges,
            interpolation="bilinear",
        )  # fmt: skip
        axes.set_title(word, fontsize=11, parse_math=False)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=120)
    return path


def draw_moments(found: Moments, path: Path) -> Path:
    """Draw a line a word over the seconds, with the threshold, and its spans shaded."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.1 * len(found.words) + 1.2), layout="constrained")
    figure.suptitle(f"“{found.text}”", fontsize=12, parse_math=False)
    grid = figure.subplots(len(found.words), 1, sharex=True, squeeze=False).ravel()
    for axes, word, heat, spans in zip(grid, found.words, found.heat, found.spans, strict=True):
        for start, end in spans:
            axes.axvspan(start, end, color="#c2572b", alpha=0.25, lw=0)
        axes.plot(found.times, heat, color="#2f6f9f")
        axes.axhline(found.threshold, color="#7a8793", lw=0.8, ls=":")
        axes.set_ylim(-0.05, 1.05)
        axes.set_ylabel(word, rotation=0, ha="right", va="center", parse_math=False)
        axes.spines[["top", "right"]].set_visible(False)
    grid[-1].set_xlabel("seconds")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=120)
    return path
