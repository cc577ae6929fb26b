"""Pictures of how far what is written can be trusted, and of what rewards did to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from plait.writing import replacing


def risk_plot(coverage: np.ndarray, risk: np.ndarray, mean: float, path: Path, title: str) -> Path:
    """Draw the share of wrong answers over the share of questions that are answered.

    Args:
        coverage: (n) shares, rising.
        risk: (n) of answers that are wrong among the surest so many.
        mean: of the risk.
        path: of the picture to be written, by its suffix PNG, SVG or PDF.
        title: above it.
    """
    from matplotlib.figure import Figure  # without pyplot: no window, no global state

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(coverage, risk, color="#2f6f9f", drawstyle="steps-post")
    axes.axhline(risk[-1], color="#7a8793", lw=0.8, ls=":")
    axes.annotate(
        f"all answered: {risk[-1]:.3f}", (0, risk[-1]), xytext=(4, 4), textcoords="offset points",
        fontsize=9, color="#5b6670",
    )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(float(risk.max()), 0.02) * 1.15)
    axes.set_xlabel("questions that are answered, the surest first")
    axes.set_ylabel("wrong among them")
    axes.set_title(f"{title}; mean risk {mean:.3f}, {len(risk):,} held-out rows", loc="left",
                   fontsize=11, parse_math=False)  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=140)
    return path


def reward_plot(stages: Sequence[Mapping[str, float]], reward: str, path: Path) -> Path:
    """Draw reward, variety and length of held-out texts over the epochs; 0 is before any.

    Args:
        stages: of each epoch.
        reward: its name.
        path: of the picture to be written, by its suffix PNG, SVG or PDF.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 5.5), layout="constrained")
    labels = {"reward": reward, "distinct": "different pairs of words", "length": "words"}
    for axes, (name, label) in zip(figure.subplots(3, 1, sharex=True), labels.items(), strict=True):
        values = [stage[name] for stage in stages]
        axes.plot(values, "o-", color="#2f6f9f", ms=4)
        axes.set_ylabel(label, fontsize=9)
        axes.set_ylim(0, 1.1 * max(values) or 1)
        axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epochs of learning from the reward, on rows held out on the way")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=140)
    return path
