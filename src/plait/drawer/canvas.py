"""What is drawn on: pixels, or the latents of an autoencoder; and pictures made squares for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from plait.data.image import Picture
from plait.drawing.flow import Shape
from plait.tasks.draw import to_bytes
from plait.tasks.draw_config import DrawConfig


class Canvas(ABC):
    """From squares of pixels to what a flow goes to, and back; `shape` is that of one."""

    shape: Shape

    @abstractmethod
    def put(self, squares: np.ndarray) -> Tensor:
        """Return (n c h w) of (n side side 3) uint8."""

    @abstractmethod
    def show(self, values: Tensor) -> np.ndarray:
        """Return (n side side 3) uint8 of (n c h w)."""

    @property
    def identity(self) -> str:
        """What the values depend on beside the pictures: a hash of weights; empty without."""
        return ""


class Pixels(Canvas):
    """The pictures themselves; they stay bytes until they are learned from."""

    def __init__(self, side: int) -> None:
        self.shape = Shape(3, side, side)

    def put(self, squares: np.ndarray) -> Tensor:
        """Return (n 3 side side) uint8."""
        return torch.from_numpy(np.ascontiguousarray(squares.transpose(0, 3, 1, 2)))

    def show(self, values: Tensor) -> np.ndarray:
        """Return (n side side 3) uint8 of -1..1."""
        return to_bytes(values).permute(0, 2, 3, 1).numpy()


def squares_of(pictures: Sequence[Picture], config: DrawConfig) -> np.ndarray:
    """Return (n side side 3) uint8 of pictures of any size."""
    return np.stack([square(picture, config) for picture in pictures])


def square(picture: Picture, config: DrawConfig) -> Picture:
    """Return a picture as a square of the side of the settings: its middle, or all of it on white.

    Args:
        picture: (h w 3) uint8.
        config: `side` and `fit`.
    """
    height, width = picture.shape[:2]
    least, most = min(height, width), max(height, width)
    image = Image.fromarray(picture)
    if config.fit == "crop":
        left, top = (width - least) / 2, (height - least) / 2
        box = (left, top, left + least, top + least)
        made = image.resize((config.side, config.side), Image.Resampling.LANCZOS, box)
        return np.asarray(made)
    scale = config.side / most
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    sheet = Image.new("RGB", (config.side, config.side), "white")
    place = ((config.side - size[0]) // 2, (config.side - size[1]) // 2)
    sheet.paste(image.resize(size, Image.Resampling.LANCZOS), place)
    return np.asarray(sheet)
