"""Orders joined, varied and counted, against the plain formulas."""

from __future__ import annotations

import numpy as np

from plait.search.rank import best_of, count_values, diversify, fuse, overlap


def test_reciprocal_ranks_by_hand() -> None:
    rows, scores = fuse([np.array([7, 3, 9]), np.array([3, 8])])
    expected = {3: 1 / 62 + 1 / 61, 7: 1 / 61, 8: 1 / 62, 9: 1 / 63}
    assert rows.tolist() == [3, 7, 8, 9]
    np.testing.assert_allclose(scores, [expected[row] for row in rows.tolist()])
    empty, none = fuse([])
    assert len(empty) == len(none) == 0


def plain_mmr(relevance: np.ndarray, vectors: np.ndarray, share: float, count: int) -> list[int]:
    """Return the formula of Carbonell and Goldstein, word for word."""
    chosen: list[int] = []
    while len(chosen) < count:
        rest = [i for i in range(len(relevance)) if i not in chosen]
        value = {
            i: (1 - share) * relevance[i]
            - share * max((float(vectors[i] @ vectors[j]) for j in chosen), default=0.0)
            for i in rest
        }
        chosen.append(max(rest, key=lambda i: value[i]))
    return chosen


def test_maximal_marginal_relevance() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance = vectors @ vectors[0]
    orders = {}
    for share in (0.0, 0.3, 0.9):
        orders[share] = diversify(relevance, vectors, share, 12).tolist()
        assert orders[share] == plain_mmr(relevance, vectors, share, 12)
    assert orders[0.0] == np.argsort(-relevance)[:12].tolist()
    assert orders[0.3] != orders[0.0] != orders[0.9]


def test_rows_without_a_vector_are_like_nothing() -> None:
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [np.nan, np.nan]])
    assert diversify(np.array([1.0, 0.9, 0.5]), vectors, 0.5, 3).tolist() == [0, 2, 1]


def test_counting() -> None:
    assert list(count_values(["b", "a", "b", None]).items()) == [("b", 2), ("a", 1)]


def test_overlap_is_recall() -> None:
    found = [np.array([1, 2, 3]), np.array([4, 9, 8])]
    true = [np.array([3, 2, 1]), np.array([4, 5, 6])]
    assert overlap(found, true) == (1 + 1 / 3) / 2


def test_the_best_of_equal_scores_are_the_first() -> None:
    scores = np.array([1.0, 3.0, 2.0, 3.0, 2.0])
    assert best_of(scores, 3).tolist() == [1, 3, 2]
    assert best_of(scores, 9).tolist() == [1, 3, 2, 4, 0]
    random = np.random.default_rng(1).integers(0, 9, 200).astype(float)
    np.testing.assert_array_equal(best_of(random, 50), np.argsort(-random, kind="stable")[:50])
