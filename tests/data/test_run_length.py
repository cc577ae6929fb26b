"""Run-length codes, beside COCO's own implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from plait.data.run_length import compress, decode, decompress, encode
from plait.errors import CellError

# Their wrapper speaks to NumPy as it was before its second version.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RNG = np.random.default_rng(3)

SHAPES = [(1, 1), (1, 9), (9, 1), (7, 5), (64, 48), (300, 211)]


def patchy(shape: tuple[int, int], share: float) -> np.ndarray:
    """Return a mask with patches of many lengths."""
    coarse = RNG.random((-(-shape[0] // 5), -(-shape[1] // 3))) < share
    fine = RNG.random(shape) < 0.02
    return np.repeat(np.repeat(coarse, 5, 0), 3, 1)[: shape[0], : shape[1]] ^ fine


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_codes_are_those_of_coco(shape: tuple[int, int], share: float) -> None:
    mask = patchy(shape, share)
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    ours = encode(mask)
    assert ours == {"size": list(shape), "counts": theirs["counts"].decode()}
    assert (coco.decode(ours) == mask).all()
    assert (decode(theirs) == mask).all()
    assert (decode(ours) == mask).all()
    plain = {"size": list(shape), "counts": decompress(ours["counts"])}
    assert (decode(plain) == mask).all()
    assert (coco.decode(coco.frPyObjects(plain, *shape)) == mask).all()


def test_numbers_of_many_letters() -> None:
    lengths = [0, 1, 10**9, 31, 5, 10**12, 10**9 - 1, 0]
    assert decompress(compress(lengths)) == lengths


BROKEN: dict[str, tuple[Any, str]] = {
    "no counts": ({"size": [2, 2]}, 'needs "size" and "counts"'),
    "no code": (7, 'needs "size" and "counts"'),
    "size": ({"size": [2], "counts": [4]}, r"is \[height, width\], found \[2\]"),
    "size of 0": ({"size": [0, 2], "counts": [0]}, r"found \[0, 2\]"),
    "bomb": ({"size": [10**5, 10**5], "counts": [10**10]}, "more pixels than the limit of 64,000"),
    "below 0": ({"size": [2, 2], "counts": [5, -1]}, "are whole numbers from 0 on"),
    "reals": ({"size": [2, 2], "counts": [3.5, 0.5]}, "are whole numbers from 0 on"),
    "short": ({"size": [2, 2], "counts": [1, 2]}, "add up to 3, expected 2 x 2 = 4"),
    "letter": ({"size": [2, 2], "counts": "4 "}, "letter ' ' stands for nothing"),
    "cut": ({"size": [2, 2], "counts": "T"}, "ends within a number"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_codes(case: str) -> None:
    code, message = BROKEN[case]
    with pytest.raises(CellError, match=message):
        decode(code)
