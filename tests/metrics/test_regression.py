"""Scores of numbers against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn import metrics as sk

from plait.metrics import regression as r


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_equal_to_scikit_learn_and_scipy(seed, ties, offset) -> None:
    rng = np.random.default_rng(seed)
    truth = offset + 7 * rng.normal(size=(80, 1))
    scores = truth + rng.normal(size=(80, 1)) + 2
    if ties:
        truth, scores = truth.round(), scores.round()
    assert r.mae(truth, scores) == pytest.approx(sk.mean_absolute_error(truth, scores), rel=1e-6)
    assert r.rmse(truth, scores) == pytest.approx(
        sk.root_mean_squared_error(truth, scores), rel=1e-6
    )
    assert r.r2(truth, scores) == pytest.approx(sk.r2_score(truth, scores), rel=1e-6)
    expected = spearmanr(truth[:, 0], scores[:, 0]).statistic
    assert r.spearman(truth, scores) == pytest.approx(expected, rel=1e-6)
    assert r.row_absolute_error(truth, scores).mean() == r.mae(truth, scores)


def test_no_variance_is_nan_without_a_warning() -> None:
    same, other = np.full((5, 1), 3.0), np.arange(5.0)[:, None]
    assert np.isnan(r.r2(same, other))
    assert np.isnan(r.spearman(same, other))
    assert np.isnan(r.spearman(other, same))
