"""ROUGE-L: the longest sequence of words that a text shares with a reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from plait.metrics.captions import Words, pairs

RECALL_WEIGHT = 1.2


def rouge_l(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return (n) ROUGE-L of each candidate, in 0..1; the score of all is the mean.

    F = (1 + b^2) P R / (R + b^2 P) with b = 1.2, where P and R are the longest common subsequence
    over the words of the candidate and of the reference, each of the reference where it is highest
    (Lin, 2004, "ROUGE", section 3, as the evaluation of COCO computes it).

    Args:
        candidates: (n) texts.
        references: (n) of one or more texts.

    Raises:
        TableError: when there is not at least one reference for each candidate.
    """
    return np.array([_row(words, others) for words, others in pairs(candidates, references)])


def _row(words: Words, others: Sequence[Words]) -> float:
    # Texts without words count as one empty word, as in the reference, where that word is shared.
    words, others = words or ("",), [other or ("",) for other in others]
    shared = [common(words, other) for other in others]
    precision = max(shared) / len(words)
    recall = max(s / len(other) for s, other in zip(shared, others, strict=True))
    if not precision:
        return 0.0
    return (1 + RECALL_WEIGHT**2) * precision * recall / (recall + RECALL_WEIGHT**2 * precision)


def common(first: Words, second: Words) -> int:
    """Return the length of the longest common subsequence of two sequences of words.

    All of a column of the usual table is one integer (Hyyrö, 2004, "Bit-parallel LCS-length
    computation revisited").
    """
    places: defaultdict[str, int] = defaultdict(int)
    for place, word in enumerate(second):
        places[word] |= 1 << place
    whole = (1 << len(second)) - 1
    column = whole
    for word in first:
        steps = column & places.get(word, 0)
        column = ((column + steps) | (column - steps)) & whole
    return len(second) - column.bit_count()
