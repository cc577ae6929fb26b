"""Answering only where one is sure: the risk at each coverage, and the confidence to ask for."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta

CUTS = 20
"""Shares of the rows, the most confident first, at which the errors are counted."""


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coverage and risk, (n) each, of answering the k most confident rows, k = 1..n.

    risk_k = errors among the k most confident / k, coverage_k = k / n (El-Yaniv and Wiener, JMLR
    2010, section 2). Rows of equal confidence are answered together, so that they share a risk.

    Args:
        confidence: (n), higher is surer.
        right: (n), True where the answer was right.
    """
    order = np.argsort(-confidence, kind="stable")
    wrong, counts = np.cumsum(~right[order]), np.arange(1, len(order) + 1)
    sure = confidence[order]
    last = np.searchsorted(-sure, -sure, side="right") - 1  # the last row of equal confidence
    return counts[last] / len(order), wrong[last] / counts[last]


def area_under_risk(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the mean risk over all coverages (AURC; Geifman, Uziel and El-Yaniv, ICLR 2019)."""
    return float(risk_coverage(confidence, right)[1].mean())


def threshold_for(
    confidence: np.ndarray, right: np.ndarray, error_rate: float, doubt: float = 0.05
) -> float:
    """Return the least confidence at which answers are wrong at most so often; infinity if none.

    The share of errors above it is at most `error_rate` with probability 1 - `doubt`: the upper
    Clopper-Pearson bound of the errors among the k most confident (Geifman and El-Yaniv, NeurIPS
    2017, section 3), for k at every twentieth of the rows, which share the doubt (Bonferroni).

    Args:
        confidence: (n) of rows whose answers are known.
        right: (n), True where the answer was right.
        error_rate: in 0..1.
        doubt: in 0..1.
    """
    order = np.argsort(-confidence, kind="stable")
    sure, wrong = confidence[order], np.cumsum(~right[order])
    found = np.inf
    for cut in range(1, CUTS + 1):
        least = sure[max(round(len(order) * cut / CUTS), 1) - 1]
        count = int(np.searchsorted(-sure, -least, side="right"))
        errors = int(wrong[count - 1])
        if errors < count and beta.ppf(1 - doubt / CUTS, errors + 1, count - errors) <= error_rate:
            found = float(least)
    return found
