"""What is compared in a space: one vector a row, or all of its tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from plait.contrastive import cosines, late_cosines
from plait.types import Features

AT_ONCE = 2**24
"""Cosines of pairs of tokens that are in memory at a time."""


@dataclass(frozen=True)
class Vectors:
    """One vector a row.

    Attributes:
        values: (n d), of length 1; rows of NaN are missing.
    """

    values: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        """(n), True where there is none."""
        found: np.ndarray = np.isnan(self.values).any(axis=1)
        return found

    def take(self, rows: np.ndarray) -> Vectors:
        """Return the given rows, (k) long, in their order."""
        return Vectors(self.values[rows])

    def scores(self, other: Vectors) -> np.ndarray:
        """Return (n k), the cosine of each with each of the other side."""
        found: np.ndarray = self.values @ other.values.T
        return found


@dataclass(frozen=True)
class Tokens:
    """All tokens of each row.

    Attributes:
        features: of n rows, pooled to the mean of their tokens.
    """

    features: Features

    @property
    def missing(self) -> np.ndarray:
        """(n), True where there are none."""
        found: np.ndarray = ~self.features.present.numpy()
        return found

    def take(self, rows: np.ndarray) -> Tokens:
        """Return the given rows, (k) long, in their order."""
        return Tokens(self.features.take(torch.from_numpy(rows)))

    @torch.no_grad()
    def scores(self, other: Tokens) -> np.ndarray:
        """Return (n k): each token's nearest cosine in a row of the other side, averaged.

        See `plait.contrastive.late_cosines`; in blocks of as many rows as `AT_ONCE` lets. A side
        with a single token a row, as a vector is, would find but one of the other's: there it is
        the cosine of the means.
        """
        own, theirs = self.features, other.features
        if min(own.mask.shape[1], theirs.mask.shape[1]) == 1:
            return cosines(own.pooled, theirs.pooled).numpy()
        block = max(int((AT_ONCE / own.mask.shape[1] / theirs.mask.shape[1]) ** 0.5), 1)
        rows = [
            torch.cat([
                late_cosines(own.tokens[a], own.mask[a], theirs.tokens[b], theirs.mask[b])
                for b in torch.arange(len(theirs)).split(block)
            ], dim=1)
            for a in torch.arange(len(own)).split(block)
        ]  # fmt: skip
        return torch.cat(rows).numpy()


Side = Vectors | Tokens
"""One side of a search; both sides are of the same kind."""
