"""Texts beside those of people: which metrics, which decides, intervals by groups."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plait.config import to_json
from plait.evaluate.written import evaluate_written, read_evaluation, scores_of
from plait.metrics.text import TEXT_METRICS

SAID = ["a red cup", "two dogs", "a cat"] * 4
KNOWN = [["a red cup", "one cup"], ["three dogs run"], ["a cat"]] * 4


def test_every_quick_metric_has_its_value_and_interval() -> None:
    found = evaluate_written("caption", SAID, KNOWN, np.arange(12))
    assert found.metric == "exact_match"
    assert found["exact_match"] == pytest.approx(2 / 3)
    assert found["bleu_1"] == pytest.approx(
        TEXT_METRICS["bleu_1"].of_all(TEXT_METRICS["bleu_1"].statistics(SAID, KNOWN))
    )
    assert set(found.scores) == set(TEXT_METRICS) - {"meteor", "vqa_accuracy"}
    for score in found.scores.values():
        assert score.low <= score.value <= score.high
    assert len(found.examples) == 5


def test_votes_are_counted_where_there_are_enough() -> None:
    votes = [["yes"] * 7 + ["no"] * 3] * 4
    found = evaluate_written("answer", ["yes", "no", "yes", "yes"], votes, np.arange(4))
    assert found["vqa_accuracy"] == pytest.approx((3 * 1.0 + 0.9) / 4)


def test_rows_that_belong_together_are_drawn_together() -> None:
    """All right in one half of the groups: rows alone would give a narrow interval."""
    said = ["yes"] * 50 + ["no"] * 50
    known = [["yes"]] * 100
    apart = scores_of(said, known, np.arange(100), 0)["exact_match"][1]
    together = scores_of(said, known, np.repeat([0, 1], 50), 0)["exact_match"][1]
    assert together.std() > 3 * apart.std()


def test_a_score_that_is_no_number_survives_json() -> None:
    found = evaluate_written("caption", SAID, KNOWN, np.arange(12))
    values = json.loads(json.dumps(to_json(found)))
    values["scores"]["bleu_1"] = {"value": None, "low": None, "high": None}
    again = read_evaluation(values)
    assert again["exact_match"] == found["exact_match"]
    assert np.isnan(again["bleu_1"])
    assert again.examples == found.examples
