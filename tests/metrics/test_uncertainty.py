"""Intervals cover what they say, groups widen them, and gains are told from noise."""

from __future__ import annotations

import numpy as np
import pytest

from plait.metrics.uncertainty import (
    bootstrap_means,
    bootstrap_scores,
    gain,
    interval,
    resample_counts,
)


def test_counts_draw_as_many_rows_and_groups_whole() -> None:
    counts = resample_counts(np.arange(30), seed=3, resamples=200)
    assert counts.shape == (200, 30)
    assert (counts.sum(axis=1) == 30).all()
    assert counts.mean() == pytest.approx(1)
    assert counts.var() == pytest.approx(1, abs=0.1)  # multinomial: 1 - 1/n
    assert np.array_equal(counts, resample_counts(np.arange(30), seed=3, resamples=200))
    assert not np.array_equal(counts, resample_counts(np.arange(30), seed=4, resamples=200))
    groups = np.array([5, 5, 9, 9, 9, 2])
    counts = resample_counts(groups, seed=0, resamples=50)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 2:3] == counts[:, 3:5]).all()
    assert (counts[:, [0, 2, 5]].sum(axis=1) == 3).all()


def test_means_and_scores_of_a_resample_by_hand() -> None:
    rows, counts = np.array([1.0, 4.0, 7.0]), np.array([[3, 0, 0], [1, 1, 1], [0, 1, 2]])
    assert bootstrap_means(rows, counts).tolist() == [1, 4, 6]
    truth = rows[:, None]
    drawn = bootstrap_scores(lambda t, s: float(t.mean() - s.sum()), truth, 0 * truth, counts)
    assert drawn.tolist() == [1, 4, 6]


def test_interval_covers_the_known_mean_in_95_of_100() -> None:
    rng = np.random.default_rng(0)
    counts = resample_counts(np.arange(60), seed=1)
    covered = 0
    for _ in range(400):
        rows = rng.exponential(2.0, 60)
        found = interval(rows.mean(), bootstrap_means(rows, counts))
        covered += found.low <= 2.0 <= found.high
    assert 0.90 <= covered / 400 <= 0.98


def test_groups_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 10)
    rows = rng.normal(size=20)[groups] + 0.1 * rng.normal(size=200)

    def width(groups: np.ndarray) -> float:
        found = interval(rows.mean(), bootstrap_means(rows, resample_counts(groups, seed=0)))
        return found.high - found.low

    assert width(groups) == pytest.approx(width(np.arange(200)) * np.sqrt(10), rel=0.3)


def test_gain_is_paired_and_its_p_is_small_only_for_a_real_difference() -> None:
    rng = np.random.default_rng(0)
    counts = resample_counts(np.arange(300), seed=0)
    shared = 5 * rng.normal(size=300)  # hard and easy rows: they drop out of a paired comparison
    noise = 0.2 * rng.normal(size=300)
    real = bootstrap_means(shared + noise + 0.1, counts) - bootstrap_means(shared, counts)
    found = gain(0.1 + noise.mean(), real)
    assert found.low > 0
    assert 0 < found.p < 0.002
    noise -= noise.mean()
    none = bootstrap_means(shared + noise, counts) - bootstrap_means(shared, counts)
    found = gain(0.0, none)
    assert found.low < 0 < found.high
    assert found.p > 0.5


def test_p_of_no_difference_is_uniform() -> None:
    rng = np.random.default_rng(1)
    counts = resample_counts(np.arange(80), seed=2)
    p = []
    for _ in range(300):
        apart = rng.normal(size=80)
        p.append(gain(apart.mean(), bootstrap_means(apart, counts)).p)
    assert np.mean(np.array(p) < 0.05) < 0.09
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


def test_p_and_interval_by_hand() -> None:
    draws = np.array([-1.0, 1.0, 2.0, 3.0, np.nan])
    assert gain(1.0, draws).p == 2 * (1 + 1) / (4 + 1)
    assert gain(0.0, np.zeros(9)).p == 1
    found = interval(5.0, np.append(np.arange(101.0), np.nan))
    assert (found.value, found.low, found.high) == (5.0, 2.5, 97.5)
    found = interval(5.0, np.array([np.nan, np.nan]))
    assert np.isnan([found.low, found.high]).all()
