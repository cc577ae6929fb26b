"""BLEU, by hand and against the evaluation of COCO."""

from __future__ import annotations

import numpy as np
import pytest
from reference_captions import CANDIDATES, REFERENCES, SCORES

from plait.metrics.bleu import bleu, bleu_statistics


def test_statistics_by_hand() -> None:
    rows = bleu_statistics(["the the cat sat"], [["The cat sat down there.", "the cat"]])
    # Lengths 5 and 2 against 4: the closest is 5. `the` is right once only.
    assert rows.tolist() == [[3, 2, 1, 0, 4, 3, 2, 1, 4, 5]]
    expected = np.exp(1 - 5 / 4) * np.array([3 / 4, (3 / 4 * 2 / 3) ** 0.5])
    np.testing.assert_allclose(bleu(rows)[0, :2], expected, rtol=1e-8)


def test_of_two_lengths_equally_close_the_shorter_counts() -> None:
    assert bleu_statistics(["a b c"], [["a b c d", "a b"]])[0, -1] == 2


def test_a_long_candidate_is_not_rewarded() -> None:
    exact = bleu(bleu_statistics(["a b c d"], [["a b c d"]]))
    np.testing.assert_allclose(exact, 1, rtol=1e-8)
    assert (bleu(bleu_statistics(["a b c d e e"], [["a b c d"]])) < exact).all()


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_equal_to_the_evaluation_of_coco(length: int) -> None:
    rows = bleu_statistics(CANDIDATES, REFERENCES)
    expected = SCORES[f"bleu_{length}"]
    assert bleu(rows.sum(axis=0))[length - 1] == pytest.approx(expected["all"], abs=1e-9)
    np.testing.assert_allclose(bleu(rows)[:, length - 1], expected["rows"], atol=1e-9)


def test_no_rows_have_no_statistics() -> None:
    assert bleu_statistics([], []).shape == (0, 10)
