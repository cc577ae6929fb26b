"""Pictures of numbers that people compare."""

from __future__ import annotations

from pathlib import Path

from plait.ensemble.board import Board
from plait.ensemble.tune import Tuning
from plait.writing import replacing

COLOURS = {
    "single": "#7a8793",
    "feature": "#2f6f9f",
    "tensor": "#3a8f7b",
    "representation": "#6a5aa8",
    "interaction": "#a8487f",
    "trees": "#8a6d3b",
    "decision": "#c2572b",
    "baseline": "#b5b5b5",
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


def tuning_plot(tuning: Tuning, path: Path) -> Path:
    """Draw a search: each trial's score in its order with the best so far, and by each setting.

    Args:
        tuning: the search.
        path: of the picture to be written, by its suffix PNG, SVG or PDF.
    """
    from matplotlib.figure import Figure

    names = sorted({name for trial in tuning.trials for name in trial.settings})
    scored = [trial for trial in tuning.trials if trial.score is not None]
    rows = 1 + -(-len(names) // 4)
    figure = Figure(figsize=(11, 2.6 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, 4)
    axes = figure.add_subplot(grid[0, :])
    best = max if tuning.higher else min
    points = [(t.number, t.score) for t in tuning.trials if t.score is not None]
    numbers, scores = [p[0] for p in points], [p[1] for p in points]
    lead = [best(scores[: place + 1]) for place in range(len(scores))]
    axes.step(numbers, lead, where="post", color=COLOURS["decision"], lw=2, label="best so far")
    for pruned, marker, label in ((False, "o", "trial"), (True, "x", "given up early")):
        places = [i for i, trial in enumerate(scored) if trial.pruned is pruned]
        axes.plot([numbers[i] for i in places], [scores[i] for i in places], marker, ls="",
                  color=COLOURS["feature"], label=label)  # fmt: skip
    axes.set(xlabel="trial", ylabel=tuning.metric, title="The search")
    axes.legend(frameon=False, fontsize=9)
    for place, name in enumerate(names):
        axes = figure.add_subplot(grid[1 + place // 4, place % 4])
        having = [trial for trial in scored if name in trial.settings]
        values = [trial.settings[name] for trial in having]
        if name in ("learning_rate", "weight_decay"):
            axes.set_xscale("log")
        axes.plot(values, [t.score or 0.0 for t in having], "o", ms=4, color=COLOURS["feature"])
        chosen = next(trial for trial in having if trial.number == tuning.best)
        axes.plot(
            [chosen.settings[name]], [chosen.score or 0.0], "*", ms=13, color=COLOURS["decision"]
        )
        axes.set_title(name, fontsize=9)
        if isinstance(values[0], str):
            for word in axes.get_xticklabels():
                word.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=140)
    return path
