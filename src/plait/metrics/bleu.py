"""BLEU: how many of a text's n-grams are in its references, not longer than they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from plait.metrics.captions import Words, ngrams, pairs

LONGEST = 4


def bleu_statistics(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return (n 10), what BLEU adds up over rows.

    Of n-grams of 1, 2, 3 and 4 words those that are right (counted no more often than in any one
    reference), then those that there are, then the words of the candidate and of the reference
    whose length is closest to it, the shorter one of two.

    Args:
        candidates: (n) texts.
        references: (n) of one or more texts.

    Raises:
        TableError: when there is not at least one reference for each candidate.
    """
    rows = [_row(words, others) for words, others in pairs(candidates, references)]
    return np.array(rows, dtype=np.float64).reshape(-1, 2 * LONGEST + 2)


def _row(words: Words, others: Sequence[Words]) -> list[int]:
    most: Counter[Words] = Counter()
    for other in others:
        most |= ngrams(other, LONGEST)
    right = [0] * LONGEST
    for ngram, count in ngrams(words, LONGEST).items():
        right[len(ngram) - 1] += min(count, most[ngram])
    there = [max(0, len(words) - length) for length in range(LONGEST)]
    closest = min((abs(len(other) - len(words)), len(other)) for other in others)[1]
    return [*right, *there, len(words), closest]


def bleu(statistics: np.ndarray) -> np.ndarray:
    """Return (... 4), BLEU-1 to BLEU-4 in 0..1 of statistics, of rows or of sums over rows.

    BLEU-N = min(1, exp(1 - r / c)) (p_1 ... p_N)^(1 / N) with the share p_k of right k-grams, c
    words of candidates and r of references (Papineni et al., ACL 2002, section 2.3), with the tiny
    numbers that the evaluation of COCO adds so that nothing is divided by zero.

    Args:
        statistics: (... 10), as `bleu_statistics` gives them.
    """
    right, there = statistics[..., :LONGEST], statistics[..., LONGEST : 2 * LONGEST]
    shares = (right + 1e-15) / (there + 1e-9)
    means = np.cumprod(shares, axis=-1) ** (1 / np.arange(1, LONGEST + 1))
    ratio = (statistics[..., -2] + 1e-15) / (statistics[..., -1] + 1e-9)
    brevity = np.exp(np.minimum(0, 1 - 1 / ratio))
    scores: np.ndarray = means * brevity[..., None]
    return scores
