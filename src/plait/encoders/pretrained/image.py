"""Pretrained networks for pictures: ViT, DINO, ConvNeXt, and the one side of CLIP and SigLIP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.data.image import Picture
from plait.encoders.pictures import by_row, grid_places
from plait.encoders.pretrained.backbone import Towered, require_output
from plait.encoders.pretrained.naflex import NaFlexBackbone
from plait.encoders.pretrained.pixels import Pixels
from plait.encoders.pretrained.shared import load_shared
from plait.encoders.pretrained.weights import read_json
from plait.errors import ModelError
from plait.types import Features

CLASS_TOKEN = ("vit", "deit", "vit_msn", "vit_mae", "data2vec-vision")
"""Families whose heads read the first token; what their code calls a pooler was not pretrained."""


class ImageTower(nn.Module):
    """From (n 3 h w) pixels to the vectors (n p) that the authors use, and hidden states."""

    def __init__(self, network: Any, folder: Path) -> None:
        super().__init__()
        self.network, self.folder = network, folder

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors, and (n t d) tokens or an (n d h w) map."""
        if _joint(self.network):
            output = self.network.get_image_features(pixel_values=pixels)
            vector = require_output(output, "pooler_output", self.folder)
            return vector, require_output(output, "last_hidden_state", self.folder)
        output = self.network(pixel_values=pixels)
        hidden = require_output(output, "last_hidden_state", self.folder)
        return self._vector(output, hidden), hidden

    def _vector(self, output: Any, hidden: Tensor) -> Tensor:
        if self.network.config.model_type in CLASS_TOKEN:
            return hidden[:, 0]
        pooled = getattr(output, "pooler_output", None)
        if pooled is not None and not self.network.without_pooler:
            return pooled.flatten(1)
        return hidden.mean(dim=(2, 3)) if hidden.ndim == 4 else hidden.mean(dim=1)


class ImageBackbone(Towered):
    """One or several pictures a row; the vector is their mean, the tokens stand side by side.

    The vector is what the authors of a model use: the projection that texts are compared with
    (CLIP), the attention-pooled one (SigLIP), the class token after the last normalisation (ViT,
    DINO), or the mean over places (convolutional networks).

    Raises:
        ModelError: when the model reads no pictures.
    """

    kind = "image"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pixels = Pixels(folder)
        self.network = load_shared(folder)
        if self.network.main_input_name != "pixel_values" and not _joint(self.network):
            raise ModelError(
                f"The model in {str(folder)!r} reads {self.network.main_input_name}, not pictures."
            )
        self.tower = ImageTower(self.network, folder)

    def prepare(self, value: Sequence[Picture]) -> tuple[np.ndarray, ...]:
        """Return (k 3 h w) of a row's k pictures."""
        return (self.pixels.prepare(value),)

    def inputs(self, samples: Sequence[tuple[np.ndarray, ...]]) -> tuple[Tensor, ...]:
        """Return (n 3 h w) of all pictures of all rows."""
        return (self.pixels.normalise(np.concatenate([sample[0] for sample in samples])),)

    def features(
        self, samples: Sequence[tuple[np.ndarray, ...]], pooled: Tensor, hidden: Tensor
    ) -> Features:
        """Return Features; tokens are patches or cells with their places."""
        counts = [len(sample[0]) for sample in samples]
        if hidden.ndim == 4:  # of convolutional networks
            grid, tokens = tuple(hidden.shape[2:]), hidden.flatten(2).transpose(1, 2)
        else:  # class tokens and registers come before the patches
            grid = self._grid(hidden.shape[1], *samples[0][0].shape[2:])
            tokens = hidden[:, hidden.shape[1] - grid[0] * grid[1] :]
        features = by_row(tokens, grid_places(*grid), counts)
        means = torch.stack([own.mean(dim=0) for own in pooled.split(counts)])
        return features.with_tokens(features.tokens, means)

    def _grid(self, tokens: int, height: int, width: int) -> tuple[int, int]:
        """Return how many patches lie below and beside each other."""
        config = getattr(self.network.config, "vision_config", self.network.config)
        patch = getattr(config, "patch_size", None)
        if isinstance(patch, int) and (height // patch) * (width // patch) <= tokens:
            return height // patch, width // patch
        side = int(tokens**0.5)  # of networks that merge patches on their way
        return side, side


def image_backbone(folder: Path) -> Towered:
    """Return the network of a folder for pictures, of a fixed size or in their own proportions.

    Raises:
        ModelError: when the model reads no pictures.
    """
    flexible = str(read_json(folder, "config.json").get("model_type")).startswith("siglip2")
    return NaFlexBackbone(folder) if flexible else ImageBackbone(folder)


def _joint(network: Any) -> bool:
    return hasattr(network, "get_image_features")
