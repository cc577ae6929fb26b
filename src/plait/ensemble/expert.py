"""The contract of an expert: encoded rows in, scores out; whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from plait.cache import Encoded
from plait.errors import ModelError
from plait.layers import bytes_of
from plait.tasks.target import Target
from plait.train.record import Record

NOTHING = Record()
"""Keeps nothing."""


@dataclass(frozen=True)
class State:
    """What was learned, in the three forms that a model folder holds.

    Attributes:
        tensors: for `weights.safetensors`.
        facts: plain JSON, for `plait.json`.
        trees: LightGBM's own text, for `trees.txt`.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    trees: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes, as stored."""
        return bytes_of(self.tensors.values()) + sum(map(len, self.trees))


class Expert(ABC):
    """Predicts the target from some sources.

    `predict` gives (n c) scores; a row that has none of the sources is a row of NaN, which every
    combiner passes over.
    """

    def __init__(self, sources: tuple[str, ...], target: Target) -> None:
        self.sources, self.target = tuple(sorted(sources)), target

    @abstractmethod
    def fit(
        self,
        rows: Encoded,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        record: Record = NOTHING,
    ) -> None:
        """Learn.

        Args:
            rows: n of them, encoded.
            target: (n c).
            weight: (n).
            seed: of everything random.
            record: what a long training keeps while it runs, and goes on from if it was killed.
        """

    @abstractmethod
    def scores(self, rows: Encoded) -> np.ndarray:
        """Return (n c) scores of rows that have at least one of the sources."""

    @abstractmethod
    def state(self) -> State:
        """Return what was learned."""

    @abstractmethod
    def load(self, state: State) -> None:
        """Take back what `state` gave."""

    def predict(self, rows: Encoded) -> np.ndarray:
        """Return (n c) scores, rows of NaN where all sources are missing.

        Raises:
            ModelError: when a score is not finite.
        """
        present = rows.present(self.sources).numpy()
        predicted = np.full((len(rows), self.target.width), np.nan)
        if present.any():
            scores = self.scores(rows if present.all() else rows.take(present))
            predicted[present] = _finite(scores, type(self).__name__)
        return predicted

    def present_rows(
        self, rows: Encoded, target: np.ndarray, weight: np.ndarray
    ) -> tuple[Encoded, np.ndarray, np.ndarray]:
        """Return the rows that have at least one of the sources, with target and weight."""
        present = rows.present(self.sources).numpy()
        if present.all() or not present.any():
            return rows, target, weight
        return rows.take(present), target[present], weight[present]


def _finite(scores: np.ndarray, name: str) -> np.ndarray:
    """Return the scores; NaN would be taken for a row without any source."""
    if not np.isfinite(scores).all():
        raise ModelError(
            f"{name} gave scores that are not finite, so it did not learn; lower "
            "train.learning_rate, or look at the numbers of the table with `plait check`."
        )
    return scores
