"""The contract of an encoder: one source in, Features out, its preparation included."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import nn

from plait.layers import Fitted
from plait.types import Features, Sample

Matrix: TypeAlias = np.ndarray | csr_matrix
"""(n d): the same rows for experts that are not networks; sparse, or dense with NaN for missing."""


class Encoder(Fitted, ABC):
    """Reads one source; `__init__` stores settings, `fit` learns, `forward` encodes.

    `costly` says that `preprocess` is worth keeping on disk between uses. A `trained` encoder gets
    its weights together with the network it is part of; the others are frozen once fitted.
    """

    costly: bool = False
    trained: ClassVar[bool] = False

    @property
    @abstractmethod
    def width(self) -> int:
        """The width d of the Features, known once fitted."""

    @abstractmethod
    def preprocess(self, value: Any) -> Sample:
        """Return one decoded value as a sample; safe to call from several threads."""

    @abstractmethod
    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Learn from the training rows alone.

        Args:
            samples: (n) samples; None where missing.
            target: (n c) what is to be predicted, as `Target.encode` gives it.
            seed: of everything random.
        """

    def fit_encode(
        self, samples: Sequence[Sample | None], target: np.ndarray, seed: int
    ) -> Features | None:
        """Learn, and return the training rows' Features where they must differ from `forward`'s.

        Target statistics need it: a training row must not see its own target. None means that
        `forward` serves for training rows too.
        """
        self.fit(samples, target, seed)
        return None

    def prepared_by(self, other: Encoder) -> None:
        """Take over what another of the same settings decided when it prepared the samples."""
        return

    def rates(self) -> dict[nn.Parameter, float]:
        """Return the highest learning rate of each weight that has one of its own."""
        return {}

    @property
    def code_columns(self) -> list[int]:
        """Which columns of `matrix` are level codes, without order."""
        return []

    @abstractmethod
    def encode(self, samples: Sequence[Sample]) -> Features:
        """Return Features of (b) samples, none of them missing."""

    def forward(self, samples: Sequence[Sample | None]) -> Features:
        """Return Features of (b) samples; rows of None are missing."""
        present = torch.tensor([sample is not None for sample in samples], dtype=torch.bool)
        there = [sample for sample in samples if sample is not None]
        if there:
            return self.encode(there).spread(present)
        return Features.from_pooled(torch.zeros(len(samples), self.width), present)

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        """Return the characters of a text, first and one past the last, that each token stands for.

        None where the tokens are no pieces of a text.
        """
        return None

    def matrix(self, samples: Sequence[Sample | None]) -> Matrix | None:
        """Return (b k) values for experts that are not networks, None to give them the Features."""
        return None


def present_of(samples: Sequence[Sample | None], most: int, seed: int) -> list[Sample]:
    """Return at most `most` of the samples that are there, drawn without repeats, in order."""
    rows = np.random.default_rng(seed).permutation(len(samples))
    chosen: list[tuple[int, Sample]] = []
    for row in rows:
        sample = samples[int(row)]
        if sample is not None:
            chosen.append((int(row), sample))
        if len(chosen) == most:
            break
    return [sample for _, sample in sorted(chosen, key=lambda pair: pair[0])]
