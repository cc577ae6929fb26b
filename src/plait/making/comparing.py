"""The board of those that make a column: every modality alone, all together, and baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plait.ensemble.board import Board, Line
from plait.metrics.uncertainty import Gain, gain, interval

BASELINE = "baseline"
"""The level of what learns nothing of its own."""

Scores = Mapping[str, tuple[float, np.ndarray]]
"""By metric: its value, and (resamples) values of it on rows that were drawn again."""


@dataclass(frozen=True)
class Entrant:
    """One that was judged.

    Attributes:
        name: of it.
        level: `single`, that of its fusion, or `BASELINE`.
        scores: the same draws of rows for all.
        fit_seconds: to let it learn.
        rows_per_second: that it makes.
        megabytes: of its weights.
    """

    name: str
    level: str
    scores: Scores
    fit_seconds: float = 0.0
    rows_per_second: float = float("inf")
    megabytes: float = 0.0


def board_of(
    entrants: Sequence[Entrant], metric: str, sign: int, rows: int, constant: str
) -> Board:
    """Return the board.

    Args:
        entrants: all of them, at least one of the level `single`.
        metric: that decides.
        sign: 1 where more of it is better, else -1.
        rows: that were judged.
        constant: the name of the baseline that says the same of all rows.
    """
    found = {entrant.name: entrant.scores for entrant in entrants}

    def better(entrant: Entrant) -> float:
        return sign * entrant.scores[metric][0]

    best_single = max((e for e in entrants if e.level == "single"), key=better).name
    winner = max((e for e in entrants if e.level != BASELINE), key=better).name

    def beside(name: str, other: str) -> Gain:
        (value, draws), (base, below) = found[name][metric], found[other][metric]
        return gain(sign * (value - base), sign * (draws - below))

    lines = tuple(
        Line(
            entrant.name,
            entrant.level,
            interval(*entrant.scores[metric]),
            {name: value for name, (value, _) in entrant.scores.items() if name != metric},
            None if entrant.level == "single" else beside(entrant.name, best_single),
            entrant.fit_seconds,
            entrant.rows_per_second,
            entrant.megabytes,
        )
        for entrant in entrants
    )
    return Board(
        metric, sign > 0, lines, best_single, winner, rows, 1, found[constant][metric][0],
        beside(winner, constant),
    )  # fmt: skip
