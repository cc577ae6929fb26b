"""Scores of masks: what a matrix of confusion says of classes, and overlaps of phrases.

Matrices hold rows of truth and columns of predictions, in pixels. All of them may have further
axes before these two, so that resamples are scored at once. A class that is in neither truth nor
prediction has no score (NaN) and is in no mean.
"""

from __future__ import annotations

import numpy as np

from plait.errors import ConfigError

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the overlap, from which a phrase counts as found."""


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the (c c) number of pixels by true and by predicted class.

    Args:
        truth: (...) numbers of classes; pixels below 0 are void and do not count.
        predicted: (...) numbers of classes in 0..c-1; of void pixels anything.
        classes: c.

    Raises:
        ConfigError: for other shapes, or numbers of classes that there are not.
    """
    if truth.shape != predicted.shape:
        raise ConfigError(f"Truth of shape {truth.shape}, prediction {predicted.shape}: not equal.")
    counts = truth >= 0
    one, other = truth[counts].astype(np.int64), predicted[counts].astype(np.int64)
    for name, numbers in (("Truth", one), ("Prediction", other)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
            raise ConfigError(
                f"{name} has classes {numbers.min()} to {numbers.max()}, expected 0 to "
                f"{classes - 1}."
            )
    return np.bincount(one * classes + other, minlength=classes**2).reshape(classes, classes)


def iou(matrix: np.ndarray) -> np.ndarray:
    """Return (... c) intersection over union (Jaccard): TP / (TP + FP + FN).

    Everingham et al., The PASCAL Visual Object Classes Challenge (IJCV 2015), section 4.2.

    Args:
        matrix: (... c c).
    """
    hits, true, said = _hits(matrix)
    return _share(hits, true + said - hits)


def dice(matrix: np.ndarray) -> np.ndarray:
    """Return (... c) Dice (F1) of each class: 2 TP / (2 TP + FP + FN), of (... c c)."""
    hits, true, said = _hits(matrix)
    return _share(2 * hits, true + said)


def mean_iou(matrix: np.ndarray) -> np.ndarray:
    """Return (...) the mean over classes of their IoU, of (... c c)."""
    return mean_over(iou(matrix))


def mean_dice(matrix: np.ndarray) -> np.ndarray:
    """Return (...) the mean over classes of their Dice, of (... c c)."""
    return mean_over(dice(matrix))


def pixel_accuracy(matrix: np.ndarray) -> np.ndarray:
    """Return (...) the share of pixels whose class is right, of (... c c)."""
    hits, true, _ = _hits(matrix)
    return _share(hits.sum(axis=-1), true.sum(axis=-1))


def frequency_weighted_iou(matrix: np.ndarray) -> np.ndarray:
    """Return (...) the mean of the classes' IoU, weighted by their true pixels, of (... c c).

    Long et al., Fully Convolutional Networks for Semantic Segmentation (CVPR 2015), section 5.
    """
    _, true, _ = _hits(matrix)
    return _share((true * np.nan_to_num(iou(matrix))).sum(axis=-1), true.sum(axis=-1))


def overlaps(truth: np.ndarray, predicted: np.ndarray) -> tuple[int, int]:
    """Return the pixels of the intersection and of the union of two masks of a phrase.

    Args:
        truth: (h w) 1 where it is meant, 0 where not, below 0 where void.
        predicted: (h w) bool.
    """
    counts = truth >= 0
    true, said = (truth > 0) & counts, predicted.astype(bool) & counts
    return int((true & said).sum()), int((true | said).sum())


def phrase_overlaps(intersections: np.ndarray, unions: np.ndarray) -> np.ndarray:
    """Return (n) IoU of each phrase; 1 where truth and prediction are both empty.

    Args:
        intersections: (n) pixels.
        unions: (n) pixels.
    """
    return np.where(unions > 0, intersections / np.maximum(unions, 1), 1.0)


def cumulative_iou(intersections: np.ndarray, unions: np.ndarray) -> float:
    """Return cIoU: all intersections over all unions, so that large things weigh more.

    Liu et al., GRES (CVPR 2023), section 5.1; the overall IoU of earlier work. NaN where no pixel
    is meant or said.

    Args:
        intersections: (n) pixels.
        unions: (n) pixels.
    """
    return float(_share(np.asarray(intersections.sum()), np.asarray(unions.sum())))


def generalised_iou(intersections: np.ndarray, unions: np.ndarray) -> float:
    """Return gIoU: the mean over phrases of their IoU, which is 1 for an empty mask of nothing.

    Liu et al., GRES (CVPR 2023), section 5.1.

    Args:
        intersections: (n) pixels.
        unions: (n) pixels.
    """
    return float(phrase_overlaps(intersections, unions).mean())


def precision_at(
    intersections: np.ndarray, unions: np.ndarray, targets: np.ndarray, level: float
) -> float:
    """Return the share of phrases that mean something whose IoU is at least `level`.

    Phrases that match nothing are left out, as in the published evaluation of GRES. NaN where there
    are no others.

    Args:
        intersections: (n) pixels.
        unions: (n) pixels.
        targets: (n) true pixels of each phrase.
        level: in 0..1.
    """
    found = phrase_overlaps(intersections, unions)[targets > 0] >= level
    return float(found.mean()) if len(found) else float("nan")


def nothing_accuracy(unions: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of phrases that match nothing whose mask is empty (N-acc of GRES).

    Args:
        unions: (n) pixels.
        targets: (n) true pixels of each phrase.
    """
    empty = unions[targets == 0] == 0
    return float(empty.mean()) if len(empty) else float("nan")


def mean_over(scores: np.ndarray) -> np.ndarray:
    """Return (...) the mean of (... c) scores that are not NaN; NaN where all are."""
    return _share(np.nansum(scores, axis=-1), (~np.isnan(scores)).sum(axis=-1))


def _hits(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (... c) right pixels, true ones and predicted ones of each class."""
    matrix = matrix.astype(np.float64)
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    return hits, matrix.sum(axis=-1), matrix.sum(axis=-2)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return parts of wholes; NaN where the whole is 0."""
    none = np.full(np.shape(whole), np.nan)
    return np.divide(part, whole, out=none, where=np.asarray(whole > 0))
