"""Orders of rows: joining several, varying one, counting what is in it; plain functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

RRF_SHIFT = 60
"""What the paper adds to a rank; it found results to depend little on it."""


def fuse(orders: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Join orders by reciprocal ranks, the best first.

    score(r) = sum over orders of 1 / (60 + rank of r), where the first has rank 1 (Cormack, Clarke
    and Buettcher, SIGIR 2009). Of equal scores, the row that the first order has first.

    Args:
        orders: row numbers, best first; a row need not be in all of them.

    Returns:
        Row numbers (n) and their scores (n), falling.
    """
    scores: dict[int, float] = {}
    for order in orders:
        for rank, row in enumerate(order.tolist(), start=1):
            scores[row] = scores.get(row, 0.0) + 1 / (RRF_SHIFT + rank)
    best = sorted(scores, key=scores.__getitem__, reverse=True)  # stable: first come, first
    return np.array(best, np.int64), np.array([scores[row] for row in best], np.float64)


def diversify(relevance: np.ndarray, vectors: np.ndarray, share: float, count: int) -> np.ndarray:
    """Choose rows that are relevant and unlike those chosen before (maximal marginal relevance).

    next = argmax over the rest of (1 - share) relevance_i - share max over chosen of cos(i, j)
    (Carbonell and Goldstein, SIGIR 1998, section 2, with share = 1 - lambda).

    Args:
        relevance: (n), as large as cosines are.
        vectors: (n d) of length 1; a row of NaN is like nothing.
        share: 0..1; 0 keeps the order of relevance.
        count: how many to choose.

    Returns:
        Places in `relevance`, in the order of their choice.
    """
    known = np.nan_to_num(vectors)
    likeness = np.full(len(relevance), -np.inf)
    chosen: list[int] = []
    for _ in range(min(count, len(relevance))):
        value = (1 - share) * relevance - share * (likeness if chosen else 0)
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
        likeness = np.maximum(likeness, known @ known[chosen[-1]])
    return np.array(chosen, np.int64)


def count_values(cells: Iterable[Any]) -> dict[Any, int]:
    """Return how often each value is there, the most frequent first; None is left out."""
    return dict(Counter(cell for cell in cells if cell is not None).most_common())


def overlap(found: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> float:
    """Return recall@k: the mean share of the k true nearest rows of each query that were found."""
    shares = [np.isin(best, got).mean() for best, got in zip(true, found, strict=True)]
    return float(np.mean(shares))


def best_of(scores: np.ndarray, count: int) -> np.ndarray:
    """Return the places of the `count` largest scores, falling; of equal ones, the first."""
    if count < len(scores):
        # All that are as large as the last one kept, so that equal scores are told apart by place.
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:count]
