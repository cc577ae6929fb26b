"""Pictures as a pretrained network wants them: resized, cropped and normalised as it was trained.

The steps are those of `preprocessor_config.json`. They are done here, on 8-bit pixels and in worker
threads, where a probe shows that this gives what the model's own processor gives; else the
processor itself is used. torchvision, which some processors need, is never imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from plait.data.image import Picture
from plait.encoders.pretrained.weights import quiet, read_json
from plait.errors import CellError, ModelError

NEAREST, LANCZOS, BILINEAR, BICUBIC = 0, 1, 2, 3
"""Pillow's numbers of filters."""

TOLERANCE = 2.01
"""The largest difference of a pixel from the processor's own, in levels of 255: rounding, twice.

Pillow from version 13 on takes rows before columns where that is quicker (in tall pictures), and
then cuts off at hard edges elsewhere: by up to 16 levels there, by less than 0.3 in the mean. Torch
keeps the older order, with which the models were trained.
"""

TORCHVISION_ONLY = {
    "DINOv3ViTImageProcessor": {
        "size": {"height": 224, "width": 224},
        "resample": BILINEAR,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "rescale_first": True,
    },
    "Sam2ImageProcessor": {
        "size": {"height": 1024, "width": 1024},
        "resample": BILINEAR,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    },
    "Sam3ImageProcessor": {
        "size": {"height": 1008, "width": 1008},
        "resample": BILINEAR,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    },
}
"""Processors that have no other form, with what their configuration may leave out."""

TILES = ("do_image_splitting", "crop_to_patches")
"""Settings by which processors cut a picture into tiles; here it is seen as a whole."""


@dataclass(frozen=True)
class Steps:
    """What is done with a picture, in this order.

    Attributes:
        shortest: what the shorter side is brought to; 0 leaves the proportions to `size`.
        size: (h, w) that it is stretched to; None where `shortest` is set, or for no resizing.
        crop: (h, w) that is cut from the middle.
        filter: Pillow's number of the filter.
        rescale: by which the pixels are multiplied.
        mean: of the pixels, by colour, after that.
        spread: of them.
        rescale_first: resize real numbers, not 8-bit ones.
    """

    shortest: int
    size: tuple[int, int] | None
    crop: tuple[int, int] | None
    filter: int
    rescale: float
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    rescale_first: bool = False

    def apply(self, picture: Picture) -> np.ndarray:
        """Return (3 h w), of 8 bits unless real numbers are resized.

        Raises:
            CellError: when the picture is so narrow that nothing would be left of it.
        """
        pixels = torch.from_numpy(np.ascontiguousarray(np.moveaxis(picture, 2, 0)))
        if self.rescale_first:
            pixels = pixels.float() * self.rescale
        size = self._size(*pixels.shape[1:])
        if size is not None and size != tuple(pixels.shape[1:]):
            pixels = resize(pixels, size, self.filter)
        if self.crop is not None:
            pixels = centre(pixels, *self.crop)
        return pixels.contiguous().numpy()

    def _size(self, height: int, width: int) -> tuple[int, int] | None:
        if not self.shortest:
            return self.size
        short, long = min(height, width), max(height, width)
        longest = int(self.shortest * long / short)
        if longest > 100 * self.shortest:
            raise CellError(f"is {width}x{height} pixels, too narrow for this network")
        return (longest, self.shortest) if height > width else (self.shortest, longest)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return (n 3 h w) as the network was trained to see them."""
        mean, spread = (torch.tensor(v).view(1, -1, 1, 1) for v in (self.mean, self.spread))
        # In place: a batch is tens of megabytes, and asking for them anew costs most of the time.
        scaled = pixels.clone() if self.rescale_first else pixels.float().mul_(self.rescale)
        return scaled.sub_(mean).div_(spread)


def resize(pixels: Tensor, size: tuple[int, int], filter: int) -> Tensor:
    """Return (3 h w) resized as Pillow does it: torch's filters are Pillow's, and quicker."""
    if filter in (BILINEAR, BICUBIC):
        mode = "bilinear" if filter == BILINEAR else "bicubic"
        return interpolate(pixels[None], size, mode=mode, antialias=True, align_corners=False)[0]
    from PIL import Image

    picture = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    resized = picture.resize((size[1], size[0]), Image.Resampling(filter))
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)


def centre(pixels: Tensor, height: int, width: int) -> Tensor:
    """Return the middle of (3 h w), with black around what is smaller."""
    more = [max(height - pixels.shape[1], 0), max(width - pixels.shape[2], 0)]
    if any(more):  # as the processors share an odd number of pixels out
        up, left = -(-more[0] // 2), -(-more[1] // 2)
        pixels = pad(pixels, (left, more[1] - left, up, more[0] - up))
    top, left = (pixels.shape[1] - height) // 2, (pixels.shape[2] - width) // 2
    return pixels[:, top : top + height, left : left + width]


class Pixels:
    """How pictures are made ready for one model.

    Args:
        folder: of the model.

    Raises:
        ModelError: when its processor cannot be had without torchvision, and is not known here.
    """

    def __init__(self, folder: Path) -> None:
        settings = read_json(folder, "preprocessor_config.json")
        nested = read_json(folder, "processor_config.json").get("image_processor")
        settings = settings or nested or {}
        name = str(settings.get("image_processor_type", "")).removesuffix("Fast")
        if name in TORCHVISION_ONLY:
            self.processor, own = None, {**TORCHVISION_ONLY[name], **settings}
        else:
            self.processor = own_processor(folder)
            for tiling in TILES:
                if getattr(self.processor, tiling, False):
                    setattr(self.processor, tiling, False)
            own = {**vars(self.processor), **settings}
        self.steps = _steps(own)
        if self.processor is not None and self.steps is not None and self._agrees():
            self.processor = None

    def prepare(self, pictures: Sequence[Picture]) -> np.ndarray:
        """Return (k 3 h w) of k pictures."""
        if self.processor is not None:
            return _by(self.processor, pictures)
        assert self.steps is not None
        return np.stack([self.steps.apply(picture) for picture in pictures])

    def normalise(self, pixels: np.ndarray) -> Tensor:
        """Return (n 3 h w) float32 for the network."""
        if self.processor is not None:
            return torch.from_numpy(pixels)
        assert self.steps is not None
        return self.steps.normalise(torch.from_numpy(pixels))

    def _agrees(self) -> bool:
        """Return whether two pictures come out as the processor has them, within rounding."""
        assert self.steps is not None
        random = np.random.default_rng(0)
        for height, width in ((300, 421), (64, 97)):
            rough = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
            picture = np.kron(rough, np.ones((8, 8, 1), np.uint8))[:height, :width]
            wanted = torch.from_numpy(_by(self.processor, [picture]))
            found = self.steps.normalise(torch.from_numpy(self.steps.apply(picture))[None])
            if found.shape != wanted.shape:
                return False
            spread = torch.tensor(self.steps.spread).view(1, -1, 1, 1)
            if ((found - wanted).abs() * spread).max() > TOLERANCE * self.steps.rescale:
                return False
        return True


def own_processor(folder: Path) -> Any:
    """Return the model's own processor, on Pillow.

    Raises:
        ModelError: when there is none, or only one that needs torchvision.
    """
    from transformers import AutoImageProcessor

    try:
        with quiet():
            return AutoImageProcessor.from_pretrained(
                folder, backend="pil", local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError, ImportError) as error:
        name = read_json(folder, "preprocessor_config.json").get("image_processor_type")
        if name:
            raise ModelError(
                f"Pictures for {str(folder)!r} are prepared by {name}, which needs torchvision; "
                "plait does without it. Use another model for pictures."
            ) from error
        raise ModelError(
            f"{str(folder)!r} does not say how pictures are prepared (no "
            "preprocessor_config.json), so it is no model for pictures."
        ) from error


def _by(processor: Any, pictures: Sequence[Picture]) -> np.ndarray:
    """Return (k 3 h w) float32 by a processor of transformers."""
    with quiet():
        found = processor([np.ascontiguousarray(p) for p in pictures], return_tensors="np")
    values = np.asarray(found["pixel_values"], np.float32)
    return values.reshape(-1, *values.shape[-3:])  # those of videos have one more dimension


def _steps(own: dict[str, Any]) -> Steps | None:
    """Return the steps that the settings of a processor say; None where they say it otherwise."""
    size = sides(own.get("size")) if own.get("do_resize", True) else {}
    crop = sides(own.get("crop_size")) if own.get("do_center_crop") else {}
    known = not set(size) - {"shortest_edge", "height", "width"} and "shortest_edge" not in crop
    plain = not own.get("do_normalize", True)
    mean = [0.0] * 3 if plain else own.get("image_mean")
    spread = [1.0] * 3 if plain else own.get("image_std")
    if not (known and own.get("do_rescale", True) and mean and spread):
        return None
    shortest, stretched = size.get("shortest_edge", 0), _pair(size)
    cut = _pair(crop)
    if own.get("crop_pct") and shortest:  # ConvNeXt's way of saying it
        cut = (shortest, shortest) if shortest < 384 else None
        stretched = None if shortest < 384 else (shortest, shortest)
        shortest = int(shortest / own["crop_pct"]) if shortest < 384 else 0
    return Steps(
        shortest,
        stretched,
        cut,
        int(own.get("resample", BILINEAR)),
        float(own.get("rescale_factor", 1 / 255)),
        tuple(mean),
        tuple(spread),
        bool(own.get("rescale_first", False)),
    )


def sides(size: Any) -> dict[str, int]:
    """Return the sides of a size as a processor has it, by name."""
    if isinstance(size, int):
        return {"height": size, "width": size}
    if size is None:
        return {}
    found = dict(size) if isinstance(size, dict) else vars(size)
    return {key: int(value) for key, value in found.items() if value is not None}


def _pair(size: dict[str, int]) -> tuple[int, int] | None:
    return (size["height"], size["width"]) if "height" in size and "width" in size else None
