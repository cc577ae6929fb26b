"""What texts are like without a reference: how varied, how long, how probable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.errors import TableError
from plait.metrics.tokenise import tokenise


def distinct(texts: Sequence[str], length: int) -> float:
    """Return the share of n-grams that are different ones, over all texts, in 0..1.

    A writer that says the same of everything comes near 0 (Li et al., NAACL 2016, section 4.3).

    Args:
        texts: (n) texts.
        length: words of an n-gram, 1 for distinct-1.
    """
    words = [tokenise(text) for text in texts]
    grams = [t[i : i + length] for t in words for i in range(len(t) - length + 1)]
    return len(set(grams)) / max(len(grams), 1)


def lengths(texts: Sequence[str]) -> np.ndarray:
    """Return (n) words of each text, without punctuation; their mean is the mean length."""
    return np.array([len(tokenise(text)) for text in texts], dtype=np.float64)


def perplexity_statistics(log_probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """Return (n 2), what perplexity adds up over rows: log probabilities and tokens.

    Args:
        log_probabilities: (n) of (t) natural logarithms of the probability of each token.

    Raises:
        TableError: when one of them is above 0.
    """
    for row, values in enumerate(log_probabilities):
        if np.any(np.asarray(values) > 0):
            raise TableError(
                f"Row {row} has the log probability {np.max(values):.4g}, above 0: give natural "
                "logarithms of probabilities, not logits."
            )
    return np.array([[np.sum(v), np.size(v)] for v in log_probabilities]).reshape(-1, 2)


def perplexity(statistics: np.ndarray) -> np.ndarray:
    """Return (...) exp(- sum of log probabilities / tokens), from 1 up, of rows or of sums.

    That of all texts weighs tokens alike (Jurafsky and Martin, "Speech and Language Processing",
    section 3.3); NaN where there is no token.

    Args:
        statistics: (... 2), as `perplexity_statistics` gives them.
    """
    tokens = np.where(statistics[..., 1] > 0, statistics[..., 1], np.nan)
    scores: np.ndarray = np.exp(-statistics[..., 0] / tokens)
    return scores
