"""The classical image encoder: visual words, colour and gradient histograms, each reduced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from plait.config import check_range
from plait.data.image import Picture
from plait.encoders.encoder import Encoder, present_of
from plait.encoders.histograms import colour_histogram, gradient_histogram
from plait.encoders.reduction import Reduction
from plait.encoders.visual_words import SAMPLED_DESCRIPTORS, VisualWords, describe
from plait.errors import ConfigError
from plait.types import Features

FITTED_ON = 4000
"""Pictures that the vocabulary and the components are learned from, at most."""

Parts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Descriptors (k 128) uint8, colours (512) float32, gradients float32."""


@dataclass(frozen=True)
class ClassicalImageConfig:
    """Settings of the classical image encoder.

    Attributes:
        colour: count colours; False sees grey only.
        denoise: filter before looking: `none`, `median` (specks) or `bilateral` (keeps edges).
        equalise: even out the contrast locally (CLAHE).
        side: longest side that key points are looked for at, in pixels.
        hog_side: side that gradients are counted at, in pixels; a multiple of 8.
        words: size of the visual vocabulary.
        pooling: `vlad` or `words`.
        width: components kept of each of the three parts.
    """

    colour: bool = True
    denoise: Literal["none", "median", "bilateral"] = "none"
    equalise: bool = False
    side: int = 128
    hog_side: int = 64
    words: int = 32
    pooling: Literal["words", "vlad"] = "vlad"
    width: int = 128

    def __post_init__(self) -> None:
        check_range(self, "side", 16, 2048)
        check_range(self, "hog_side", 16, 512)
        if self.hog_side % 8:
            raise ConfigError(f"Setting 'hog_side' must be a multiple of 8, found {self.hog_side}.")
        check_range(self, "words", 2, 4096)
        check_range(self, "width", 1, 2048)


class ClassicalImage(Encoder):
    """Pictures to vectors without any pretrained weights; several pictures a cell are averaged."""

    costly = True

    def __init__(self, config: ClassicalImageConfig) -> None:
        super().__init__()
        self.config = config
        self.visual_words = VisualWords(config.words, config.pooling)
        self.reduce_words = Reduction(config.width)
        self.reduce_colours = Reduction(config.width // 2 or 1)
        self.reduce_gradients = Reduction(config.width)

    @property
    def width(self) -> int:
        """The components of all parts together."""
        parts = [self.reduce_words, self.reduce_gradients]
        return sum(part.width for part in parts + [self.reduce_colours] * self.config.colour)

    def preprocess(self, value: list[Picture]) -> Parts:
        """Return the descriptors of all pictures, and their mean histograms."""
        parts = [self._look(picture) for picture in value]
        return (
            np.concatenate([part[0] for part in parts]),
            np.stack([part[1] for part in parts]).mean(axis=0),
            np.stack([part[2] for part in parts]).mean(axis=0),
        )

    def _look(self, picture: Picture) -> Parts:
        picture = self._prepare(picture)
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if self.config.equalise:
            grey = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(4, 4)).apply(grey)
        square = cv2.resize(grey, (self.config.hog_side,) * 2, interpolation=cv2.INTER_AREA)
        return describe(grey), colour_histogram(picture), gradient_histogram(square)

    def _prepare(self, picture: Picture) -> Picture:
        scale = self.config.side / max(picture.shape[:2])
        if scale < 1:
            size = [max(round(length * scale), 1) for length in picture.shape[1::-1]]
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        match self.config.denoise:
            case "median":
                return cv2.medianBlur(picture, 3)
            case "bilateral":
                return cv2.bilateralFilter(picture, 5, 40, 40)
        return picture

    def fit(self, samples: Sequence[Parts | None], target: np.ndarray, seed: int) -> None:
        """Learn the vocabulary and the components from a sample of the pictures."""
        chosen = present_of(samples, FITTED_ON, seed) or [self.preprocess([_BLANK])]
        descriptors = np.concatenate([sample[0] for sample in chosen])
        if len(descriptors) > SAMPLED_DESCRIPTORS:
            drawn = np.random.default_rng(seed).choice(
                len(descriptors), SAMPLED_DESCRIPTORS, replace=False
            )
            descriptors = descriptors[np.sort(drawn)]
        self.visual_words.fit(descriptors, seed)
        pooled, colours, gradients = self._stack(chosen)
        self.reduce_words.fit(pooled, seed)
        self.reduce_colours.fit(colours, seed)
        self.reduce_gradients.fit(gradients, seed)

    def encode(self, samples: Sequence[Parts]) -> Features:
        """Return one token a row: visual words, gradients and colours side by side."""
        pooled, colours, gradients = self._stack(samples)
        parts = [self.reduce_words(pooled), self.reduce_gradients(gradients)]
        if self.config.colour:
            parts.append(self.reduce_colours(colours))
        return Features.of_vectors(torch.cat(parts, dim=1))

    def _stack(self, samples: Sequence[Parts]) -> tuple[Tensor, Tensor, Tensor]:
        pooled = torch.stack([self.visual_words(sample[0]) for sample in samples])
        colours = torch.from_numpy(np.stack([sample[1] for sample in samples]))
        gradients = torch.from_numpy(np.stack([sample[2] for sample in samples]))
        return pooled, colours, gradients


_BLANK = np.full((16, 16, 3), 255, np.uint8)
