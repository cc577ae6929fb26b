"""The classical encoders of series and of vectors: statistics over time; numbers as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plait.config import check_range
from plait.data.series import Series
from plait.encoders.statistics import Numbers, Statistics, over_time


@dataclass(frozen=True)
class SeriesConfig:
    """How series are read, by every encoder of them.

    Attributes:
        steps: most steps that a trained encoder reads; neighbours of a longer series are averaged.
        lags: of the autocorrelation that the classical encoder looks at, in steps: 1 to so many.
        bands: of the spectrum that the classical encoder looks at.
        width: components kept by the classical encoder.
    """

    steps: int = 256
    lags: int = 8
    bands: int = 8
    width: int = 64

    def __post_init__(self) -> None:
        check_range(self, "steps", 2, 100_000)
        check_range(self, "lags", 1, 1000)
        check_range(self, "bands", 1, 1000)
        check_range(self, "width", 1, 2048)


@dataclass(frozen=True)
class VectorConfig:
    """Settings of the classical encoder of vectors.

    Attributes:
        width: components kept.
    """

    width: int = 256

    def __post_init__(self) -> None:
        check_range(self, "width", 1, 65536)


class ClassicalSeries(Statistics):
    """Series to vectors: how high, how spread, how it moves, how it repeats, and how long it is."""

    def __init__(self, config: SeriesConfig) -> None:
        super().__init__(config.width)
        self.config = config

    def preprocess(self, value: Series) -> Numbers:
        """Return (k) float32, the same k for every series of as many numbers a step."""
        gaps = np.isnan(value.values)
        whole = filled(value.values)
        ends = np.stack([whole[0], whole[-1], whole.min(axis=0), whole.max(axis=0)])
        parts = [
            over_time(whole),
            ends.ravel(),
            slopes(whole, value.times),
            autocorrelations(whole, self.config.lags).ravel(),
            band_energies(whole, self.config.bands).ravel(),
            gaps.mean(axis=0),
            [np.log(len(whole)), np.log1p(max(float(value.times[-1]), 0.0))],
        ]
        return (np.concatenate(parts).astype(np.float32),)


def filled(values: np.ndarray) -> np.ndarray:
    """Return (t d) with gaps filled in straight lines between what is known, 0 where nothing is."""
    whole = values.astype(np.float64)
    steps = np.arange(len(whole))
    for column in whole.T:
        known = ~np.isnan(column)
        column[:] = np.interp(steps, steps[known], column[known]) if known.any() else 0.0
    return whole


def slopes(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return (d), the slope of the line of least squares through (t d) over (t) times."""
    away = times - times.mean()
    found: np.ndarray = away @ (values - values.mean(axis=0)) / max(float(away @ away), 1e-12)
    return found


def autocorrelations(values: np.ndarray, lags: int) -> np.ndarray:
    """Return (lags d): the correlation of (t d) with itself so many steps later; 0 beyond its end.

    r_k = sum_t a_t a_(t+k) / sum_t a_t^2 with a = x - mean (Box and Jenkins, 1970, section 2.1).
    """
    away = values - values.mean(axis=0)
    power = np.maximum((away**2).sum(axis=0), 1e-12)
    found = [
        (away[:-lag] * away[lag:]).sum(axis=0) / power
        if lag < len(away)
        else np.zeros(values.shape[1])
        for lag in range(1, lags + 1)
    ]
    return np.stack(found)


def band_energies(values: np.ndarray, bands: int) -> np.ndarray:
    """Return (bands d): the share of the variance of (t d) in equal bands of its spectrum."""
    power = np.abs(np.fft.rfft(values - values.mean(axis=0), axis=0)[1:]) ** 2
    total = np.maximum(power.sum(axis=0), 1e-12)
    found = [part.sum(axis=0) / total for part in np.array_split(power, bands)]
    return np.stack(found)


class ClassicalVector(Statistics):
    """Vectors, each number scaled by its own spread, and reduced when there are many."""

    costly = False

    def __init__(self, config: VectorConfig) -> None:
        super().__init__(config.width)

    def preprocess(self, value: np.ndarray) -> Numbers:
        """Return (k) float32, NaN where a number is missing."""
        return (value.astype(np.float32),)
