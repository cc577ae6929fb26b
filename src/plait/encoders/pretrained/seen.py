"""Pictures as a vision-language model sees them: by its own tower and projection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.data.image import Picture
from plait.encoders.encoder import Encoder
from plait.encoders.pictures import by_row, grid_places
from plait.encoders.pretrained.pixels import Pixels
from plait.types import Features, Sample

TILING = ("idefics3", "smolvlm")
"""Families that read several tiles of a picture; here it has one, the whole."""


class Seen(Encoder):
    """The tokens that stand in the place of a picture in what the model reads.

    Args:
        folder: of the model.
        network: the model, which stays the one that writes.
        width: d of its tokens.
        opens: tokens of the model's words that stand before every picture.
        closes: those that stand after it.
    """

    trained = True
    costly = True

    def __init__(
        self,
        folder: Path,
        network: Any,
        width: int,
        opens: Sequence[int] = (),
        closes: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.pixels, self._width, self.marks = Pixels(folder), width, (opens, closes)
        self.network = [network]  # in a list, so that it is no part of this one

    @property
    def width(self) -> int:
        """That of the model's tokens."""
        return self._width

    def preprocess(self, value: Sequence[Picture]) -> tuple[np.ndarray, ...]:
        """Return (k 3 h w) of a row's k pictures."""
        return (self.pixels.prepare(value),)

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Nothing is to be learned."""

    def encode(self, samples: Sequence[tuple[np.ndarray, ...]]) -> Features:
        """Return the tokens of every row's pictures, with their places, and what marks the ends."""
        (network,) = self.network
        pixels = self.pixels.normalise(np.concatenate([sample[0] for sample in samples]))
        if network.config.model_type in TILING:
            pixels = pixels[:, None]
        output = network.get_image_features(pixel_values=pixels.to(network.device))
        found = output.pooler_output
        tokens: Tensor = found if isinstance(found, Tensor) else torch.stack(list(found))
        side = int(tokens.shape[1] ** 0.5)
        grid = (side, side) if side * side == tokens.shape[1] else (1, tokens.shape[1])
        nowhere = [torch.full((len(own), 2), torch.nan) for own in self.marks]
        places = torch.cat([nowhere[0], grid_places(*grid), nowhere[1]])
        opens, closes = (self._words(own, tokens) for own in self.marks)
        whole = torch.cat([opens, tokens, closes], dim=1)
        return by_row(whole, places, [len(sample[0]) for sample in samples])

    def _words(self, numbers: Sequence[int], tokens: Tensor) -> Tensor:
        """Return (n k d) the vectors of some of the model's words, for each of n pictures."""
        (network,) = self.network
        words = torch.tensor(list(numbers), dtype=torch.long, device=tokens.device)
        vectors: Tensor = network.get_input_embeddings()(words)
        return vectors.to(tokens.dtype).expand(len(tokens), -1, -1)
