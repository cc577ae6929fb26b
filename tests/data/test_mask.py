"""Masks in all forms, the sizes that they must have, and the files that are written."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.data.loader import Reader, Source
from plait.data.mask import (
    default_colour,
    evenness,
    read_mask,
    read_palette,
    require_size,
    to_rle,
    write_mask,
)
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.errors import CellError
from plait.types import Column, Modality

RNG = np.random.default_rng(5)

VALUES = np.repeat(np.repeat(RNG.integers(0, 5, (6, 4)), 4, 0), 4, 1)
"""(24 16), of 0 to 4."""


def file(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    held = io.BytesIO()
    picture.save(held, kind, **options)
    return held.getvalue()


def palette(values: np.ndarray) -> Image.Image:
    picture = Image.fromarray(values.astype(np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 9, 8, 7, 1, 1, 1])
    return picture


def grey(values: np.ndarray, kind: type) -> Image.Image:
    return Image.fromarray(values.astype(kind))


COLOURS = np.array([(0, 0, 0), (128, 64, 128), (0, 0, 142), (255, 255, 255), (1, 0, 0)], np.uint8)
CODED = np.array([0, 0x804080, 0x00008E, 0xFFFFFF, 0x010000])

SHAPED: dict[str, tuple[Any, np.ndarray]] = {
    "palette": (file(palette(VALUES)), VALUES),
    "palette of GIF": (file(palette(VALUES), "GIF"), VALUES),
    "palette, one colour transparent": (file(palette(VALUES), transparency=1), VALUES),
    "grey": (file(grey(VALUES * 60, np.uint8)), VALUES * 60),
    "grey, 16 bit": (file(grey(VALUES * 1000, np.uint16)), VALUES * 1000),
    "grey, 16 bit TIFF": (file(grey(VALUES * 1000, np.uint16), "TIFF"), VALUES * 1000),
    "grey, 32 bit": (grey(VALUES * 10**6, np.int32), VALUES * 10**6),
    "1 bit": (file(Image.fromarray(VALUES > 2)), VALUES > 2),
    "colours": (file(Image.fromarray(COLOURS[VALUES])), CODED[VALUES]),
    "Pillow": (palette(VALUES), VALUES),
    "bool": (VALUES > 2, VALUES > 2),
    "int64": (VALUES, VALUES),
    "int8 below 0": (VALUES.astype(np.int8) - 1, VALUES - 1),
    "array of colours": (COLOURS[VALUES], CODED[VALUES]),
    "array with a channel": (VALUES[:, :, None], VALUES),
    "lists": (VALUES.tolist(), VALUES),
    "lists as JSON": (json.dumps(VALUES.tolist()), VALUES),
    "code": (to_rle(VALUES > 2), VALUES > 2),
    "code as JSON": (json.dumps(to_rle(VALUES > 2)), VALUES > 2),
    "codes": (
        [{**to_rle(VALUES > 1), "category_id": 7}, {**to_rle(VALUES > 3), "category_id": 9}],
        np.where(VALUES > 3, 9, np.where(VALUES > 1, 7, 0)),
    ),
    "dict of bytes": ({"bytes": file(palette(VALUES)), "path": None}, VALUES),
}


@pytest.mark.parametrize("case", SHAPED)
def test_every_form_gives_the_values_that_it_means(case: str) -> None:
    cell, expected = SHAPED[case]
    mask = read_mask(cell)
    assert mask.dtype == np.int32
    assert mask.shape == expected.shape
    assert (mask == expected).all()


def test_what_is_transparent_is_0() -> None:
    opacity = np.where(VALUES == 1, 0, 255).astype(np.uint8)
    solid = np.dstack([COLOURS[VALUES], opacity])
    assert (
        read_mask(file(Image.fromarray(solid))) == np.where(VALUES == 1, 0, CODED[VALUES])
    ).all()
    two = Image.fromarray(np.dstack([(VALUES * 9).astype(np.uint8), opacity]), "LA")
    assert (read_mask(file(two)) == np.where(VALUES == 1, 0, VALUES * 9)).all()


def test_masks_stand_upright_as_their_pictures_do() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    mask = read_mask(file(grey(VALUES, np.uint8), exif=turned))
    assert (mask == np.rot90(VALUES, -1)).all()


def photo(kind: type = np.uint8) -> np.ndarray:
    slope = np.add.outer(np.arange(60), np.arange(80)) + RNG.normal(0, 6, (60, 80)) + 60
    return slope.astype(kind)


REFUSED: dict[str, tuple[Any, str]] = {
    "grey photo": (photo(), "of neighbours are equal: is it a photo, or a mask that was saved"),
    "colour photo": (RNG.integers(0, 256, (50, 50, 3)).astype(np.uint8), "more than the 256 that"),
    "JPEG": (file(grey(photo(), np.uint8), "JPEG"), "saved as JPEG"),
    "reals": (VALUES / 2, "has whole numbers, found float64"),
    "real picture": (Image.fromarray((VALUES / 2).astype(np.float32)), "of mode F is no mask"),
    "CMYK": (Image.new("CMYK", (4, 4)), "of mode CMYK is no mask"),
    "shape": (np.zeros((2, 3, 4, 5), int), r"found shape \(2, 3, 4, 5\)"),
    "channels": (np.zeros((4, 4, 2), int), r"found shape \(4, 4, 2\)"),
    "empty": (np.zeros((0, 4), int), r"found shape \(0, 4\)"),
    "one row": ([1, 2, 3], r"found shape \(3,\)"),
    "ragged": ([[1, 2], [3]], "have different lengths"),
    "large": (np.array([[1, 2**40]]), "values from 1 to 1099511627776 do not fit into 32 bits"),
    "many pixels": (np.broadcast_to(np.uint8(1), (9000, 9000)), "more pixels than the limit"),
    "JSON": ("{size: 3", "broken JSON: Expecting property"),
    "no codes": ([{}], 'needs "size" and "counts"'),
    "empty list": ([], "the list is empty"),
    "two sizes": ([to_rle(VALUES), to_rle(VALUES.T)], r"sizes \(24, 16\) and \(16, 24\) in one"),
    "category": ([{**to_rle(VALUES), "category_id": "dog"}], "category_id of a run-length code"),
    "sound": (b"RIFF\0\0\0\0WAVE", "not a picture that can be read .it looks like audio"),
    "cut": (file(palette(VALUES))[:-30], "broken picture"),
    "a number": (3.5, "expected a path or bytes, found float"),
    "no file": ("nowhere.png", "there is no file 'nowhere.png'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_mask_is_refused(case: str) -> None:
    cell, message = REFUSED[case]
    with pytest.raises(CellError, match=message):
        read_mask(cell)


def test_paths_stay_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    palette(VALUES).save(tmp_path / "a.png")
    assert (read_mask("a.png", tmp_path) == VALUES).all()
    with pytest.raises(CellError, match="leaves the table's folder"):
        read_mask("../a.png", tmp_path / "in")
    assert (read_mask("../a.png", tmp_path / "in", allow_outside=True) == VALUES).all()


def test_evenness() -> None:
    assert evenness(np.array([[1, 1, 2], [1, 3, 2]])) == pytest.approx(3 / 7)
    assert evenness(np.array([[1]])) == 0


def test_sizes_must_be_equal() -> None:
    require_size(VALUES, (24, 16))
    with pytest.raises(CellError, match="the mask has 16x24 pixels, its picture 24x16"):
        require_size(VALUES, (16, 24))


def test_palettes(tmp_path: Path) -> None:
    palette(VALUES).save(tmp_path / "a.png")
    expected = {0: (0, 0, 0), 1: (255, 0, 0), 2: (0, 255, 0), 3: (9, 8, 7), 4: (1, 1, 1)}
    assert read_palette("a.png", tmp_path) == expected
    assert read_palette(palette(VALUES)) == expected
    for cell in (VALUES, VALUES.tolist(), to_rle(VALUES), json.dumps(to_rle(VALUES))):
        assert read_palette(cell) == {}
    assert read_palette(file(grey(VALUES, np.uint8))) == {}
    with pytest.raises(CellError, match="there is no file"):
        read_palette("b.png", tmp_path)


@pytest.mark.parametrize(
    ("values", "mode"),
    [(VALUES, "P"), (VALUES + 251, "P"), (VALUES + 252, "I;16"), (CODED[VALUES], "RGB")],
)
def test_what_is_written_is_read(tmp_path: Path, values: np.ndarray, mode: str) -> None:
    write_mask(values.astype(np.int32), tmp_path / "new" / "a.png", {1: (10, 20, 30)})
    assert (read_mask("new/a.png", tmp_path) == values).all()
    with Image.open(tmp_path / "new" / "a.png") as picture:
        assert picture.mode == mode
    if mode == "P":
        colours = read_palette("new/a.png", tmp_path)
        assert colours[1] == (10, 20, 30)
        assert len(set(colours.values())) > 250
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


def test_values_that_no_png_has(tmp_path: Path) -> None:
    for values, message in ((VALUES - 1, "from -1 to 3 do not fit"), (VALUES << 24, "do not fit")):
        with pytest.raises(CellError, match=message):
            write_mask(values, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_values_that_are_colours_have_them() -> None:
    assert default_colour(0x804020) == (128, 64, 32)
    assert len({default_colour(value) for value in range(200)}) > 190


def test_cells_of_a_table(tmp_path: Path) -> None:
    palette(VALUES).save(tmp_path / "a.png")
    cells = ["a.png", "b.png", None, photo()]
    reader = Reader(Table.of({"m": cells}, tmp_path), Ledger())
    column = Column("m", Modality.MASK)
    found = [reader.value(Source("m", "mask", (column,)), row) for row in range(4)]
    assert (found[0] == VALUES).all()
    assert found[1:] == [None] * 3
    assert [row for row, _ in sorted(reader.ledger.entries)] == [1, 3]
    assert "there is no file 'b.png'" in reader.ledger.entries[1, "m"]
