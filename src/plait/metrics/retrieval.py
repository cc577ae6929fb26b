"""Scores of search: how early what belongs to a query comes in the order of its results.

All of them read `ranked` (n k): of each query, whether the first, second, ... result is relevant.
"""

from __future__ import annotations

import numpy as np


def rank(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Return (n k), relevance in the order of falling scores.

    Of equal scores those that are not relevant come first, so that a space in which all is one
    point is not praised for the order of its table.

    Args:
        scores: (n k) of each query with each of k things that can be found.
        relevant: (n k) bool.
    """
    order = np.lexsort((relevant, -scores), axis=-1)
    return np.take_along_axis(relevant, order, axis=1)


def recall_at(ranked: np.ndarray, count: int) -> np.ndarray:
    """Return (n), 1 where one of the first `count` results is relevant.

    This is the recall@k of the literature on captions and photos (Karpathy and Fei-Fei, CVPR 2015,
    section 4.1).
    """
    found: np.ndarray = ranked[:, :count].max(axis=1).astype(np.float64)
    return found


def share_at(ranked: np.ndarray, count: int) -> np.ndarray:
    """Return (n), the share of what is relevant that is among the first `count`; 0 if none is.

    The recall@k of the literature on recommendation, and of Manning, Raghavan and Schuetze (2008),
    section 8.3.
    """
    found: np.ndarray = ranked[:, :count].sum(axis=1) / np.maximum(ranked.sum(axis=1), 1)
    return found


def first_rank(ranked: np.ndarray) -> np.ndarray:
    """Return (n), the place of the first relevant result, from 1; NaN where there is none."""
    return np.where(ranked.any(axis=1), ranked.argmax(axis=1) + 1.0, np.nan)


def reciprocal_rank(ranked: np.ndarray) -> np.ndarray:
    """Return (n), 1 over the place of the first relevant result; 0 where there is none."""
    return np.where(ranked.any(axis=1), 1 / (ranked.argmax(axis=1) + 1.0), 0.0)


def average_precision(ranked: np.ndarray) -> np.ndarray:
    """Return (n), the mean over relevant results of the share that is relevant up to each.

    0 where there is none (Manning, Raghavan and Schuetze, 2008, section 8.4).
    """
    precision = ranked.cumsum(axis=1) / np.arange(1, ranked.shape[1] + 1)
    total: np.ndarray = (precision * ranked).sum(axis=1) / np.maximum(ranked.sum(axis=1), 1)
    return total


def ndcg_at(ranked: np.ndarray, count: int) -> np.ndarray:
    """Return (n) sum over the first relevant results at place p of 1 / log2(p + 1), over the best.

    Normalised discounted cumulative gain (Jaervelin and Kekaelaeinen, 2002) of two grades.

    Args:
        ranked: (n k) bool.
        count: results that are looked at.
    """
    discount = 1 / np.log2(np.arange(2, ranked.shape[1] + 2))[:count]
    best = np.concatenate([[0.0], np.cumsum(discount)])[
        np.minimum(ranked.sum(axis=1), len(discount))
    ]
    gained: np.ndarray = (ranked[:, :count] * discount).sum(axis=1) / np.maximum(best, 1e-12)
    return gained
