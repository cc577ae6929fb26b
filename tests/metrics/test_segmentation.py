"""Scores of masks, beside scikit-learn's and what is computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score

from plait.errors import ConfigError
from plait.metrics.segmentation import (
    confusion,
    cumulative_iou,
    dice,
    frequency_weighted_iou,
    generalised_iou,
    iou,
    mean_dice,
    mean_iou,
    nothing_accuracy,
    overlaps,
    phrase_overlaps,
    pixel_accuracy,
    precision_at,
)

RNG = np.random.default_rng(7)
CLASSES = 5


def drawn(size: tuple[int, ...] = (40, 30)) -> tuple[np.ndarray, np.ndarray]:
    """Return classes of unequal size, two thirds of them predicted, with some void."""
    truth = RNG.choice(CLASSES, size, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    predicted = np.where(RNG.random(size) < 0.66, truth, RNG.integers(0, CLASSES, size))
    return np.where(RNG.random(size) < 0.1, -1, truth), predicted


def test_equal_to_scikit_learn() -> None:
    truth, predicted = drawn()
    matrix = confusion(truth, predicted, CLASSES)
    one, other = truth[truth >= 0], predicted[truth >= 0]
    assert (matrix == confusion_matrix(one, other)).all()
    assert iou(matrix) == pytest.approx(jaccard_score(one, other, average=None), abs=1e-9)
    assert dice(matrix) == pytest.approx(f1_score(one, other, average=None), abs=1e-9)
    assert mean_iou(matrix) == pytest.approx(jaccard_score(one, other, average="macro"), abs=1e-9)
    assert mean_dice(matrix) == pytest.approx(f1_score(one, other, average="macro"), abs=1e-9)
    assert pixel_accuracy(matrix) == pytest.approx(accuracy_score(one, other), abs=1e-9)
    weighted = jaccard_score(one, other, average="weighted")
    assert frequency_weighted_iou(matrix) == pytest.approx(weighted, abs=1e-9)


def test_by_hand() -> None:
    matrix = np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]])
    assert iou(matrix) == pytest.approx([6 / 9, 3 / 6, np.nan], nan_ok=True)
    assert dice(matrix) == pytest.approx([12 / 15, 6 / 9, np.nan], nan_ok=True)
    assert mean_iou(matrix) == pytest.approx((6 / 9 + 3 / 6) / 2)
    assert frequency_weighted_iou(matrix) == pytest.approx((8 * 6 / 9 + 4 * 3 / 6) / 12)
    assert pixel_accuracy(matrix) == pytest.approx(9 / 12)
    never_true = np.array([[6, 2], [0, 0]])
    assert iou(never_true).tolist() == [0.75, 0]


def test_void_never_counts() -> None:
    truth, predicted = drawn()
    other = np.where(truth < 0, RNG.integers(0, CLASSES, truth.shape), predicted)
    assert (other != predicted).any()
    assert (confusion(truth, other, CLASSES) == confusion(truth, predicted, CLASSES)).all()
    assert np.isnan(mean_iou(confusion(np.full((2, 2), -1), np.full((2, 2), 9), 3)))


def test_several_matrices_at_once() -> None:
    matrices = np.stack([confusion(*drawn(), CLASSES) for _ in range(4)])
    matrices[2] = 0
    for score in (iou, dice, mean_iou, mean_dice, pixel_accuracy, frequency_weighted_iou):
        each = np.stack([score(matrix) for matrix in matrices])
        assert score(matrices) == pytest.approx(each, nan_ok=True)
        assert np.isnan(each[2]).all()
        assert not np.isnan(each[[0, 1, 3]]).any()


def test_what_cannot_be_counted() -> None:
    truth, predicted = drawn()
    with pytest.raises(ConfigError, match=r"shape \(40, 30\), prediction \(30, 40\): not equal"):
        confusion(truth, predicted.T, CLASSES)
    with pytest.raises(ConfigError, match="Truth has classes 0 to 4, expected 0 to 3"):
        confusion(truth, predicted, CLASSES - 1)
    with pytest.raises(ConfigError, match="Prediction has classes -1 to 3, expected 0 to 4"):
        confusion(truth, predicted - 1, CLASSES)


TRUTH = np.array([[1, 1, 0, -1], [1, 0, 0, -1]])
SAID = np.array([[1, 0, 1, 1], [1, 0, 0, 0]], bool)
NOTHING = np.zeros((2, 4), bool)


def test_overlaps_by_hand() -> None:
    assert overlaps(TRUTH, SAID) == (2, 4)
    assert overlaps(TRUTH * 0, SAID) == (0, 4)
    assert overlaps(TRUTH, NOTHING) == (0, 3)
    assert overlaps(NOTHING.astype(int), NOTHING) == (0, 0)


def test_phrases_by_hand() -> None:
    intersections = np.array([8, 30, 0, 0, 9])
    unions = np.array([10, 60, 0, 5, 10])
    targets = np.array([9, 40, 0, 0, 10])
    assert phrase_overlaps(intersections, unions).tolist() == [0.8, 0.5, 1.0, 0.0, 0.9]
    assert cumulative_iou(intersections, unions) == pytest.approx(47 / 85)
    assert generalised_iou(intersections, unions) == pytest.approx(3.2 / 5)
    found = [precision_at(intersections, unions, targets, level) for level in (0.5, 0.6, 0.85, 0.9)]
    assert found == pytest.approx([1, 2 / 3, 1 / 3, 1 / 3])
    assert nothing_accuracy(unions, targets) == 0.5


def test_phrases_without_one_kind() -> None:
    some, none = np.array([3]), np.array([0])
    assert np.isnan(precision_at(none, none, none, 0.5))
    assert np.isnan(nothing_accuracy(some, some))
    assert np.isnan(cumulative_iou(none, none))
    assert generalised_iou(none, none) == 1
