"""Evaluations of masks: values from all pixels, intervals from rows, and JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score

from plait.config import from_json, to_json
from plait.evaluate.segmented import (
    JudgedMasks,
    JudgedPhrases,
    SegmentedEvaluation,
    evaluate_masks,
    evaluate_phrases,
)
from plait.metrics.boundaries import boundary_f1
from plait.metrics.segmentation import mean_iou

RNG = np.random.default_rng(4)
NAMES = ("road", "sky", "car", "unicorn")
ROWS = 12


def pairs(rows: int = ROWS, right: float = 0.7) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return masks of three of four classes, of other sizes in every row, the first class most."""
    found = []
    for row in range(rows):
        shape = (16 + row, 20)
        coarse = RNG.choice(3, (8, 5), p=[0.6, 0.3, 0.1])
        truth = np.repeat(np.repeat(coarse, 4, 0), 4, 1)[: shape[0]]
        other = RNG.integers(0, 3, truth.shape)
        predicted = np.where(RNG.random(truth.shape) < right - 0.03 * row, truth, other)
        found.append((np.where(RNG.random(truth.shape) < 0.05, -1, truth), predicted))
    return found


def test_values_are_those_of_all_pixels() -> None:
    made = pairs()
    judged = JudgedMasks.of(iter(made), 4)
    found = evaluate_masks("mask", judged, NAMES, np.arange(ROWS))
    truth = np.concatenate([one[one >= 0] for one, _ in made])
    predicted = np.concatenate([other[one >= 0] for one, other in made])
    assert found["mean_iou"] == pytest.approx(jaccard_score(truth, predicted, average="macro"))
    assert found["dice"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert found["pixel_accuracy"] == pytest.approx((truth == predicted).mean())
    each = [boundary_f1(one, other, 4) for one, other in made]
    assert found["boundary_f1"] == pytest.approx(np.mean([np.nanmean(own) for own in each]))
    assert (found.target, found.metric, found.rows) == ("mask", "mean_iou", ROWS)
    expected = jaccard_score(truth, predicted, average=None)
    for number, one in enumerate(found.classes[:3]):
        assert one.name == NAMES[number]
        assert one.share == pytest.approx((truth == number).mean())
        assert one.iou is not None
        assert one.iou.value == pytest.approx(expected[number])
        assert one.iou.low < one.iou.value < one.iou.high
        assert one.boundary_f1 == pytest.approx(np.nanmean([own[number] for own in each]))
    nothing = found.classes[3]
    assert (nothing.share, nothing.iou, nothing.dice, nothing.boundary_f1) == (0, None, None, None)


def test_intervals_come_from_rows_drawn_again() -> None:
    judged = JudgedMasks.of(pairs(), 4)
    one = evaluate_masks("mask", judged, NAMES, np.arange(ROWS), seed=3)
    draws = np.random.default_rng(8).integers(0, ROWS, (3000, ROWS))
    again = [mean_iou(judged.matrices[draw].sum(axis=0)) for draw in draws]
    low, high = np.percentile(again, [2.5, 97.5])
    assert one.scores["mean_iou"].low == pytest.approx(low, abs=0.01)
    assert one.scores["mean_iou"].high == pytest.approx(high, abs=0.01)
    assert high - low > 0.05
    for score in one.scores.values():
        assert score.low < score.value < score.high
    # Rows of one group are drawn whole, so four groups of three say less.
    grouped = evaluate_masks("mask", judged, NAMES, np.arange(ROWS) // 3, seed=3)
    assert grouped["mean_iou"] == one["mean_iou"]
    assert grouped.scores["mean_iou"] != one.scores["mean_iou"]
    alone = evaluate_masks("mask", judged, NAMES, np.zeros(ROWS), seed=3).scores["mean_iou"]
    assert alone.low == pytest.approx(alone.value) == pytest.approx(alone.high)


def test_each_row_has_a_score() -> None:
    made = pairs()
    by_row = JudgedMasks.of(made, 4).by_row
    one, other = made[3]
    expected = jaccard_score(one[one >= 0], other[one >= 0], average="macro")
    assert by_row[3] == pytest.approx(expected)
    assert np.isnan(JudgedMasks.of([(np.full((3, 3), -1), np.ones((3, 3), int))], 4).by_row).all()


def test_phrases_by_hand() -> None:
    base = np.zeros((10, 10), int)
    wide, half, void = base.copy(), base.copy(), base.copy()
    wide[:4], half[:2], void[:2] = 1, 1, -1
    made = [(wide, wide), (wide, half), (base, base), (base, half), (void, half)]
    judged = JudgedPhrases.of(iter(made))
    assert judged.by_row.tolist() == [1, 0.5, 1, 0, 1]
    found = evaluate_phrases("mask", judged, np.arange(5))
    assert found["giou"] == pytest.approx(3.5 / 5)
    assert found["ciou"] == pytest.approx(60 / 100)
    assert found["precision@0.5"] == 1
    assert found["precision@0.9"] == 0.5
    assert found["nothing_accuracy"] == pytest.approx(2 / 3)
    assert found.metric == "giou"
    assert found.scores["giou"].low < 0.7 < found.scores["giou"].high


def test_scores_that_there_are_not_are_left_out() -> None:
    even = np.zeros((5, 5), int)
    found = evaluate_masks("m", JudgedMasks.of([(even, even)], 2), ("a", "b"), np.arange(1))
    assert set(found.scores) == {
        "mean_iou", "dice", "pixel_accuracy", "frequency_weighted_iou",
    }  # fmt: skip
    nothing = evaluate_phrases("m", JudgedPhrases.of([(even, even)]), np.arange(1))
    assert set(nothing.scores) == {"giou", "nothing_accuracy"}


def test_saved_and_read() -> None:
    found = evaluate_masks("mask", JudgedMasks.of(pairs(), 4), NAMES, np.arange(ROWS))
    text = json.dumps(to_json(found), allow_nan=False)
    assert from_json(SegmentedEvaluation, json.loads(text)) == found
