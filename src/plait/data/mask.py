"""Masks: from a cell to the value of every pixel, and to a file that says the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageOps

from plait.data import run_length
from plait.data.image import open_picture
from plait.data.media import read_bytes
from plait.errors import CellError
from plait.writing import replacing

Mask = np.ndarray
"""(h w) int32, the value of every pixel as the file means it."""

Colour = tuple[int, int, int]
"""Red, green and blue, in 0..255."""

MOST_VALUES = 256
"""Values of masks: with more it is a photo, or a mask that was saved as JPEG."""

FEW_VALUES, LEAST_EVEN = 32, 0.5
"""Values from which a mask must be even: the share of neighbours that are equal. Grey photos have
few enough values, but their neighbours differ."""

BEYOND_GREY = 1 << 16
"""Values from here on are colours, 0xRRGGBB: no file of grey levels has them."""

DISTINCT: tuple[Colour, ...] = (
    (0, 0, 0), (230, 25, 75), (60, 180, 75), (255, 225, 25), (0, 130, 200), (245, 130, 48),
    (145, 30, 180), (70, 240, 240), (240, 50, 230), (210, 245, 60), (250, 190, 212), (0, 128, 128),
    (220, 190, 255), (170, 110, 40), (255, 250, 200), (128, 0, 0), (170, 255, 195), (128, 128, 0),
    (255, 215, 180), (0, 0, 128), (128, 128, 128), (255, 255, 255),
)  # fmt: skip
"""Colours that people tell apart (Trubetskoy, 2017)."""


def read_mask(value: Any, folder: Path = Path(), allow_outside: bool = False) -> Mask:
    """Read a cell of one mask.

    Palettes give their indices, grey levels themselves, colours 0xRRGGBB; what is transparent in
    colours is 0. Run-length codes give 1, or their `category_id` where a list has several, of which
    later ones lie over earlier ones.

    Args:
        value: a path, bytes, a PIL image, an array of whole numbers, or a run-length code of COCO
            (a dict, a list of them, or their JSON).
        folder: where relative paths start.
        allow_outside: whether paths may leave the folder.

    Raises:
        CellError: when it cannot be read, or is no mask: real numbers, too many values.
    """
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise CellError(f"broken JSON: {error}") from error
    if isinstance(value, (list, tuple)):
        if not value:
            raise CellError("the list is empty")
        if any(isinstance(item, dict) for item in value):
            return _painted(value)
        value = _as_array(value)
    if is_code(value):
        return run_length.decode(value).astype(np.int32)
    if isinstance(value, np.ndarray):
        return _from_array(value)
    content = value if isinstance(value, Image.Image) else read_bytes(value, folder, allow_outside)
    with open_picture(content) as picture:
        return _from_pil(picture)


def is_code(value: Any) -> bool:
    """Return whether a value is a run-length code of COCO."""
    return isinstance(value, dict) and "counts" in value


def _as_array(rows: Any) -> np.ndarray:
    try:
        return np.asarray(rows)
    except ValueError as error:
        raise CellError(f"the rows of a mask have different lengths: {error}") from error


def _painted(codes: Sequence[Any]) -> Mask:
    """Return the mask of several run-length codes of one size."""
    there = [run_length.decode(code) for code in codes]
    mask = np.zeros(there[0].shape, np.int32)
    for code, own in zip(codes, there, strict=True):
        if own.shape != mask.shape:
            raise CellError(f"run-length codes of sizes {mask.shape} and {own.shape} in one cell")
        category = code.get("category_id", 1)
        if not isinstance(category, int):
            raise CellError(f"category_id of a run-length code is a whole number, not {category!r}")
        mask[own] = category
    return mask


def _from_pil(picture: Image.Image) -> Mask:
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("RGBA", "LA", "PA"):
        *_, opacity = picture.split()
        solid = np.asarray(opacity) > 127
        return np.where(solid, _from_pil(picture.convert(picture.mode[:-1])), 0).astype(np.int32)
    if picture.mode not in ("1", "L", "P", "RGB") and not picture.mode.startswith("I"):
        raise CellError(f"a picture of mode {picture.mode} is no mask")
    return _from_array(np.asarray(picture))


def _from_array(array: np.ndarray) -> Mask:
    if array.dtype.kind not in "bui":
        raise CellError(f"a mask has whole numbers, found {array.dtype}")
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8:
        red, green, blue = np.moveaxis(array.astype(np.int32), 2, 0)
        array = (red << 16) | (green << 8) | blue
    elif array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 or 0 in array.shape:
        raise CellError(f"expected (h, w) values or (h, w, 3) colours, found shape {array.shape}")
    if array.size > run_length.MAX_PIXELS:
        raise CellError(f"has more pixels than the limit of {run_length.MAX_PIXELS:,}")
    return _required(array)


def _required(mask: np.ndarray) -> Mask:
    """Return values that may be a mask as such.

    Raises:
        CellError: when they are none, too large, too many, or those of a photo.
    """
    values = np.unique(mask)
    if max(abs(int(values[0])), abs(int(values[-1]))) > np.iinfo(np.int32).max:
        raise CellError(f"values from {values[0]} to {values[-1]} do not fit into 32 bits")
    if len(values) > MOST_VALUES:
        raise CellError(
            f"has {len(values):,} values, more than the {MOST_VALUES} that classes may have: is it "
            "a photo, or a mask that was saved as JPEG?"
        )
    if len(values) > FEW_VALUES and evenness(mask) < LEAST_EVEN:
        raise CellError(
            f"has {len(values)} values, and only {evenness(mask):.0%} of neighbours are equal: is "
            "it a photo, or a mask that was saved as JPEG?"
        )
    return mask.astype(np.int32)


def evenness(mask: np.ndarray) -> float:
    """Return the share of pixels, in 0..1, that are equal to the one on their right or below."""
    across, down = mask[:, 1:] == mask[:, :-1], mask[1:] == mask[:-1]
    return float((across.sum() + down.sum()) / max(across.size + down.size, 1))


def require_size(mask: Mask, size: tuple[int, int]) -> None:
    """Refuse a mask of another size than its picture's (h, w).

    Raises:
        CellError: with both sizes.
    """
    if mask.shape != size:
        (height, width), (other, wide) = mask.shape, size
        raise CellError(f"the mask has {width}x{height} pixels, its picture {wide}x{other}")


def read_palette(
    value: Any, folder: Path = Path(), allow_outside: bool = False
) -> dict[int, Colour]:
    """Return the colours by value of a mask whose file has a palette; of other cells none.

    Args:
        value: of the cell.
        folder: where relative paths start.
        allow_outside: whether paths may leave the folder.

    Raises:
        CellError: when the file cannot be read.
    """
    coded = isinstance(value, str) and value.lstrip().startswith(("{", "["))
    if coded or isinstance(value, (list, tuple, np.ndarray)) or is_code(value):
        return {}
    content = value if isinstance(value, Image.Image) else read_bytes(value, folder, allow_outside)
    with open_picture(content) as picture:
        if picture.mode != "P":
            return {}
        levels = np.reshape(picture.getpalette("RGB") or [], (-1, 3)).tolist()
        return {index: (red, green, blue) for index, (red, green, blue) in enumerate(levels)}


def write_mask(mask: Mask, path: Path, colours: Mapping[int, Colour] | None = None) -> None:
    """Write a PNG from which `read_mask` gets the same values.

    It has a palette where values fit into one; larger values are 16-bit grey levels or colours.

    Args:
        mask: (h w).
        path: of the file.
        colours: by value; a fixed distinct one where there is none.

    Raises:
        CellError: when a value is below 0 or above 0xFFFFFF.
    """
    low, high = int(mask.min()), int(mask.max())
    if low < 0 or high > 0xFFFFFF:
        raise CellError(f"values from {low} to {high} do not fit into a PNG: 0 to {0xFFFFFF} do")
    if high >= BEYOND_GREY:
        picture = Image.fromarray(np.stack([mask >> 16, mask >> 8, mask], -1).astype(np.uint8))
    elif high > 255:
        picture = Image.fromarray(mask.astype(np.uint16))
    else:
        picture = Image.fromarray(mask.astype(np.uint8)).convert("P")
        known = colours or {}
        picture.putpalette([level for v in range(256) for level in known.get(v, default_colour(v))])
    with replacing(path) as partial:
        picture.save(partial, "PNG")


def to_rle(mask: np.ndarray) -> dict[str, Any]:
    """Return the compressed run-length code of COCO of where a mask (h w) is not 0."""
    return run_length.encode(mask)


def default_colour(value: int) -> Colour:
    """Return a value's own colour where it is one, else a fixed distinct one."""
    if value >= BEYOND_GREY:
        return value >> 16 & 255, value >> 8 & 255, value & 255
    if 0 <= value < len(DISTINCT):
        return DISTINCT[value]
    red, green, blue = ImageColor.getrgb(f"hsv({value * 137 % 360},{55 + value % 3 * 20}%,85%)")[:3]
    return red, green, blue
