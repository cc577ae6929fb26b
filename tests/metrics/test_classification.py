"""Scores of classes and labels against scikit-learn, on data with ties and absent classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from plait.metrics import classification as c

CLOSE = {"abs": 1e-6, "rel": 1e-6}


def classes(n: int, count: int, seed: int, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return one-hot truth and probabilities that know something; class 1 of many never occurs."""
    rng = np.random.default_rng(seed)
    number = rng.integers(0, count, n)
    if count > 3:
        number[number == 1] = 0
    truth = np.eye(count, dtype=np.float32)[number]
    scores = rng.dirichlet(np.full(count, 0.7), n) + 0.5 * truth * rng.random((n, 1))
    if ties:
        scores = scores.round(1) + 0.1
    return truth, scores / scores.sum(axis=1, keepdims=True)


def labels(n: int, count: int, seed: int, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, count)) < np.linspace(0.2, 0.7, count)).astype(np.float32)
    scores = (rng.random((n, count)) + 0.4 * truth).clip(0, 1.4) / 1.4
    return truth, scores.round(1) if ties else scores


CLASSES = [(n, k, seed, ties) for n, k in ((80, 2), (90, 3), (60, 6)) for seed in (0, 1)
           for ties in (False, True)]  # fmt: skip
LABELS = [(n, k, seed, ties) for n, k in ((70, 1), (70, 2), (60, 5)) for seed in (0, 1)
          for ties in (False, True)]  # fmt: skip


@pytest.mark.parametrize("case", CLASSES)
def test_decisions_on_classes_equal_scikit_learn(case) -> None:
    truth, scores = classes(*case)
    y, p = truth.argmax(axis=1), scores.argmax(axis=1)
    decided = c.one_hot(scores)
    assert c.accuracy(truth, scores) == pytest.approx(sk.accuracy_score(y, p), **CLOSE)
    assert c.balanced_accuracy(truth, decided) == pytest.approx(
        sk.recall_score(y, p, labels=np.unique(y), average="macro", zero_division=0), **CLOSE
    )
    for average, own in (("macro", c.f1_macro), ("micro", c.f1_micro)):
        expected = sk.f1_score(y, p, average=average, zero_division=0)
        assert own(truth, decided) == pytest.approx(expected, **CLOSE)
    expected = sk.precision_score(y, p, average="macro", zero_division=0)
    assert c.precision_macro(truth, decided) == pytest.approx(expected, **CLOSE)
    expected = sk.recall_score(y, p, average="macro", zero_division=0)
    assert c.recall_macro(truth, decided) == pytest.approx(expected, **CLOSE)
    every = np.arange(truth.shape[1])
    table = sk.precision_recall_fscore_support(y, p, labels=every, zero_division=0)
    for own, theirs in zip(c.precision_recall_f1(truth, decided), table, strict=False):
        assert own == pytest.approx(theirs, **CLOSE)
    assert np.array_equal(c.confusion(truth, decided), sk.confusion_matrix(y, p, labels=every))


@pytest.mark.parametrize("case", CLASSES)
def test_rankings_of_classes_equal_scikit_learn(case) -> None:
    truth, scores = classes(*case)
    y, every = truth.argmax(axis=1), np.arange(truth.shape[1])
    there = np.flatnonzero(truth.any(axis=0))
    if truth.shape[1] == 2:
        area = sk.roc_auc_score(y, scores[:, 1])
    else:
        area = np.mean([sk.roc_auc_score(truth[:, k], scores[:, k]) for k in there])
    assert c.auroc(truth, scores) == pytest.approx(area, **CLOSE)
    precision = sk.average_precision_score(truth[:, there], scores[:, there], average="macro")
    assert c.mean_average_precision(truth, scores) == pytest.approx(precision, **CLOSE)
    loss = sk.log_loss(y, scores, labels=every)
    assert c.row_log_loss(truth, scores).mean() == pytest.approx(loss, **CLOSE)


@pytest.mark.parametrize("case", LABELS)
def test_labels_equal_scikit_learn(case) -> None:
    truth, scores = labels(*case)
    decided = c.above_half(scores)
    shown = {"average": "macro", "zero_division": 0}
    if truth.shape[1] > 1:  # scikit-learn reads one label as two classes
        assert c.f1_macro(truth, decided) == pytest.approx(
            sk.f1_score(truth, decided, **shown), **CLOSE
        )
        assert c.precision_macro(truth, decided) == pytest.approx(
            sk.precision_score(truth, decided, **shown), **CLOSE
        )
        assert c.recall_macro(truth, decided) == pytest.approx(
            sk.recall_score(truth, decided, **shown), **CLOSE
        )
        assert c.f1_micro(truth, decided) == pytest.approx(
            sk.f1_score(truth, decided, average="micro"), **CLOSE
        )
    assert c.auroc_labels(truth, scores) == pytest.approx(
        sk.roc_auc_score(truth, scores, average="macro"), **CLOSE
    )
    assert c.mean_average_precision(truth, scores) == pytest.approx(
        sk.average_precision_score(truth, scores, average="macro"), **CLOSE
    )
    exact = sk.accuracy_score(truth, decided)
    assert c.row_all_right(truth, scores).mean() == pytest.approx(exact, **CLOSE)
    by_label = [
        sk.log_loss(t, np.stack([1 - s, s], 1), labels=[0, 1])
        for t, s in zip(truth.T, scores.T.astype(np.float64), strict=True)
    ]
    assert c.row_binary_log_loss(truth, scores).mean() == pytest.approx(np.mean(by_label), **CLOSE)


def test_both_of_two_labels_count_in_the_area() -> None:
    truth = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], dtype=float)
    scores = np.array([[0.1, 0.1], [0.9, 0.9], [0.2, 0.8], [0.8, 0.2]])
    assert c.auroc_labels(truth, scores) == 0.5  # 0 for the first label, 1 for the second


def test_labels_that_neither_occur_nor_are_predicted_are_left_out() -> None:
    truth = np.array([[1, 0, 0], [1, 1, 0]], dtype=float)
    predicted = np.array([[1, 0, 0], [0, 1, 0]], dtype=float)
    assert c.f1_macro(truth, predicted) == pytest.approx((2 / 3 + 1) / 2)
    assert c.occurring(truth, predicted).tolist() == [True, True, False]


@pytest.mark.parametrize(
    "score",
    [c.f1_macro, c.precision_macro, c.recall_macro, c.balanced_accuracy, c.auroc, c.auroc_labels,
     c.mean_average_precision],
)  # fmt: skip
def test_nothing_to_judge_is_nan_without_a_warning(score) -> None:
    assert np.isnan(score(np.zeros((4, 3)), np.zeros((4, 3))))
    assert c.f1_micro(np.zeros((4, 3)), np.zeros((4, 3))) == 0


def test_a_class_never_learned_is_never_right() -> None:
    truth, scores = np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[0.9, 0.1], [0.2, 0.8]])
    assert c.correct(truth, scores).tolist() == [0, 1]
    assert c.row_log_loss(truth, scores)[0] == pytest.approx(-np.log(c.EPSILON))
    assert np.isfinite(c.row_binary_log_loss(truth, np.array([[0.0, 1.0], [1.0, 0.0]]))).all()
