"""ROUGE-L, by hand and against the evaluation of COCO."""

from __future__ import annotations

import numpy as np
import pytest
from reference_captions import CANDIDATES, REFERENCES, SCORES

from plait.metrics.rouge import common, rouge_l


def test_by_hand() -> None:
    # b, d and e are in the order of the reference: P = 3/4, R = 3/5.
    expected = (1 + 1.44) * 0.75 * 0.6 / (0.6 + 1.44 * 0.75)
    assert rouge_l(["x b d e"], [["a b c d e"]]) == pytest.approx([expected])


def test_precision_and_recall_are_of_the_best_reference_each() -> None:
    # P = 2/2 of the first, R = 1/1 of the second.
    assert rouge_l(["u v"], [["u v w w", "v"]]) == pytest.approx([1.0])


def test_equal_to_the_evaluation_of_coco() -> None:
    np.testing.assert_allclose(
        rouge_l(CANDIDATES, REFERENCES), SCORES["rouge_l"]["rows"], atol=1e-9
    )
    assert rouge_l(CANDIDATES, REFERENCES).mean() == pytest.approx(SCORES["rouge_l"]["all"])


def table(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Return the length of the longest common subsequence as textbooks compute it."""
    lengths = np.zeros((len(first) + 1, len(second) + 1), dtype=int)
    for i, word in enumerate(first):
        for j, other in enumerate(second):
            best = max(lengths[i, j + 1], lengths[i + 1, j])
            lengths[i + 1, j + 1] = lengths[i, j] + 1 if word == other else best
    return int(lengths[-1, -1])


def test_the_quick_way_is_the_textbook_way() -> None:
    draws = np.random.default_rng(0)
    found = []
    for _ in range(300):
        first = tuple(draws.choice(list("abcde"), draws.integers(0, 90)))
        second = tuple(draws.choice(list("abcde"), draws.integers(0, 90)))
        found.append(common(first, second))
        assert found[-1] == table(first, second)
    assert max(found) > 40


def test_empty_texts_agree_with_each_other_only() -> None:
    assert rouge_l(["", "", "a"], [["."], ["a"], [""]]).tolist() == [1, 0, 0]
