"""The quickstart: what pictures and names of emoji each contribute, on bundled real data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plait.config import from_json
from plait.data.table import Table
from plait.datasets import load
from plait.ensemble.board import Board
from plait.ensemble.config import FitConfig
from plait.evaluate.run import Evaluation
from plait.fitting import fit
from plait.model import Explanation, Model
from plait.progress import Progress
from plait.report.files import board_columns, require_new, write_columns
from plait.report.plots import board_plot

TARGET = "group"
INPUTS = ("picture", "name")


@dataclass(frozen=True)
class Quickstart:
    """What the quickstart found.

    Attributes:
        board: of the contest on the training emoji, families held out together.
        model: the winner.
        seen_vendor: its scores on unseen emoji, drawn by the vendor it learned from.
        other_vendor: its scores on the same emoji, drawn by another.
        examples: three test emoji: character, name, truth, and what each modality added.
        files: that were written.
    """

    board: Board
    model: Model
    seen_vendor: Evaluation
    other_vendor: Evaluation
    examples: tuple[tuple[str, str, str, Explanation], ...]
    files: tuple[Path, ...]


def quickstart(folder: Path, overwrite: bool, progress: Progress) -> Quickstart:
    """Compare, fit, evaluate and predict on the bundled emoji.

    Args:
        folder: for the model, the board as a picture and a table, and the test emoji as CSV.
        overwrite: replace what an earlier quickstart wrote there.
        progress: where to show it.
    """
    paths = [require_new(folder / name, overwrite) for name in ("board.png", "board.csv")]
    table = load("emoji")
    unused = [c for c in table.columns if c not in (*INPUTS, TARGET)]
    part = np.array(table.values("split"))
    train, test = table.take(np.flatnonzero(part == "train")), np.flatnonzero(part == "test")
    config = FitConfig(folds=3)
    model = fit(
        train, TARGET, ignore=unused, split="group:family", config=config, progress=progress
    )
    board = from_json(Board, model.facts["board"])
    board_plot(board, paths[0], "Group of an emoji, from its picture and its name")
    write_columns(paths[1], board_columns(board))
    saved = model.save(folder / "model", overwrite)
    own, other = table.take(test), load("emoji", vendor="twitter").take(test)
    return Quickstart(
        board,
        model,
        model.evaluate(own, progress),
        model.evaluate(other, progress),
        _examples(model, own),
        (*paths, saved),
    )


def _examples(model: Model, table: Table) -> tuple[tuple[str, str, str, Explanation], ...]:
    chosen = table.take([len(table) // 6, len(table) // 2, len(table) - 20])
    return tuple(
        (row["emoji"], row["name"], row[TARGET], explanation)
        for row, explanation in zip(chosen, model.explain(chosen), strict=True)
    )
