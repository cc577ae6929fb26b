"""Pictures: from a cell to 8-bit RGB arrays, whatever the file was."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from plait.data.media import modality_of_bytes, read_bytes
from plait.errors import CellError

MAX_PIXELS = 64_000_000
"""Pixels above which a picture is refused: a small file may unpack to fill the memory."""

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What files are opened as; Pillow knows more, some of which run other programs (EPS)."""

Picture = np.ndarray
"""(h w 3) uint8, RGB, upright."""


def read_pictures(
    value: Any, folder: Path = Path(), allow_outside: bool = False, side: int | None = None
) -> list[Picture]:
    """Read a cell of one picture or a list of them.

    Args:
        value: a path, bytes, a PIL image, an array, or a list of these.
        folder: where relative paths start.
        allow_outside: whether paths may leave the folder.
        side: decode no larger than needed for this longest side, in pixels; None keeps all.

    Returns:
        The pictures, each (h w 3) uint8.

    Raises:
        CellError: when one of them cannot be read.
    """
    if isinstance(value, (list, tuple)):
        if not value:
            raise CellError("the list of pictures is empty")
        return [_read_one(item, folder, allow_outside, side) for item in value]
    return [_read_one(value, folder, allow_outside, side)]


def size_of(
    value: Any, folder: Path = Path(), allow_outside: bool = False
) -> tuple[int, int] | None:
    """Return (h, w) of the picture in a cell as it is read: upright, whole; None for several.

    Takes and raises what `read_pictures` does; pixels are not decoded.
    """
    if isinstance(value, (list, tuple)):
        return size_of(value[0], folder, allow_outside) if len(value) == 1 else None
    if isinstance(value, np.ndarray):
        height, width = from_array(value).shape[:2]
        return height, width
    content = value if isinstance(value, Image.Image) else read_bytes(value, folder, allow_outside)
    with open_picture(content) as picture:
        turned = picture.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
        width, height = picture.size
    return (width, height) if turned else (height, width)


def _read_one(value: Any, folder: Path, allow_outside: bool, side: int | None) -> Picture:
    if isinstance(value, np.ndarray):
        return from_array(value)
    content = value if isinstance(value, Image.Image) else read_bytes(value, folder, allow_outside)
    with open_picture(content) as picture:
        if side is not None and picture is not content:
            picture.draft(None, (side, side))
        return from_pil(picture)


@contextmanager
def open_picture(content: bytes | Image.Image) -> Iterator[Image.Image]:
    """Give the picture in the bytes of a file; one that is open already as it is.

    Raises:
        CellError: for whatever goes wrong while it is open.
    """
    try:
        if isinstance(content, Image.Image):
            yield content
            return
        with Image.open(io.BytesIO(content), formats=_formats()) as picture:
            _refuse_bomb(picture)
            yield picture
    except CellError:
        raise
    except UnidentifiedImageError:
        raise CellError(f"not a picture that can be read ({_looks_like(content)})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CellError(f"has more pixels than the limit of {MAX_PIXELS:,}") from None
    except Exception as error:  # a decoder that is fed broken bytes raises nearly anything
        raise CellError(f"broken picture: {error}") from error


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _looks_like(content: Any) -> str:
    kind = modality_of_bytes(content)
    return f"it looks like {kind.value}" if kind else "unknown format"


def _refuse_bomb(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise CellError(
            f"has {picture.width}x{picture.height} pixels, more than the limit of {MAX_PIXELS:,}"
        )


def from_pil(picture: Image.Image) -> Picture:
    """Return a PIL image upright, in RGB, its first frame, on white where it is transparent."""
    _refuse_bomb(picture)
    # `draft` makes the file smaller than the EXIF size says; only the rotation is of use.
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        return from_array(np.asarray(picture))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture)
    return np.asarray(picture.convert("RGB"))


def from_array(array: np.ndarray) -> Picture:
    """Return an array of numbers as a picture.

    Args:
        array: (h w), (h w 1), (h w 3) or (h w 4) with opacity; 8-bit, 16-bit,
            or real in 0..1 or beyond, which is then stretched from its lowest to its highest value.

    Raises:
        CellError: for another shape, for other things than numbers, or when no value is finite.
    """
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise CellError(f"expected (h, w), (h, w, 3) or (h, w, 4), found shape {array.shape}")
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise CellError(f"has more pixels than the limit of {MAX_PIXELS:,}")
    if array.dtype.kind not in "buif":
        raise CellError(f"expected an array of numbers, found {array.dtype}")
    if array.dtype != np.uint8:
        wide = np.float64 if array.dtype.itemsize > 4 else np.float32
        array = _to_bytes(array.astype(wide), array.dtype)
    if array.shape[2] == 4:
        return from_pil(Image.fromarray(np.ascontiguousarray(array), "RGBA"))
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _to_bytes(array: np.ndarray, was: np.dtype[Any]) -> np.ndarray:
    finite = array[np.isfinite(array)]
    if not finite.size:
        raise CellError("no pixel has a finite value")
    low, high = float(finite.min()), float(finite.max())
    if was.kind == "u" and was.itemsize == 2:  # in either byte order
        low, high = 0.0, 65535.0
    elif was == np.bool_ or (np.issubdtype(was, np.floating) and low >= 0 and high <= 1):
        low, high = 0.0, 1.0
    elif np.issubdtype(was, np.integer) and low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    scaled = (np.nan_to_num(array, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    levels: np.ndarray = (scaled * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return levels
