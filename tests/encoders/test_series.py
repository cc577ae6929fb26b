"""Series and vectors: statistics by hand, steps with their times, long ones averaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.data.series import Series, read_series
from plait.encoders.classical_series import (
    ClassicalSeries,
    ClassicalVector,
    SeriesConfig,
    VectorConfig,
    autocorrelations,
    band_energies,
    filled,
    slopes,
)
from plait.encoders.reduction import LIMIT, ScaledReduction, scaled, scales
from plait.encoders.series import SeriesSteps, VectorToken
from plait.encoders.trained import TrainedConfig

RNG = np.random.default_rng(0)


def test_gaps_are_filled_in_straight_lines() -> None:
    values = np.array([[np.nan, 1], [2, np.nan], [np.nan, np.nan], [8, np.nan]])
    assert filled(values).tolist() == [[2, 1], [2, 1], [5, 1], [8, 1]]
    assert filled(np.full((2, 1), np.nan)).tolist() == [[0], [0]]


def test_slopes_equal_polyfit() -> None:
    values, times = RNG.normal(size=(30, 2)), np.sort(RNG.random(30)) * 9
    expected = [np.polyfit(times, column, 1)[0] for column in values.T]
    assert slopes(values, times) == pytest.approx(expected)
    assert slopes(np.ones((1, 2)), np.zeros(1)).tolist() == [0, 0]


def test_autocorrelations_by_hand() -> None:
    values = np.array([[1.0], [3], [2], [6]])
    a = values[:, 0] - 3
    power = (a**2).sum()
    expected = [(a[0] * a[1] + a[1] * a[2] + a[2] * a[3]) / power,
                (a[0] * a[2] + a[1] * a[3]) / power, a[0] * a[3] / power, 0]  # fmt: skip
    assert autocorrelations(values, 4)[:, 0] == pytest.approx(expected)


def test_a_wave_has_its_energy_in_its_band() -> None:
    times = np.arange(64)
    waves = np.stack([np.sin(2 * np.pi * k * times / 64) for k in (2, 30)], axis=1)
    found = band_energies(waves, 4)
    assert found.sum(axis=0) == pytest.approx([1, 1])
    assert found.argmax(axis=0).tolist() == [0, 3]
    assert np.isfinite(band_energies(np.ones((1, 1)), 4)).all()


def test_one_length_of_statistics_whatever_the_series() -> None:
    encoder = ClassicalSeries(SeriesConfig(lags=3, bands=4))
    sizes = {
        len(encoder.preprocess(read_series(RNG.normal(size=(steps, 2))))[0])
        for steps in (1, 2, 7, 300)
    }
    assert sizes == {2 * (7 + 4 + 1 + 3 + 4 + 1) + 2}


def test_scales_and_cuts() -> None:
    values = torch.tensor([[1.0, 5, np.nan], [3, 5, np.nan], [np.nan, 5, np.nan]])
    mean, spread = scales(values)
    assert mean.tolist() == [2, 5, 0]
    assert spread.tolist() == [1, 1, 1]
    found = scaled(torch.tensor([[4.0, np.nan, 1000]]), mean, spread)
    assert found.tolist() == [[2, 0, LIMIT]]
    assert ScaledReduction(4)(values).tolist() == [[0], [0], [0]]


def test_vectors_are_scaled_and_reduced() -> None:
    encoder = ClassicalVector(VectorConfig(width=3))
    rows = [(RNG.normal(size=8).astype(np.float32) * [1, 100, *[1e-3] * 6],) for _ in range(50)]
    rows = [(row[0].astype(np.float32),) for row in rows]
    encoder.fit(rows, np.zeros((50, 1)), 0)
    assert encoder.width == 3
    assert encoder(rows).pooled.shape == (50, 3)


def test_steps_are_scaled_gaps_are_marked_and_times_kept() -> None:
    torch.manual_seed(0)
    stem = SeriesSteps(1, SeriesConfig(), TrainedConfig(width=8))
    one = Series(np.array([[10.0], [np.nan], [14]], np.float32), np.array([0, 0.5, 2], np.float32))
    two = Series(np.array([[12.0]], np.float32), np.zeros(1, np.float32))
    samples = [stem.preprocess(one), stem.preprocess(two)]
    stem.fit([*samples, None])
    found = stem(samples)
    assert found.mask.tolist() == [[True, True, True], [True, False, False]]
    assert found.time[0].tolist() == [0, 0.5, 2]
    weight, bias = stem.map.weight.detach(), stem.map.bias.detach()
    spread = np.sqrt(8 / 3)
    assert torch.allclose(found.tokens[0, 0], weight[:, 0] * (-2 / spread) + bias, atol=1e-5)
    since = weight[:, 2] * np.log(1.5)
    assert torch.allclose(found.tokens[0, 1], weight[:, 1] + since + bias, atol=1e-5)


def test_neighbours_of_a_long_series_are_averaged() -> None:
    stem = SeriesSteps(1, SeriesConfig(steps=3), TrainedConfig(width=8))
    values = np.array([[1.0], [3], [np.nan], [5], [7]], np.float32)
    means, times = stem.preprocess(Series(values, np.arange(5, dtype=np.float32)))
    assert means[:, 0].tolist() == [2, 5, 7]
    assert times.tolist() == [0.5, 2.5, 4]


def test_a_vector_is_one_token() -> None:
    torch.manual_seed(0)
    stem = VectorToken(3, TrainedConfig(width=8))
    rows = [np.array(v, np.float32) for v in ([1, 2, 3], [3, np.nan, 3])]
    stem.fit([stem.preprocess(row) for row in rows] + [None])
    found = stem(rows)
    expected = torch.tensor([[-1.0, 0, 0], [1, 0, 0]]) @ stem.map.weight.T + stem.map.bias
    assert torch.allclose(found.pooled, expected, atol=1e-5)
    assert found.tokens.shape == (2, 1, 8)
