"""The table of scores of texts: one row, all rows, resamples of rows."""

from __future__ import annotations

import importlib.util
from functools import cache

import numpy as np
import pytest
from reference_captions import CANDIDATES, REFERENCES, SCORES

from plait.metrics.text import TEXT_METRICS, TextMetric
from plait.metrics.uncertainty import interval, resample_counts

NAMES = [name for name, metric in TEXT_METRICS.items() if metric.available]


def test_all_scores_of_the_reference_are_there() -> None:
    assert set(SCORES) <= set(TEXT_METRICS)
    assert len(NAMES) >= 10


@cache
def statistics(name: str) -> np.ndarray:
    """Return what a metric adds up over the rows of the sample."""
    return TEXT_METRICS[name].statistics(CANDIDATES, REFERENCES)


@pytest.mark.parametrize("name", [name for name in NAMES if name in SCORES])
def test_equal_to_the_evaluation_of_coco(name: str) -> None:
    metric = TEXT_METRICS[name]
    assert metric.of_all(statistics(name)) == pytest.approx(SCORES[name]["all"], abs=1e-9)
    np.testing.assert_allclose(metric.score(statistics(name)), SCORES[name]["rows"], atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_highest_and_the_lowest_score(name: str) -> None:
    metric = TEXT_METRICS[name]
    texts = [f"quick brown {animal} jumps over it" for animal in ("fox", "dog", "cat", "cow")]
    rows = metric.rows([*texts, *["x y z"] * 4], [[text] * 10 for text in texts * 2])
    assert rows[:4] == pytest.approx(metric.most, abs=1e-8)
    assert rows[4:] == pytest.approx(0, abs=1e-3)
    assert metric.sign == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_resample_is_scored_as_the_table_that_it_is(name: str) -> None:
    metric, rows = TEXT_METRICS[name], statistics(name)
    counts = resample_counts(np.arange(len(rows)), seed=0, resamples=40)
    draws = metric.draws(rows, counts)
    assert draws.shape == (40,)
    assert draws[3] == pytest.approx(metric.of_all(np.repeat(rows, counts[3], axis=0)))
    if name in SCORES:
        around = interval(metric.of_all(rows), draws)
        assert around.low < around.value < around.high


def test_of_all_is_not_the_mean_of_rows_for_bleu() -> None:
    metric, rows = TEXT_METRICS["bleu_4"], statistics("bleu_4")
    assert abs(metric.of_all(rows) - metric.score(rows).mean()) > 0.01


def test_what_is_not_installed_is_not_available() -> None:
    missing = TextMetric(np.zeros, np.sum, needs=("json", "no_such_package"))
    assert importlib.util.find_spec("no_such_package") is None
    assert not missing.available
