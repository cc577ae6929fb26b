"""Answering only where one is sure, by hand and by trial."""

from __future__ import annotations

import numpy as np
import pytest

from plait.metrics.selective import area_under_risk, risk_coverage, threshold_for


def test_risk_by_hand_with_ties() -> None:
    confidence = np.array([0.2, 0.9, 0.5, 0.9])
    right = np.array([False, True, True, False])
    coverage, risk = risk_coverage(confidence, right)
    # Most confident first: 0.9 (right), 0.9 (wrong): together; then 0.5 (right), 0.2 (wrong).
    assert coverage.tolist() == [0.5, 0.5, 0.75, 1.0]
    assert risk.tolist() == [0.5, 0.5, pytest.approx(1 / 3), 0.5]
    assert area_under_risk(confidence, right) == pytest.approx((0.5 + 0.5 + 1 / 3 + 0.5) / 4)


def made(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows that are right the more often the surer they are."""
    rng = np.random.default_rng(seed)
    confidence = rng.random(rows)
    return confidence, rng.random(rows) < 1 - (1 - confidence) ** 2


@pytest.mark.parametrize("error_rate", [0.1, 0.2, 0.3])
def test_the_error_rate_is_kept_on_new_rows(error_rate: float) -> None:
    broken, answered = 0, []
    fresh, right = made(200_000, 10_000)
    for seed in range(200):
        threshold = threshold_for(*made(1000, seed), error_rate)
        sure = fresh >= threshold
        if sure.any():
            broken += (~right[sure]).mean() > error_rate
            answered.append(sure.mean())
    assert broken / 200 <= 0.05
    assert len(answered) > 150, "a threshold that nothing passes keeps every rate"
    # Of the surest, a share s is wrong in s^2 / 3.
    assert np.mean(answered) > 0.6 * (3 * error_rate) ** 0.5


def test_no_threshold_and_every_answer() -> None:
    sure = np.linspace(0, 1, 50)
    assert threshold_for(sure, np.zeros(50, bool), 0.2) == np.inf
    assert threshold_for(sure, np.ones(50, bool), 0.2) == 0.0
