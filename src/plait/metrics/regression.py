"""Scores of numbers, equal to scikit-learn's and SciPy's; truth and scores are (n 1)."""

from __future__ import annotations

import numpy as np


def row_absolute_error(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return (n) absolute errors, in the target's units."""
    return np.abs(truth - scores)[:, 0].astype(np.float64)


def mae(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean absolute error, in the target's units."""
    return float(row_absolute_error(truth, scores).mean())


def rmse(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the root of the mean squared error, in the target's units."""
    return float(np.sqrt(np.square(truth - scores, dtype=np.float64).mean()))


def r2(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return 1 - squared error / variance; 0 for the mean, 1 for the truth; NaN if constant."""
    spread = np.square(truth - truth.mean(), dtype=np.float64).sum()
    if spread == 0:
        return float("nan")
    return float(1 - np.square(truth - scores, dtype=np.float64).sum() / spread)


def spearman(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the correlation of ranks, in -1..1; NaN when either never changes."""
    from scipy.stats import rankdata  # half a second to import

    ranks = [rankdata(values[:, 0]) for values in (truth, scores)]
    if np.ptp(ranks[0]) == 0 or np.ptp(ranks[1]) == 0:
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])
