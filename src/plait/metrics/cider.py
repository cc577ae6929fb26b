"""CIDEr: the agreement of a text with its references in the words that are rare elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, sqrt

import numpy as np

from plait.metrics.captions import Words, checked, ngrams
from plait.metrics.tokenise import tokenise

LONGEST = 4
DEVIATION = 6.0
"""Of the Gaussian of the difference in length, in words."""


@dataclass(frozen=True)
class Vector:
    """The weights of a text's n-grams.

    Attributes:
        weights: of each n-gram, term frequency times inverse document frequency.
        norms: of the n-grams of 1, 2, 3 and 4 words.
        length: in words.
    """

    weights: dict[Words, float]
    norms: tuple[float, ...]
    length: int


class Cider:
    """CIDEr with document frequencies that were learned once, quick enough for a reward.

    The cosine of the weights (term frequency times inverse document frequency) of the n-grams of
    candidate and reference, in the mean over n = 1 to 4 and over references, times 10. CIDEr-D
    counts no n-gram for more than it has in the reference and multiplies by
    exp(-(difference in length)^2 / 72), so that nothing is gained by repeating what is rare; it is
    what the evaluation of COCO, and so nearly every paper, calls CIDEr (Vedantam et al., CVPR 2015,
    sections 4 and 8).

    Args:
        references: (n) of one or more texts, in which n-grams are counted once a row.
        clipped: CIDEr-D; False is the formula of section 4 alone.
    """

    def __init__(self, references: Sequence[Sequence[str]], clipped: bool = True) -> None:
        self.clipped = clipped
        self.frequencies: Counter[Words] = Counter()
        for texts in references:
            self.frequencies.update({g for text in texts for g in ngrams(tokenise(text), LONGEST)})
        self._rarest = log(max(1, len(references)))
        # References come again with every candidate that is rewarded.
        self._known = lru_cache(maxsize=1 << 15)(self._vector)

    def __call__(
        self, candidates: Sequence[str], references: Sequence[Sequence[str]]
    ) -> np.ndarray:
        """Return (n) the CIDEr of each candidate, in 0..10; the score of all is the mean.

        Args:
            candidates: (n) texts.
            references: (n) of one or more texts; not only those that were learned from.

        Raises:
            TableError: when there is not at least one reference for each candidate.
        """
        checked(candidates, references)
        return np.array([
            self._score(self._vector(candidate), [self._known(text) for text in texts])
            for candidate, texts in zip(candidates, references, strict=True)
        ])  # fmt: skip

    def _vector(self, text: str) -> Vector:
        words = tokenise(text)
        weights, squares = {}, [0.0] * LONGEST
        for ngram, count in ngrams(words, LONGEST).items():
            weight = count * (self._rarest - log(max(1, self.frequencies.get(ngram, 0))))
            weights[ngram] = weight
            squares[len(ngram) - 1] += weight**2
        return Vector(weights, tuple(map(sqrt, squares)), len(words))

    def _score(self, candidate: Vector, references: Sequence[Vector]) -> float:
        total = 0.0
        for reference in references:
            products = [0.0] * LONGEST
            others = reference.weights
            for ngram in candidate.weights.keys() & others.keys():
                weight = candidate.weights[ngram]
                if self.clipped:
                    weight = min(weight, others[ngram])
                products[len(ngram) - 1] += weight * others[ngram]
            cosines = sum(
                product / (own * other) if own and other else product
                for product, own, other in zip(
                    products, candidate.norms, reference.norms, strict=True
                )
            )
            if self.clipped:
                cosines *= exp(-((candidate.length - reference.length) ** 2) / (2 * DEVIATION**2))
            total += cosines
        return 10 * total / LONGEST / len(references)


def cider(
    candidates: Sequence[str], references: Sequence[Sequence[str]], clipped: bool = True
) -> np.ndarray:
    """Return (n) the CIDEr of each candidate, with the document frequencies of its references.

    Of one row alone it is 0: nothing is rarer than anything else.

    Args:
        candidates: (n) texts.
        references: (n) of one or more texts.
        clipped: CIDEr-D, which is what the evaluation of COCO calls CIDEr.

    Raises:
        TableError: when there is not at least one reference for each candidate.
    """
    checked(candidates, references)
    return Cider(references, clipped)(candidates, references)
