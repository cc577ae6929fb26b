"""Masks that were predicted beside the true ones: scores of classes, and of phrases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from plait.metrics.boundaries import boundary_f1
from plait.metrics.segmentation import (
    LEVELS,
    confusion,
    cumulative_iou,
    dice,
    frequency_weighted_iou,
    generalised_iou,
    iou,
    mean_dice,
    mean_iou,
    mean_over,
    nothing_accuracy,
    overlaps,
    phrase_overlaps,
    pixel_accuracy,
    precision_at,
)
from plait.metrics.uncertainty import Interval, interval, resample_counts

Pairs = Iterable[tuple[np.ndarray, np.ndarray]]
"""The true (h w) and the predicted (h w) numbers of classes of each row; below 0 where void."""

AT_ONCE = 50
"""Resamples whose matrices are held at a time."""


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found; None where it is in neither truth nor prediction.

    Attributes:
        name: of the class.
        share: of the true pixels that it has, in 0..1.
        iou: with its 95 % interval.
        dice: in 0..1.
        boundary_f1: in 0..1, the mean over pictures that have a boundary of it.
    """

    name: str
    share: float
    iou: Interval | None
    dice: float | None
    boundary_f1: float | None


@dataclass(frozen=True)
class SegmentedEvaluation:
    """The scores of one model's masks.

    Attributes:
        target: the column.
        metric: the one that decides.
        rows: that were judged.
        scores: each metric with its 95 % interval, from rows drawn again.
        classes: the scores of each; none for phrases.
        left_out: rows without a mask that can be read.
        unknown: pixels of values that were not there while learning; they count as void.
    """

    target: str
    metric: Literal["mean_iou", "giou"]
    rows: int
    scores: Mapping[str, Interval]
    classes: tuple[ClassScore, ...] = ()
    left_out: int = 0
    unknown: int = 0

    def __getitem__(self, metric: str) -> float:
        return self.scores[metric].value


@dataclass(frozen=True, eq=False)
class JudgedMasks:
    """What is known of the masks of each row; scores of all rows follow from it.

    Attributes:
        matrices: (n c c) pixels by true and predicted class.
        boundaries: (n c) F1 of each class's boundaries, NaN where there are none.
    """

    matrices: np.ndarray
    boundaries: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, classes: int) -> JudgedMasks:
        """Return it for true and predicted masks, of which one pair is held at a time."""
        matrices, boundaries = [], []
        for truth, predicted in pairs:
            matrices.append(confusion(truth, predicted, classes))
            boundaries.append(boundary_f1(truth, predicted, classes))
        shape = (len(matrices), classes)
        return cls(np.array(matrices).reshape(*shape, classes), np.array(boundaries).reshape(shape))

    @property
    def by_row(self) -> np.ndarray:
        """(n) the mean IoU of each row; NaN where all is void."""
        return mean_iou(self.matrices)


@dataclass(frozen=True, eq=False)
class JudgedPhrases:
    """The pixels of each row's masks.

    Attributes:
        intersections: (n).
        unions: (n).
        targets: (n) true ones.
    """

    intersections: np.ndarray
    unions: np.ndarray
    targets: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs) -> JudgedPhrases:
        """Return it for true and predicted masks that are on where they are above 0."""
        found = [
            (*overlaps(truth, predicted > 0), int((truth > 0).sum())) for truth, predicted in pairs
        ]
        return cls(*np.array(found, np.int64).reshape(-1, 3).T)

    @property
    def by_row(self) -> np.ndarray:
        """(n) the IoU of each row; 1 for an empty mask of nothing."""
        return phrase_overlaps(self.intersections, self.unions)


OF_MATRIX: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean_iou": mean_iou,
    "dice": mean_dice,
    "pixel_accuracy": pixel_accuracy,
    "frequency_weighted_iou": frequency_weighted_iou,
}
"""Scores that follow from the sum of the rows' matrices, by name."""


def mask_scores(
    judged: JudgedMasks, groups: np.ndarray, seed: int = 0
) -> dict[str, tuple[float, np.ndarray]]:
    """Return every metric's value, and (resamples) values of it on rows that were drawn again.

    Args:
        judged: the rows, n of them.
        groups: (n) numbers of rows that belong together; they are drawn whole.
        seed: of the draws; the same rows are drawn for the same groups, so that gains are paired.
    """
    counts = resample_counts(groups, seed)
    total = judged.matrices.sum(axis=0)
    drawn = {
        name: np.concatenate([score(part) for part in _drawn(judged.matrices, counts)])
        for name, score in OF_MATRIX.items()
    }
    found = {name: (float(score(total)), drawn[name]) for name, score in OF_MATRIX.items()}
    edges = mean_over(judged.boundaries)
    return _known(found | {"boundary_f1": (float(mean_over(edges)), _means(edges, counts))})


def phrase_scores(
    judged: JudgedPhrases, groups: np.ndarray, seed: int = 0
) -> dict[str, tuple[float, np.ndarray]]:
    """Return what `mask_scores` does, of phrases."""
    counts, rows = resample_counts(groups, seed), np.arange(len(groups))
    both, either, true = judged.intersections, judged.unions, judged.targets

    def at(level: float) -> Callable[[np.ndarray], float]:
        return lambda n: precision_at(both[n], either[n], true[n], level)

    metrics: dict[str, Callable[[np.ndarray], float]] = {
        "giou": lambda n: generalised_iou(both[n], either[n]),
        "ciou": lambda n: cumulative_iou(both[n], either[n]),
        **{f"precision@{level}": at(level) for level in LEVELS},
        "nothing_accuracy": lambda n: nothing_accuracy(either[n], true[n]),
    }
    draws = [np.repeat(rows, drawn) for drawn in counts]
    return _known({
        name: (score(rows), np.array([score(draw) for draw in draws]))
        for name, score in metrics.items()
    })  # fmt: skip


def evaluate_masks(
    target: str,
    judged: JudgedMasks,
    names: Sequence[str],
    groups: np.ndarray,
    seed: int = 0,
) -> SegmentedEvaluation:
    """Return the scores of classes with intervals.

    Args:
        target: the column.
        judged: the rows, n of them.
        names: of the classes, c of them.
        groups: (n) numbers of rows that belong together; they are drawn whole.
        seed: of the draws.
    """
    scores = _intervals(mask_scores(judged, groups, seed))
    counts, total = resample_counts(groups, seed), judged.matrices.sum(axis=0)
    each = iou(total)
    draws = np.concatenate([iou(part) for part in _drawn(judged.matrices, counts)])
    shares = total.sum(axis=1) / max(total.sum(), 1)
    found = dice(total), mean_over(judged.boundaries.T)
    classes = tuple(
        ClassScore(
            name,
            float(shares[number]),
            None if np.isnan(each[number]) else interval(float(each[number]), draws[:, number]),
            *(None if np.isnan(own[number]) else float(own[number]) for own in found),
        )
        for number, name in enumerate(names)
    )
    return SegmentedEvaluation(target, "mean_iou", len(groups), scores, classes)


def evaluate_phrases(
    target: str, judged: JudgedPhrases, groups: np.ndarray, seed: int = 0
) -> SegmentedEvaluation:
    """Return the scores of masks of phrases with intervals.

    Args:
        target: the column.
        judged: the rows, n of them.
        groups: (n) numbers of rows that belong together, as phrases of one picture do.
        seed: of the draws.
    """
    scores = _intervals(phrase_scores(judged, groups, seed))
    return SegmentedEvaluation(target, "giou", len(groups), scores)


def _drawn(matrices: np.ndarray, counts: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the sums (... c c) of the rows' matrices for some draws at a time."""
    flat = matrices.reshape(len(matrices), -1).astype(np.float64)
    for start in range(0, len(counts), AT_ONCE):
        sums = counts[start : start + AT_ONCE].astype(np.float64) @ flat
        yield sums.reshape(-1, *matrices.shape[1:])


def _means(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the means (draws) of (n) scores, over those that are not NaN."""
    there = ~np.isnan(scores)
    drawn = counts[:, there].astype(np.float64)
    weights = drawn.sum(axis=1)
    sums = drawn @ scores[there]
    return np.divide(sums, weights, out=np.full(len(sums), np.nan), where=weights > 0)


def _known(
    scores: dict[str, tuple[float, np.ndarray]],
) -> dict[str, tuple[float, np.ndarray]]:
    return {name: score for name, score in scores.items() if not np.isnan(score[0])}


def _intervals(scores: Mapping[str, tuple[float, np.ndarray]]) -> dict[str, Interval]:
    return {name: interval(*score) for name, score in scores.items()}
