"""Logistic regression on vectors equals scikit-learn's, and is solved in few steps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from plait.ensemble.logistic import logistic

RANDOM = np.random.default_rng(0)
ROWS, WIDTH, CLASSES = 300, 40, 5
# Far from round, as the vectors of networks are: the spread of columns differs a thousandfold.
MATRIX = RANDOM.normal(size=(ROWS, WIDTH)) * np.exp(RANDOM.normal(size=WIDTH) * 2) + 3.0
SCORES = (MATRIX - 3) @ RANDOM.normal(size=(WIDTH, CLASSES)) / 20 + RANDOM.normal(size=(1, CLASSES))
LABELS = (SCORES + RANDOM.normal(size=SCORES.shape) > 0.5).astype(float)
NAMES = SCORES.argmax(axis=1)
WEIGHT = RANDOM.uniform(0, 2, ROWS)


def theirs(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=20_000, tol=1e-8)


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
def test_labels_equal_scikit_learn(strength: float) -> None:
    weights, bias = logistic(MATRIX, LABELS, WEIGHT, strength, False, 1000, 1e-6)
    for label, column in enumerate(LABELS.T):
        model = theirs(strength).fit(MATRIX, column, sample_weight=WEIGHT)
        mine = expit(MATRIX @ weights[label] + bias[label])
        assert mine == pytest.approx(model.predict_proba(MATRIX)[:, 1], abs=0.01)


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
def test_classes_equal_scikit_learn(strength: float) -> None:
    classes = np.eye(CLASSES)[NAMES]
    weights, bias = logistic(MATRIX, classes, WEIGHT, strength, True, 1000, 1e-6)
    model = theirs(strength).fit(MATRIX, NAMES, sample_weight=WEIGHT)
    mine = softmax(MATRIX @ weights.T + bias, axis=1)
    assert mine == pytest.approx(model.predict_proba(MATRIX), abs=0.01)


def test_few_steps_do() -> None:
    """As many steps leave scikit-learn at a greater loss than here."""
    label, strength = LABELS[:, 0], 1.0

    def loss(weights: np.ndarray, bias: float) -> float:
        linear = MATRIX @ weights + bias
        cost = np.logaddexp(0, linear) - label * linear
        return float((WEIGHT * cost).sum() + np.square(weights).sum() / (2 * strength))

    weights, bias = logistic(MATRIX, label[:, None], WEIGHT, strength, False, 15)
    model = LogisticRegression(C=strength, max_iter=15)
    with pytest.warns(ConvergenceWarning, match="failed to converge"):
        model.fit(MATRIX, label, sample_weight=WEIGHT)
    best = theirs(strength).fit(MATRIX, label, sample_weight=WEIGHT)
    least = loss(best.coef_[0], float(best.intercept_[0]))
    assert loss(weights[0], bias[0]) < least * 1.001
    assert loss(model.coef_[0], float(model.intercept_[0])) > least * 1.01


def test_columns_without_spread_and_more_columns_than_rows() -> None:
    """Neither stops it, and both are held to nothing by the penalty."""
    matrix = np.concatenate([MATRIX[:30], np.zeros((30, 50)), np.ones((30, 2))], axis=1)
    weights, bias = logistic(matrix, LABELS[:30], np.ones(30), 1.0, False)
    assert np.isfinite(weights).all()
    assert np.isfinite(bias).all()
    assert np.abs(weights[:, WIDTH : WIDTH + 50]).max() == pytest.approx(0, abs=1e-6)
