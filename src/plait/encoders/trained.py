"""Encoders whose weights are learned with their network: a stem makes tokens, a body reads them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import nn

from plait.chance import seeded
from plait.config import check_range
from plait.encoders.encoder import Encoder
from plait.encoders.rand_augment import HIGHEST
from plait.errors import ConfigError
from plait.layers import Fitted, renew
from plait.types import Features, Sample


@dataclass(frozen=True)
class TrainedConfig:
    """Settings of the encoders that are trained; each reads those that it has a use for.

    Attributes:
        width: of the tokens, and of the pooled vector.
        layers: of the body; 0 leaves every token to itself, as pointing wants it. Recurrent and
            residual networks have one at least.
        heads: of attention.
        dropout: share of features dropped in training.
        vocabulary: most subwords of a text column.
        longest: most subwords of one text; the rest is cut off.
        side: height and width that pictures and frames are brought to, in pixels.
        patch: side of the patches that a picture is cut into, in pixels; it divides `side`.
        augment: flip and shift pictures, and hide parts of spectra, at random in training.
        operations: changes drawn for every picture in training, N of RandAugment.
        magnitude: how strong these are, M of RandAugment.
    """

    width: int = 128
    layers: int = 2
    heads: int = 4
    dropout: float = 0.1
    vocabulary: int = 8000
    longest: int = 128
    side: int = 64
    patch: int = 8
    augment: bool = True
    operations: int = 0
    magnitude: int = 9

    def __post_init__(self) -> None:
        check_range(self, "width", 8, 65536)
        check_range(self, "layers", 0, 100)
        check_range(self, "heads", 1, 1024)
        check_range(self, "dropout", 0.0, 0.9)
        check_range(self, "vocabulary", 300, 1_000_000)
        check_range(self, "longest", 1, 65536)
        check_range(self, "side", 8, 1024)
        check_range(self, "patch", 1, self.side)
        check_range(self, "operations", 0, 100)
        check_range(self, "magnitude", 0, HIGHEST)
        if self.side % self.patch:
            raise ConfigError(
                f"Setting 'side' must be a multiple of 'patch', found {self.side} and {self.patch}."
            )


class Stem(Fitted, ABC):
    """The first half of a trained encoder: it prepares a modality, and makes its tokens.

    `costly` says that `preprocess` is worth keeping on disk between uses.
    """

    costly: ClassVar[bool] = False

    @abstractmethod
    def preprocess(self, value: Any) -> Sample:
        """Return one decoded value as a sample; safe to call from several threads."""

    @abstractmethod
    def fit(self, samples: Sequence[Sample | None]) -> None:
        """Learn what must be known before there can be weights, and make new weights."""

    @abstractmethod
    def forward(self, samples: Sequence[Sample]) -> Features:
        """Return the tokens of (b) samples, none of them missing."""

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        """Return the characters of a text that each token stands for; see `Encoder`."""
        return None


class TrainedEncoder(Encoder):
    """A stem and a body.

    Args:
        stem: makes tokens of width d.
        body: Features in, Features of the same width out.
        width: d.
    """

    trained = True

    def __init__(self, stem: Stem, body: nn.Module, width: int) -> None:
        super().__init__()
        self.stem, self.body, self._width = stem, body, width
        self.costly = stem.costly

    @property
    def width(self) -> int:
        """The width of the settings."""
        return self._width

    def preprocess(self, value: Any) -> Sample:
        """Return what the stem makes of a value."""
        return self.stem.preprocess(value)

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Let the stem learn what is no weight; the weights are new, and come from the seed."""
        with seeded(seed):
            self.stem.fit(samples)
            renew(self.body)

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        """Return what the stem says; no body changes the number of tokens."""
        return self.stem.spans(text)

    def encode(self, samples: Sequence[Sample]) -> Features:
        """Return the tokens that the body made, and their pooled vector."""
        features: Features = self.body(self.stem(samples))
        return features
