"""Pictures of numbers that people compare."""

from __future__ import annotations

from pathlib import Path

from plait.ensemble.board import Board
from plait.writing import replacing

COLOURS = {
    "single": "#7a8793",
    "feature": "#2f6f9f",
    "tensor": "#3a8f7b",
    "representation": "#6a5aa8",
    "interaction": "#a8487f",
    "trees": "#8a6d3b",
    "decision": "#c2572b",
}
"""A colour a level."""


def board_plot(board: Board, path: Path, title: str = "") -> Path:
    """Draw every entrant's score with its 95 % interval; a line marks the best single modality.

    Args:
        board: of a contest.
        path: of the picture to be written, by its suffix PNG, SVG or PDF.
        title: above it; what was predicted, for example.
    """
    from matplotlib.figure import Figure  # without pyplot: no window, no global state

    figure = Figure(figsize=(7.5, 0.42 * len(board.lines) + 1.6), layout="constrained")
    axes = figure.add_subplot()
    for place, line in enumerate(reversed(board.lines)):
        score, colour = line.score, COLOURS[line.level]
        axes.plot([score.low, score.high], [place, place], color=colour, lw=2.5, alpha=0.6)
        axes.plot(score.value, place, "o", color=colour, ms=7)
        axes.annotate(
            f"{score.value:.3f}",
            (score.high, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    names = [f"{line.name} ★" if line.name == board.winner else line.name for line in board.lines]
    axes.set_yticks(range(len(names)), names[::-1])
    best = board[board.best_single]
    axes.axvline(best.score.value, color="#7a8793", lw=1, ls=":")
    axes.set_xlabel(f"{board.metric}, {board.rows:,} held-out rows, 95 % interval")
    axes.set_title(title or "Every modality alone, and together", loc="left", fontsize=11)
    axes.margins(x=0.12)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    for level in dict.fromkeys(line.level for line in board.lines):
        axes.plot([], [], "o-", color=COLOURS[level], label=level)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=140)
    return path
