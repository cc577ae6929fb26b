"""RandAugment: a few changes of a picture, drawn anew each time, all of one strength."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from PIL import Image

HIGHEST = 30
"""The magnitude that stands for the strongest change, as in the paper."""

GREY = (115, 115, 115)
"""What is seen beyond the edge: the mean of photographs."""


def rand_augment(picture: np.ndarray, operations: int, magnitude: int) -> np.ndarray:
    """Return a picture after some changes of the paper's fourteen.

    Cubuk et al., RandAugment, NeurIPS 2020, section 3; the range of each change is theirs. Drawn
    from torch's own generator, so a training repeats.

    Args:
        picture: (h w 3) uint8.
        operations: how many changes, N of the paper.
        magnitude: their strength, M of the paper, 0 to 30.
    """
    from PIL import Image

    image = Image.fromarray(picture)
    for number in torch.randint(0, len(OPERATIONS), (operations,)).tolist():
        sign = 1 if torch.rand(()) < 0.5 else -1
        image = OPERATIONS[number](image, magnitude / HIGHEST, sign)
    return np.asarray(image)


def _affine(image: Image.Image, *matrix: float) -> Image.Image:
    from PIL import Image

    changed: Image.Image = image.transform(
        image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=GREY
    )
    return changed


def _rotate(image: Image.Image, strength: float, sign: int) -> Image.Image:
    from PIL import Image

    return image.rotate(sign * 30 * strength, Image.Resampling.BILINEAR, fillcolor=GREY)


def _shear_x(image: Image.Image, strength: float, sign: int) -> Image.Image:
    return _affine(image, 1, sign * 0.3 * strength, 0, 0, 1, 0)


def _shear_y(image: Image.Image, strength: float, sign: int) -> Image.Image:
    return _affine(image, 1, 0, 0, sign * 0.3 * strength, 1, 0)


def _shift_x(image: Image.Image, strength: float, sign: int) -> Image.Image:
    return _affine(image, 1, 0, sign * 0.3 * strength * image.width, 0, 1, 0)


def _shift_y(image: Image.Image, strength: float, sign: int) -> Image.Image:
    return _affine(image, 1, 0, 0, 0, 1, sign * 0.3 * strength * image.height)


def _enhance(kind: str) -> Operation:
    def change(image: Image.Image, strength: float, sign: int) -> Image.Image:
        from PIL import ImageEnhance

        changed: Image.Image = getattr(ImageEnhance, kind)(image).enhance(1 + sign * 0.9 * strength)
        return changed

    return change


def _solarize(image: Image.Image, strength: float, sign: int) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.solarize(image, round(256 * (1 - strength)))


def _posterize(image: Image.Image, strength: float, sign: int) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.posterize(image, 8 - round(4 * strength))


def _automatic(kind: str) -> Operation:
    def change(image: Image.Image, strength: float, sign: int) -> Image.Image:
        from PIL import ImageOps

        changed: Image.Image = getattr(ImageOps, kind)(image)
        return changed

    return change


def _identity(image: Image.Image, strength: float, sign: int) -> Image.Image:
    return image


Operation = Callable[["Image.Image", float, int], "Image.Image"]

OPERATIONS: tuple[Operation, ...] = (
    _identity,
    _automatic("autocontrast"),
    _automatic("equalize"),
    _rotate,
    _solarize,
    _enhance("Color"),
    _posterize,
    _enhance("Contrast"),
    _enhance("Brightness"),
    _enhance("Sharpness"),
    _shear_x,
    _shear_y,
    _shift_x,
    _shift_y,
)
