"""Scores of classes and labels, equal to scikit-learn's."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""


def correct(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return (n), 1 where the class with the highest score is the true one.

    Args:
        truth: (n c) one-hot; a row of zeros is a class that was never learned.
        scores: (n c).
    """
    best = scores.argmax(axis=1)
    return np.take_along_axis(truth, best[:, None], axis=1)[:, 0].astype(np.float64)


def accuracy(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of rows whose best class is the true one, in 0..1."""
    return float(correct(truth, scores).mean())


def confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return (c c) counts: rows are true classes, columns predicted ones; both given one-hot."""
    return (truth.T @ predicted).round().astype(np.int64)


def one_hot(scores: np.ndarray) -> np.ndarray:
    """Return (n c), 1 at each row's highest score."""
    return np.eye(scores.shape[1])[scores.argmax(axis=1)]


def above_half(scores: np.ndarray) -> np.ndarray:
    """Return (n c), 1 where a label's probability is at least one half."""
    return (scores >= 0.5).astype(np.float64)


def precision_recall_f1(
    truth: np.ndarray, predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return precision, recall and F1 of each class or label, three times (c).

    A class that is never predicted has precision 0; one that never occurs has recall 0.

    Args:
        truth: (n c) 0 or 1.
        predicted: (n c) 0 or 1.
    """
    hits = (truth * predicted).sum(axis=0)
    precision = hits / np.maximum(predicted.sum(axis=0), 1)
    recall = hits / np.maximum(truth.sum(axis=0), 1)
    return precision, recall, 2 * hits / np.maximum(truth.sum(axis=0) + predicted.sum(axis=0), 1)


def occurring(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return (c), True for classes that are there in the truth or the prediction."""
    return np.asarray((truth + predicted).sum(axis=0) > 0)


def f1_macro(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean F1 over the classes that occur or are predicted."""
    return _mean(precision_recall_f1(truth, predicted)[2][occurring(truth, predicted)])


def precision_macro(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean precision over the classes that occur or are predicted."""
    return _mean(precision_recall_f1(truth, predicted)[0][occurring(truth, predicted)])


def recall_macro(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean recall over the classes that occur or are predicted."""
    return _mean(precision_recall_f1(truth, predicted)[1][occurring(truth, predicted)])


def f1_micro(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return F1 over all decisions together."""
    hits = (truth * predicted).sum()
    return float(2 * hits / max(truth.sum() + predicted.sum(), 1))


def balanced_accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean recall over the classes that occur."""
    return _mean(precision_recall_f1(truth, predicted)[1][truth.sum(axis=0) > 0])


def auroc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under the ROC curve of classes; NaN when no class can be judged.

    For two classes it is the area for the second; for more, the mean of one against the rest.
    """
    start = 1 if truth.shape[1] == 2 else 0
    return auroc_labels(truth[:, start:], scores[:, start:])


def auroc_labels(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean area under the ROC curve over labels that both occur and do not."""
    return _mean([_area(t, s) for t, s in zip(truth.T, scores.T, strict=True)])


def _mean(values: Iterable[float]) -> float:
    """Return the mean of those that are not NaN; NaN when none is."""
    judged = [value for value in values if not np.isnan(value)]
    return float(np.mean(judged)) if judged else float("nan")


def _area(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the Mann-Whitney statistic as a share; ties count one half."""
    positive = truth > 0
    count = int(positive.sum())
    if count in (0, len(truth)):
        return float("nan")
    from scipy.stats import rankdata  # half a second to import

    ranks = rankdata(scores)[positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * (len(truth) - count)))


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the average precision of one label: sum of (R_k - R_{k-1}) P_k over thresholds.

    Args:
        truth: (n) 0 or 1.
        scores: (n).

    Returns:
        In 0..1; NaN when the label never occurs.
    """
    if not truth.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    last_of_ties = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    precision = hits[last_of_ties] / (last_of_ties + 1)
    recall = hits[last_of_ties] / hits[-1]
    return float((np.diff(recall, prepend=0) * precision).sum())


def mean_average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean average precision over the labels that occur (mAP), in 0..1."""
    return _mean(average_precision(t, s) for t, s in zip(truth.T, scores.T, strict=True))


def row_log_loss(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return (n), minus the log probability of the true class, in nats."""
    shares = scores / scores.sum(axis=1, keepdims=True)
    return -np.log((shares * truth).sum(axis=1).clip(EPSILON, 1))


def row_binary_log_loss(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return (n), the mean over labels of minus the log probability of the truth, in nats."""
    kept = np.asarray(scores, dtype=np.float64).clip(EPSILON, 1 - EPSILON)
    losses: np.ndarray = -(truth * np.log(kept) + (1 - truth) * np.log(1 - kept)).mean(axis=1)
    return losses


def row_all_right(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return (n), 1 where all labels of a row are right."""
    return (above_half(scores) == truth).all(axis=1).astype(np.float64)
