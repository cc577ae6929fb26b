"""The latents of an autoencoder of diffusers, which stays as it is."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.diffusion.weights import diffusers_of, find_weights
from plait.drawer.canvas import Canvas
from plait.drawing.flow import Shape
from plait.encoders.pretrained.weights import identity, quiet
from plait.errors import ModelError
from plait.tasks.draw import to_bytes

AT_A_TIME = 8
"""Pictures that are encoded or decoded together."""


class Latents(Canvas):
    """Where Rombach and others (CVPR 2022, section 3.1) diffuse: small, smooth, and decoded once.

    A picture is the mean of what the encoder says of it, less the autoencoder's shift, times its
    scale, so that latents have about the spread of the noise.

    Args:
        name: of an `AutoencoderKL`, or of a pipeline that has one: its folder, or on the hub.
        side: of the pictures.

    Raises:
        ModelError: when it cannot be had, or is none.
    """

    def __init__(self, name: str, side: int) -> None:
        self.folder = _folder(name)
        self.network = _loaded(self.folder)
        config = self.network.config
        self.scale = float(config.scaling_factor)
        self.shift = float(getattr(config, "shift_factor", None) or 0.0)
        cell = 2 ** (len(config.block_out_channels) - 1)
        if side % cell:
            raise ModelError(
                f"Autoencoder {name!r} makes one cell of {cell} pixels, and a side of {side} is no "
                "multiple of that; choose another side."
            )
        self.shape = Shape(config.latent_channels, side // cell, side // cell)

    @property
    def identity(self) -> str:
        """A hash of the weights."""
        return identity(self.folder, remember=True)

    @torch.no_grad()
    def put(self, squares: np.ndarray) -> Tensor:
        """Return (n c h w) latents."""
        pictures = torch.from_numpy(squares.transpose(0, 3, 1, 2).copy())
        parts = [
            self.network.encode(part.float() / 127.5 - 1).latent_dist.mode()
            for part in pictures.split(AT_A_TIME)
        ]
        return (torch.cat(parts) - self.shift) * self.scale

    @torch.no_grad()
    def show(self, values: Tensor) -> np.ndarray:
        """Return (n side side 3) uint8."""
        parts = [
            to_bytes(self.network.decode(part / self.scale + self.shift).sample)
            for part in values.float().split(AT_A_TIME)
        ]
        return torch.cat(parts).permute(0, 2, 3, 1).numpy()


def _folder(name: str) -> Path:
    """Return the folder of an autoencoder, or the one inside a pipeline's."""
    folder = find_weights(name)
    return folder / "vae" if (folder / "model_index.json").is_file() else folder


@lru_cache(maxsize=2)
def _loaded(folder: Path) -> Any:
    diffusers = diffusers_of("An autoencoder")
    try:
        with quiet():
            network = diffusers.AutoencoderKL.from_pretrained(folder, use_safetensors=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{str(folder)!r} holds no AutoencoderKL that diffusers can read: {error}"
        ) from error
    return network.eval().requires_grad_(False)
