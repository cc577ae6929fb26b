"""How sure a score is: bootstrap intervals and paired differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000

Score = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % percentile interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Gain:
    """A paired difference with its 95 % interval, and the two-sided p of no difference."""

    value: float
    low: float
    high: float
    p: float


def resample_counts(groups: np.ndarray, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """Return how often each row is drawn in each resample, (resamples n).

    Groups are drawn whole: rows that belong together are not independent (Davison and Hinkley,
    1997, section 3.8).

    Args:
        groups: (n) group number of each row; all different for independent rows.
        seed: of the draws.
        resamples: how many.
    """
    distinct, inverse = np.unique(groups, return_inverse=True)
    draws = np.random.default_rng(seed)
    chance = np.full(len(distinct), 1 / len(distinct))
    # Two bytes a count: all resamples of a large table are held at once.
    return np.stack([
        draws.multinomial(len(distinct), chance).astype(np.uint16)[inverse]
        for _ in range(resamples)
    ])  # fmt: skip


def bootstrap_means(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return (resamples) means of (n) row values, drawn `counts` (resamples n) times."""
    return np.array([drawn @ rows / drawn.sum() for drawn in counts])


def bootstrap_scores(
    score: Score, truth: np.ndarray, scores: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return (resamples) values of a score that is no mean over rows."""
    rows = np.arange(len(truth))
    draws = [np.repeat(rows, drawn) for drawn in counts]
    return np.array([score(truth[draw], scores[draw]) for draw in draws])


def interval(value: float, draws: np.ndarray) -> Interval:
    """Return the 95 % percentile interval of a value from its bootstrap draws."""
    if np.isnan(draws).all():
        return Interval(value, float("nan"), float("nan"))
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Interval(value, float(low), float(high))


def gain(value: float, draws: np.ndarray) -> Gain:
    """Return a paired difference with its interval and p value.

    p = 2 min(P(d <= 0), P(d >= 0)) over the draws, with one added to numerator and denominator so
    that it is never zero (Davison and Hinkley, 1997, section 4.2).

    Args:
        value: the difference on all rows; positive is better.
        draws: (resamples) differences on the same draws for both.
    """
    known = draws[~np.isnan(draws)]
    tail = min((known <= 0).sum(), (known >= 0).sum())
    p = min(2 * (tail + 1) / (len(known) + 1), 1.0)
    around = interval(value, draws)
    return Gain(value, around.low, around.high, float(p))
