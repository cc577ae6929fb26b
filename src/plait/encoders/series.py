"""Stems of series and vectors: a token for every step, or one for all numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from plait.data.series import Series
from plait.encoders.classical_series import SeriesConfig
from plait.encoders.encoder import present_of
from plait.encoders.padding import padded
from plait.encoders.reduction import scaled, scales
from plait.encoders.trained import Stem, TrainedConfig
from plait.layers import renew
from plait.types import Features

FITTED_ON = 2000
"""Rows that the scales are learned from, at most."""


class SeriesSteps(Stem):
    """A token for every step: its numbers in their spreads from the mean, and which are missing.

    And log(1 + the time since the step before), since steps need not be equally far apart (Che et
    al., Recurrent neural networks for multivariate time series with missing values, 2018).
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, size: int, series: SeriesConfig, config: TrainedConfig) -> None:
        super().__init__()
        self.steps = series.steps
        self.map = nn.Linear(2 * size + 1, config.width)
        self.learn(mean=torch.zeros(size), spread=torch.ones(size))

    def preprocess(self, value: Series) -> tuple[np.ndarray, np.ndarray]:
        """Return (t d) float32 and (t) float32 times, of at most so many steps."""
        together = -(-len(value.values) // self.steps)
        if together == 1:
            return value.values, value.times
        groups = np.arange(len(value.values)) // together
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        known = ~np.isnan(value.values)
        counts = np.add.reduceat(known.astype(np.float64), starts)
        totals = np.add.reduceat(np.nan_to_num(value.values).astype(np.float64), starts)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(counts > 0, totals / counts, np.nan)
        times = np.add.reduceat(value.times.astype(np.float64), starts) / np.bincount(groups)
        return means.astype(np.float32), times.astype(np.float32)

    def fit(self, samples: Sequence[tuple[np.ndarray, np.ndarray] | None]) -> None:
        """Learn the scale of each number from some rows, and make new weights."""
        there = [sample[0] for sample in present_of(samples, FITTED_ON, seed=0)]
        if there:
            mean, spread = scales(torch.from_numpy(np.concatenate(there)))
            self.learn(mean=mean, spread=spread)
        renew(self.map)

    def forward(self, samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> Features:
        """Return a token a step, with its time."""
        times = [torch.from_numpy(sample[1]) for sample in samples]
        rows = [
            self._token(torch.from_numpy(sample[0]), own)
            for sample, own in zip(samples, times, strict=True)
        ]
        return padded(rows, times)

    def _token(self, values: Tensor, times: Tensor) -> Tensor:
        values, times = values.to(self.mean.device), times.to(self.mean.device)
        since = times.diff(prepend=times[:1]).log1p()[:, None]
        numbers = scaled(values, self.mean, self.spread)
        token: Tensor = self.map(torch.cat([numbers, values.isnan().float(), since], dim=1))
        return token


class VectorToken(Stem):
    """One token: all numbers in their spreads from the mean, mapped."""

    mean: Tensor
    spread: Tensor

    def __init__(self, size: int, config: TrainedConfig) -> None:
        super().__init__()
        self.map = nn.Linear(size, config.width)
        self.learn(mean=torch.zeros(size), spread=torch.ones(size))

    def preprocess(self, value: np.ndarray) -> np.ndarray:
        """Return (d) float32."""
        return value.astype(np.float32)

    def fit(self, samples: Sequence[np.ndarray | None]) -> None:
        """Learn the scale of each number from some rows, and make new weights."""
        there = present_of(samples, FITTED_ON, seed=0)
        if there:
            mean, spread = scales(torch.from_numpy(np.stack(there)))
            self.learn(mean=mean, spread=spread)
        renew(self.map)

    def forward(self, samples: Sequence[np.ndarray]) -> Features:
        """Return one token a row."""
        values = torch.from_numpy(np.stack(samples)).to(self.mean.device)
        token: Tensor = self.map(scaled(values, self.mean, self.spread))
        return Features.of_vectors(token)
