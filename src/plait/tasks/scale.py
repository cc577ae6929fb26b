"""The units that a number is learned in: standard deviations of it, or of its logarithm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

SKEWED = 1.0
"""Skewness above which a positive number is learned as its logarithm: prices, areas, counts."""


@dataclass(frozen=True)
class Scale:
    """A number to units and back: u = (f(y) - center) / spread, with f the logarithm or nothing.

    Attributes:
        log: whether f is the natural logarithm.
        center: mean of f(y).
        spread: standard deviation of f(y).
        low: smallest u that is believed, the least seen less one.
        high: largest u that is believed, the most seen and one.
    """

    log: bool
    center: float
    spread: float
    low: float
    high: float

    @classmethod
    def learn(cls, numbers: np.ndarray) -> Scale:
        """Return the scale of (n) training values, not all equal."""
        values = np.asarray(numbers, dtype=np.float64)
        log = bool(
            values.min() > 0 and _skewness(values) > max(SKEWED, abs(_skewness(np.log(values))))
        )
        values = np.log(values) if log else values
        center, spread = float(values.mean()), float(values.std())
        low, high = ((values.min() - center) / spread, (values.max() - center) / spread)
        return cls(log, center, spread, float(low) - 1, float(high) + 1)

    def to_units(self, values: Tensor) -> Tensor:
        """Return values in units, of the same shape; what has no logarithm counts as the least."""
        if self.log:
            least = math.exp(self.center + self.spread * self.low)
            values = values.clamp_min(least).log()
        return (values - self.center) / self.spread

    def from_units(self, units: Tensor) -> Tensor:
        """Return units as values, of the same shape.

        Units of a logarithm are kept within what is believed: beyond it the exponential makes
        a small error enormous.
        """
        if not self.log:
            return units * self.spread + self.center
        return torch.exp(units.clamp(self.low, self.high) * self.spread + self.center)


def _skewness(values: np.ndarray) -> float:
    away = values - values.mean()
    return float(((away / max(away.std(), 1e-300)) ** 3).mean())
