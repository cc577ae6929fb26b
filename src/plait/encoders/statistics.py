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

PERCENTILES = (10, 50, 90)

FITTED_ON = 10_000
"""Rows that the scales and components are learned from, at most."""

Numbers = tuple[np.ndarray]
"""(k) float32, NaN where a number is missing."""


class Statistics(Encoder):
    """Numbers of each row, each scaled by its own spread, then reduced."""

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


def _stacked(samples: Sequence[Numbers]) -> Tensor:
    return torch.from_numpy(np.stack([sample[0] for sample in samples]).astype(np.float32))


def in_parts(frames: np.ndarray, parts: int) -> np.ndarray:
    """Return (parts * d) of (t d): the mean of each of so many equal parts of the time.

    Statistics of the whole are the same forwards and backwards; these are not.
    """
    edges = np.linspace(0, len(frames), parts + 1)
    starts = np.floor(edges[:-1]).astype(int)
    ends = np.maximum(np.ceil(edges[1:]).astype(int), starts + 1)
    found = [frames[start:end].mean(axis=0) for start, end in zip(starts, ends, strict=True)]
    return np.concatenate(found)


def over_time(frames: np.ndarray) -> np.ndarray:
    """Return (7 * d) of (t d): mean, spread, percentiles; mean size and spread of the steps."""
    steps = np.diff(frames, axis=0) if len(frames) > 1 else np.zeros_like(frames)
    found = [
        frames.mean(axis=0),
        frames.std(axis=0),
        *np.percentile(frames, PERCENTILES, axis=0),
        np.abs(steps).mean(axis=0),
        steps.std(axis=0),
    ]
    return np.concatenate(found)
