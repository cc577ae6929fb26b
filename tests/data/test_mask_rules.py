"""Columns of masks are known by what their files hold, and pictures stay pictures."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.data.detect import detect
from plait.data.mask import to_rle
from plait.data.mask_rules import masks_among
from plait.data.table import Table
from plait.types import Column, Modality

RNG = np.random.default_rng(11)
ROWS = 15


def file(array: np.ndarray, kind: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    held = io.BytesIO()
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(held, kind, **options)
    return held.getvalue()


def even(high: int, values: int = 6) -> np.ndarray:
    """Return (high 32) uint8 with patches of equal values."""
    patches = RNG.integers(0, values, (high // 8, 4))
    return np.repeat(np.repeat(patches, 8, 0), 8, 1).astype(np.uint8)


def photo(high: int) -> np.ndarray:
    slope = np.add.outer(np.arange(high), np.arange(32))[..., None] * (1, 2, 1)
    return (slope + RNG.normal(0, 5, (high, 32, 3)) + 60).clip(0, 255).astype(np.uint8)


def digit() -> np.ndarray:
    """Return (32 32) uint8 like a scanned digit: mostly 0, with strokes of many levels."""
    strokes = np.zeros((32, 32))
    strokes[6:26, 12:20] = RNG.integers(1, 256, (20, 8))
    return strokes.astype(np.uint8)


HIGH = [32 + 8 * (row % 3) for row in range(ROWS)]
PHOTOS = [file(photo(high)) for high in HIGH]

MASKS = {
    "grey": [file(even(high)) for high in HIGH],
    "palette": [file(even(high), mode="P") for high in HIGH],
    "1 bit": [file(even(high) > 2) for high in HIGH],
    "TIFF": [file(even(high).astype(np.uint16) * 300, "TIFF") for high in HIGH],
    "arrays": [even(high) for high in HIGH],
    "objects": [Image.fromarray(even(high)) for high in HIGH],
    "some missing": [file(even(high)) if row % 3 else None for row, high in enumerate(HIGH)],
    "a few broken": [file(even(high)) if row % 7 else b"\x89PNG" for row, high in enumerate(HIGH)],
    "a few of another size": [file(even(high if row % 7 else 64)) for row, high in enumerate(HIGH)],
    "a few photos": [file(even(high)) if row % 7 else PHOTOS[row] for row, high in enumerate(HIGH)],
}


def found(**columns: list[Any]) -> dict[str, Column]:
    return {column.name: column for column in detect(Table.of(columns)).columns}


@pytest.mark.parametrize("case", MASKS)
def test_masks_beside_their_pictures(case: str) -> None:
    columns = found(truth=MASKS[case], photo=PHOTOS)
    assert columns["truth"].modality is Modality.MASK
    assert columns["truth"].confidence == 0.7
    assert "one channel with" in columns["truth"].evidence
    assert "the sizes of the pictures in 'photo' (say truth:image" in columns["truth"].evidence
    assert columns["photo"].modality is Modality.IMAGE


PICTURES: dict[str, tuple[list[Any], list[Any]]] = {
    "alone": (MASKS["grey"], []),
    "no photo beside": (MASKS["grey"], MASKS["palette"]),
    "other sizes": (MASKS["grey"], [file(photo(high + 8)) for high in HIGH]),
    "half of another size": (MASKS["grey"], [*PHOTOS[:8], *[file(photo(64))] * 7]),
    "grey photos": ([file(photo(high)[..., 0]) for high in HIGH], PHOTOS),
    "digits": ([file(digit())] * ROWS, [file(photo(32))] * ROWS),
    "one value": ([file(even(high) * 0) for high in HIGH], PHOTOS),
    "many values": ([file(even(high, 250)) for high in HIGH], PHOTOS),
    "uneven": ([file(photo(high)[..., 0] // 12) for high in HIGH], PHOTOS),
    "see-through": ([file(even(high), mode="P", transparency=0) for high in HIGH], PHOTOS),
    "colours": ([file(even(high)[..., None].repeat(3, 2)) for high in HIGH], PHOTOS),
    "JPEG": ([file(even(high) * 40, "JPEG") for high in HIGH], PHOTOS),
    "lists": ([[cell] for cell in MASKS["grey"]], PHOTOS),
    "broken": ([cell[:60] for cell in MASKS["grey"]], PHOTOS),
    "nowhere": ([f"{row}.png" for row in range(ROWS)], PHOTOS),
}


@pytest.mark.parametrize("case", PICTURES)
def test_pictures_stay_pictures(case: str) -> None:
    one, other = PICTURES[case]
    columns = found(one=one, other=other) if other else found(one=one)
    assert {column.modality for column in columns.values()} == {Modality.IMAGE}


def test_the_user_decides() -> None:
    table = Table.of({"truth": MASKS["grey"], "photo": PHOTOS})
    assert detect(table, overrides={"truth": Modality.IMAGE})["truth"].modality == "image"
    assert detect(table, ["truth"])["truth"].left_out == "target"
    assert detect(table, ignore=["photo"])["truth"].modality == "image"


def test_few_files_are_opened() -> None:
    rows = 500
    masks, photos = [MASKS["grey"][0]] * rows, [PHOTOS[0]] * rows
    for row in range(1, 40):
        masks[row] = b"\x89PNG"
    columns = [Column(name, Modality.IMAGE) for name in ("m", "p")]
    assert list(masks_among(Table.of({"m": masks, "p": photos}), columns)) == ["m"]


def test_run_length_codes() -> None:
    codes = [to_rle(even(32) > 2) for _ in range(ROWS)]
    for cells in (
        codes,
        [json.dumps(code) for code in codes],
        [[code, code] for code in codes],
        [json.dumps([code, code]) for code in codes],
    ):
        column = found(x=cells)["x"]
        assert column.modality is Modality.MASK
        assert "run-length codes of COCO" in column.evidence
    for words in (['{"size": 3}'] * 9, ['{"counts": 3'] * 9, ['{"counts": 3}'] * 9, ["[]"] * 9):
        assert found(x=words)["x"].modality is not Modality.MASK
