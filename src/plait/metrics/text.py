"""The scores of written texts against references, each with what it adds up over rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from plait.metrics.answers import exact_match, token_f1, vqa_accuracy
from plait.metrics.bleu import bleu, bleu_statistics
from plait.metrics.cider import cider
from plait.metrics.meteor.score import meteor, meteor_statistics
from plait.metrics.rouge import rouge_l

Texts = Sequence[str]
References = Sequence[Sequence[str]]
Statistics = Callable[[Texts, References], np.ndarray]


@dataclass(frozen=True)
class TextMetric:
    """A score of (n) texts against (n) lists of references.

    BLEU and METEOR of a table are no means over its rows, but functions of sums over rows. So every
    score is one: the score of a row, of the table, and of a resample of it for a bootstrap interval
    all come from the same statistics, which are computed once.

    Attributes:
        statistics: gives (n s), what is added up.
        score: gives (...) of (... s) statistics or sums of them.
        most: the highest value there is; the lowest is 0, and higher is better.
        needs: packages without which it cannot be computed.
    """

    statistics: Statistics
    score: Callable[[np.ndarray], np.ndarray]
    most: float = 1.0
    needs: tuple[str, ...] = ()

    @property
    def sign(self) -> int:
        """1: higher is better, of all of them."""
        return 1

    @property
    def available(self) -> bool:
        """Whether the packages that it needs are installed."""
        return all(find_spec(package) for package in self.needs)

    def rows(self, candidates: Texts, references: References) -> np.ndarray:
        """Return (n) the score of each row.

        Raises:
            TableError: when there is not at least one reference for each candidate.
        """
        return self.score(self.statistics(candidates, references))

    def of_all(self, statistics: np.ndarray) -> float:
        """Return the score of the table that has these (n s) statistics."""
        return float(self.score(statistics.sum(axis=0)))

    def draws(self, statistics: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return (resamples) the score of each resample.

        Args:
            statistics: (n s).
            counts: (resamples n), how often each row is drawn.
        """
        return self.score(np.stack([drawn @ statistics for drawn in counts]))


def _mean(rows: Statistics, most: float = 1.0) -> TextMetric:
    """Return the metric that is the mean over rows."""

    def statistics(candidates: Texts, references: References) -> np.ndarray:
        values = rows(candidates, references)
        return np.stack([values, np.ones_like(values)], axis=1)

    return TextMetric(statistics, lambda sums: sums[..., 0] / sums[..., 1], most)


def _bleu(longest: int) -> TextMetric:
    return TextMetric(bleu_statistics, lambda sums: bleu(sums)[..., longest - 1])


def _plain_cider(candidates: Texts, references: References) -> np.ndarray:
    return cider(candidates, references, clipped=False)


TEXT_METRICS: Mapping[str, TextMetric] = {
    "cider": _mean(cider, most=10.0),
    "cider_plain": _mean(_plain_cider, most=10.0),
    "bleu_1": _bleu(1),
    "bleu_2": _bleu(2),
    "bleu_3": _bleu(3),
    "bleu_4": _bleu(4),
    "rouge_l": _mean(rouge_l),
    "meteor": TextMetric(meteor_statistics, meteor, needs=("pycocoevalcap", "snowballstemmer")),
    "exact_match": _mean(exact_match),
    "token_f1": _mean(token_f1),
    "vqa_accuracy": _mean(vqa_accuracy),
}
"""Of captions and of answers; `cider` is CIDEr-D, which papers on captions call CIDEr."""
