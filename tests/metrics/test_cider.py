"""CIDEr and CIDEr-D, by hand and against the evaluation of COCO."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest
from reference_captions import CANDIDATES, REFERENCES, SCORES

from plait.errors import TableError
from plait.metrics.cider import Cider, cider


@pytest.mark.parametrize(("name", "clipped"), [("cider", True), ("cider_plain", False)])
def test_equal_to_the_evaluation_of_coco(name: str, clipped: bool) -> None:
    rows = cider(CANDIDATES, REFERENCES, clipped)
    np.testing.assert_allclose(rows, SCORES[name]["rows"], atol=1e-9)
    assert rows.mean() == pytest.approx(SCORES[name]["all"])


def test_by_hand() -> None:
    learned = [["a b", "a"], ["a c"], ["d"]]
    # Documents with a: 2 of 3, with b and with `a b`: 1, with x: none.
    a, b = log(3 / 2), log(3)
    one = (min(2 * a, a) * a + b * b) / (sqrt(4 * a**2 + b**2) * sqrt(a**2 + b**2))
    two = b * b / (sqrt(2) * b * b)  # `a a` is as rare as `a b`
    expected = 10 * (one + two) / 4 * exp(-1 / 72)
    assert Cider(learned)(["a a b"], [["a b"]]) == pytest.approx([expected])
    plain = (2 * a * a + b * b) / (sqrt(4 * a**2 + b**2) * sqrt(a**2 + b**2))
    assert Cider(learned, clipped=False)(["a a b"], [["a b"]]) == pytest.approx(
        [10 * (plain + two) / 4]
    )


def test_what_was_learned_once_scores_other_rows_too() -> None:
    reward = Cider(REFERENCES)
    rows = cider(CANDIDATES, REFERENCES)
    some = [7, 99, 7]
    again = reward([CANDIDATES[i] for i in some], [REFERENCES[i] for i in some])
    np.testing.assert_allclose(again, rows[some])
    best = reward([texts[0] for texts in REFERENCES], REFERENCES)
    assert best.mean() > 2 * rows.mean()


def test_repeating_a_rare_word_gains_nothing_when_clipped() -> None:
    plain, clipped = Cider(REFERENCES, clipped=False), Cider(REFERENCES)
    references = [["a cat sleeps on the zebra"]]
    once, often = ["a zebra"], ["a zebra zebra zebra zebra zebra"]
    assert clipped(often, references) < clipped(once, references) / 3
    assert plain(often, references) > plain(once, references) * 0.99


def test_one_row_alone_is_zero_and_an_empty_text_too() -> None:
    assert cider(["a dog"], [["a dog"]]).tolist() == [0]
    assert cider(["", "a dog"], [["a cat"], ["a dog"]])[0] == 0
    assert Cider([])(["a"], [["a"]]).tolist() == [0]


def test_references_must_belong_to_the_candidates() -> None:
    with pytest.raises(TableError, match="2 candidates and 1 list of references"):
        Cider([["a"]])(["a", "b"], [["a"]])
