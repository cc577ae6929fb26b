"""Pictures for encoders that are trained: squares of one size, flipped and shifted in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from plait.data.image import Picture
from plait.encoders.rand_augment import rand_augment
from plait.encoders.trained import Stem, TrainedConfig
from plait.types import Features

Pixels = tuple[Tensor, list[int]]

MEAN, SPREAD = 0.45, 0.26
"""Of the pixels of photographs, in 0..1."""

SHIFT = 8
"""A picture is shifted by up to one part in so many of its side."""


def squares(pictures: Sequence[Picture], side: int) -> np.ndarray:
    """Return (k side side 3) uint8: pictures, stretched to a square."""
    resized = [cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in pictures]
    return np.stack(resized)


def normalised(samples: Sequence[np.ndarray]) -> Pixels:
    """Return all pictures of (b) samples, (n 3 h w) near -2..2, and how many each sample has."""
    pixels = torch.from_numpy(np.concatenate(samples)).permute(0, 3, 1, 2)
    return (pixels.float() / 255 - MEAN) / SPREAD, [len(sample) for sample in samples]


def shown(samples: Sequence[np.ndarray], config: TrainedConfig, learns: bool) -> Pixels:
    """Return (n 3 h w) of all pictures of (b) samples, changed at random while a network learns.

    Returns:
        The pixels, and how many pictures each sample has.
    """
    if learns and config.operations:
        samples = [
            np.stack([rand_augment(p, config.operations, config.magnitude) for p in sample])
            for sample in samples
        ]
    pixels, counts = normalised(samples)
    return augmented(pixels) if learns and config.augment else pixels, counts


def augmented(pixels: Tensor) -> Tensor:
    """Return (n 3 h w), each picture mirrored by chance and shifted by a few pixels."""
    count, _, side, _ = pixels.shape
    mirrored = torch.rand(count) < 0.5
    pixels = torch.where(mirrored[:, None, None, None], pixels.flip(3), pixels)
    most = side // SHIFT
    padded = nn.functional.pad(pixels, (most, most, most, most), mode="replicate")
    top, left = torch.randint(0, 2 * most + 1, (2, count)).tolist()
    return torch.stack([
        picture[:, y : y + side, x : x + side]
        for picture, y, x in zip(padded, top, left, strict=True)
    ])  # fmt: skip


def grid_places(height: int, width: int) -> Tensor:
    """Return (height * width 2): the centres of a grid's cells, in 0..1, rows first."""
    rows = (torch.arange(height) + 0.5) / height
    columns = (torch.arange(width) + 0.5) / width
    return torch.cartesian_prod(rows, columns)


def by_row(tokens: Tensor, places: Tensor, counts: Sequence[int]) -> Features:
    """Return the tokens of all pictures of a row side by side.

    With their mean as the pooled vector, the order of a row's pictures does not matter: a deep set
    (Zaheer et al., NeurIPS 2017, section 2.2).

    Args:
        tokens: (n t d), of all pictures.
        places: (t 2), of the tokens in their picture.
        counts: (b) pictures of each row.
    """
    if set(counts) == {1}:
        mask = tokens.new_ones(tokens.shape[:2]).bool()
        return replace(Features.of_tokens(tokens, mask), place=places.expand(len(tokens), -1, -1))
    most, length = max(counts), tokens.shape[1]
    rows = [nn.functional.pad(own.flatten(0, 1), (0, 0, 0, (most - len(own)) * length))
            for own in tokens.split(list(counts))]  # fmt: skip
    mask = torch.arange(most * length) < torch.tensor(counts)[:, None] * length
    place = places.repeat(most, 1).expand(len(counts), -1, -1)
    return replace(Features.of_tokens(torch.stack(rows), mask), place=place)


class Patches(Stem):
    """Squares of a picture, each mapped from its pixels (Dosovitskiy et al., ICLR 2021, 3.1)."""

    costly = True

    def __init__(self, config: TrainedConfig) -> None:
        super().__init__()
        self.config = config
        self.map = nn.Conv2d(3, config.width, config.patch, stride=config.patch)

    def preprocess(self, value: list[Picture]) -> np.ndarray:
        """Return (k side side 3) uint8."""
        return squares(value, self.config.side)

    def fit(self, samples: Sequence[np.ndarray | None]) -> None:
        """Make new weights."""
        self.map.reset_parameters()

    def forward(self, samples: Sequence[np.ndarray]) -> Features:
        """Return a token a patch, with its place."""
        pixels, counts = shown(samples, self.config, self.training)
        patches = self.map(pixels)
        tokens = patches.flatten(start_dim=2).transpose(1, 2)
        return by_row(tokens, grid_places(*patches.shape[2:]), counts)
