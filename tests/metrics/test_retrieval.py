"""Scores of search, by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from plait.metrics.retrieval import (
    average_precision,
    first_rank,
    ndcg_at,
    rank,
    recall_at,
    reciprocal_rank,
    share_at,
)

RANKED = np.array([[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)


def test_by_hand() -> None:
    assert recall_at(RANKED, 1).tolist() == [0, 1, 0, 0]
    assert recall_at(RANKED, 2).tolist() == [1, 1, 0, 0]
    assert recall_at(RANKED, 9).tolist() == [1, 1, 1, 0]
    np.testing.assert_array_equal(first_rank(RANKED), [2, 1, 4, np.nan])
    assert reciprocal_rank(RANKED).tolist() == [0.5, 1, 0.25, 0]
    assert average_precision(RANKED).tolist() == [0.5, 1, 0.25, 0]


def test_order_of_falling_scores() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [0.3, 0.2, 0.1]])
    relevant = np.array([[True, False, True], [True, False, False]])
    assert rank(scores, relevant).tolist() == [[False, True, True], [True, False, False]]


def test_of_equal_scores_the_relevant_come_last() -> None:
    relevant = np.array([[True, False, False, True]])
    assert rank(np.zeros((1, 4)), relevant).tolist() == [[False, False, True, True]]


def test_like_scikit_learn() -> None:
    random = np.random.default_rng(0)
    scores, relevant = random.normal(size=(20, 30)), random.random((20, 30)) < 0.2
    relevant[:, 3] = True
    ranked = rank(scores, relevant)
    expected = [average_precision_score(r, s) for r, s in zip(relevant, scores, strict=True)]
    np.testing.assert_allclose(average_precision(ranked), expected, atol=1e-12)
    for count in (1, 5, 10, 100):
        found = ndcg_at(ranked, count).mean()
        assert found == pytest.approx(ndcg_score(relevant, scores, k=min(count, 30)), abs=1e-12)


def test_share_of_what_is_relevant() -> None:
    ranked = np.array([[1, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)
    assert share_at(ranked, 2).tolist() == [1 / 3, 0, 0]
    assert share_at(ranked, 4).tolist() == [1, 1, 0]
