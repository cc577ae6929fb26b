"""Run-length codes of masks, as COCO writes them: down the columns, beginning with what is off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.errors import CellError

MAX_PIXELS = 64_000_000
"""Pixels above which a mask is refused: a few letters may unpack to fill the memory."""

FIRST_LETTER, BITS, SIGN, MORE = 48, 0x1F, 0x10, 0x20
"""The letter for 0; each letter has five bits of a number, and says whether more follow."""


def decode(code: Any) -> np.ndarray:
    """Return the (h w) bool mask of a code `{"size": [h, w], "counts": ...}`.

    Counts are a list of lengths, or their compressed text (`rleFrString` of COCO's API).

    Raises:
        CellError: when the code is broken, or its lengths do not fill the size.
    """
    size = code.get("size") if isinstance(code, dict) else None
    if size is None or "counts" not in code:
        raise CellError('a run-length code needs "size" and "counts"')
    if len(size) != 2 or not all(_is_whole(side) and side > 0 for side in size):
        raise CellError(f"the size of a run-length code is [height, width], found {size}")
    height, width = map(int, size)
    if height * width > MAX_PIXELS:
        raise CellError(f"has more pixels than the limit of {MAX_PIXELS:,}")
    counts = code["counts"]
    lengths = decompress(counts) if isinstance(counts, (str, bytes)) else list(counts)
    if not all(_is_whole(length) and length >= 0 for length in lengths):
        raise CellError("the lengths of a run-length code are whole numbers from 0 on")
    if sum(lengths) != height * width:
        raise CellError(
            f"the lengths of a run-length code add up to {sum(lengths):,}, "
            f"expected {height} x {width} = {height * width:,}"
        )
    on = np.arange(len(lengths)) % 2 == 1
    return np.repeat(on, np.asarray(lengths, np.int64)).reshape(width, height).T


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def encode(mask: np.ndarray) -> dict[str, Any]:
    """Return the compressed code of a mask (h w) that is on where it is not 0."""
    down = np.asarray(mask != 0).T.ravel()
    edges = np.flatnonzero(down[1:] != down[:-1]) + 1
    lengths = np.diff([0, *edges.tolist(), len(down)]).tolist()
    if down[:1].any():
        lengths = [0, *lengths]
    return {"size": list(mask.shape), "counts": compress(lengths)}


def decompress(text: str | bytes) -> list[int]:
    """Return the lengths in a compressed text; from the fourth on they are differences to two ago.

    Raises:
        CellError: when it ends within a number, or has letters that stand for none.
    """
    letters = text.encode() if isinstance(text, str) else text
    lengths: list[int] = []
    value = shift = 0
    for letter in letters:
        bits = letter - FIRST_LETTER
        if not 0 <= bits < 2 * MORE:
            raise CellError(f"letter {chr(letter)!r} stands for nothing in a run-length code")
        value |= (bits & BITS) << shift
        shift += 5
        if bits & MORE:
            continue
        if bits & SIGN:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise CellError("a run-length code ends within a number")
    return lengths


def compress(lengths: Sequence[int]) -> str:
    """Return lengths as a text, the reverse of `decompress`."""
    letters = []
    for place, length in enumerate(lengths):
        value = length - (lengths[place - 2] if place > 2 else 0)
        more = True
        while more:
            bits = value & BITS
            value >>= 5
            more = value != (-1 if bits & SIGN else 0)
            letters.append(chr((bits | MORE if more else bits) + FIRST_LETTER))
    return "".join(letters)
