"""Zero-shot classes: what they are, and how many of them are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from plait.data.quality import Ledger
from plait.errors import TableError
from plait.metrics.uncertainty import Interval, bootstrap_means, interval, resample_counts


@dataclass(frozen=True)
class ZeroShot:
    """Classes of rows, by words that the space never learned as classes.

    Attributes:
        labels: c of them.
        probabilities: (n c); a row of NaN could not be read.
        accuracy: on the rows whose truth is one of the labels, with its 95 % interval.
        judged: how many these are.
        skipped: cells that could not be read.
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray = field(repr=False)
    accuracy: Interval | None
    judged: int
    skipped: Ledger = field(repr=False)

    @property
    def values(self) -> list[str | None]:
        """The likeliest label of each row; None where it could not be read."""
        return [
            None if np.isnan(own).any() else self.labels[int(own.argmax())]
            for own in self.probabilities
        ]


def told_apart(
    probabilities: np.ndarray, labels: Sequence[str], truth: Sequence[str | None], seed: int
) -> tuple[Interval, int]:
    """Return the accuracy on rows whose truth is one of the labels, and how many these are.

    Args:
        probabilities: (n c); a row of NaN could not be read, and counts as wrong.
        labels: c of them.
        truth: n of them; None where it is not known.
        seed: of the resampling.

    Raises:
        TableError: when no row's truth is one of the labels.
    """
    rows = [row for row, name in enumerate(truth) if name in labels]
    if not rows:
        found = sorted({name for name in truth if name is not None})[:5]
        raise TableError(f"No row's truth is one of the labels {list(labels)}; there are {found}.")
    missing = np.isnan(probabilities).any(axis=1)
    best = np.where(missing, -1, np.nan_to_num(probabilities).argmax(axis=1))
    right = np.array([best[row] == list(labels).index(str(truth[row])) for row in rows], float)
    counts = resample_counts(np.arange(len(rows)), seed)
    return interval(float(right.mean()), bootstrap_means(right, counts)), len(rows)
