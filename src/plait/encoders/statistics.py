"""Encoders that describe a row by fixed statistics, each scaled by its own spread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.encoders.encoder import Encoder, present_of
from plait.encoders.reduction import ScaledReduction
from plait.types import Features

FITTED_ON = 10_000
"""Rows that the scales and components are learned from, at most."""

Numbers = tuple[np.ndarray]
"""(k) float32, NaN where a number is missing."""


class Statistics(Encoder):
    """Numbers of each row, scaled and reduced; trees read them as they are."""

    costly = True

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduction = ScaledReduction(width)

    @property
    def width(self) -> int:
        """The components that are kept."""
        return self.reduction.width

    @abstractmethod
    def preprocess(self, value: Any) -> Numbers:
        """Return the statistics of one decoded value."""

    def fit(self, samples: Sequence[Numbers | None], target: np.ndarray, seed: int) -> None:
        """Learn the scales and the components."""
        chosen = present_of(samples, FITTED_ON, seed)
        if chosen:
            self.reduction.fit(_stacked(chosen), seed)

    def encode(self, samples: Sequence[Numbers]) -> Features:
        """Return one token a row."""
        return Features.of_vectors(self.reduction(_stacked(samples)))

    def matrix(self, samples: Sequence[Numbers | None]) -> np.ndarray:
        """Return (b k), NaN where missing."""
        width = max((len(sample[0]) for sample in samples if sample is not None), default=0)
        width = width or max(len(self.reduction.mean), 1)
        gap = np.full(width, np.nan, np.float32)
        return np.stack([gap if sample is None else sample[0] for sample in samples])


def _stacked(samples: Sequence[Numbers]) -> Tensor:
    return torch.from_numpy(np.stack([sample[0] for sample in samples]).astype(np.float32))
