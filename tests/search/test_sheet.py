"""The sheet of pictures: each in its place, small, and grey where there is none."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from made_index import QUIET, made_space, things
from PIL import Image

import plait
from plait.data.table import Table
from plait.errors import ConfigError
from plait.search.rows import SIDE, thumbnail
from plait.search.sheet import COLUMNS, MARGIN, draw, write_sheet


def square(colour: str, side: int = SIDE) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return file.getvalue()


def test_pictures_stand_in_rows() -> None:
    colours = ["red", "lime", "blue", "yellow", "black", "fuchsia", None]
    pictures = [None if c is None else square(c) for c in colours]
    sheet = np.asarray(draw(pictures, [("row", "name")] * 7))
    expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 0, 0), (255, 0, 255),
                (211, 211, 211)]  # fmt: skip
    wide, high = SIDE + MARGIN, SIDE + 32 + MARGIN
    assert sheet.shape == (2 * high + MARGIN, COLUMNS * wide + MARGIN, 3)
    for number, colour in enumerate(expected):
        left, top = MARGIN + number % 5 * wide, MARGIN + number // 5 * high
        middle = sheet[top + SIDE // 2, left + SIDE // 2]
        assert tuple(middle.tolist()) == colour
        under = sheet[top + SIDE : top + SIDE + 32, left : left + SIDE]
        assert (under < 128).any()


def test_thumbnails_are_small_and_upright() -> None:
    wide = Image.new("RGB", (600, 300), "red")
    table = Table.of({"photo": [wide, b"no picture", None]})
    small = Image.open(io.BytesIO(thumbnail(table, "photo", 0) or b""))
    assert small.size == (SIDE, SIDE // 2)
    assert thumbnail(table, "photo", 1) is None
    assert thumbnail(table, "photo", 2) is None


def test_a_sheet_of_what_was_found(tmp_path: Path) -> None:
    space = made_space()
    table = things(12)
    table["photo"] = [square("red" if "cup" in words else "blue", 40) for words in table["words"]]
    index = plait.index(space, table, tmp_path / "i.lance", group="code", progress=QUIET)
    found = index.search("cup", mode="text")
    write_sheet(index.store, found, tmp_path / "sheet.png", "words")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert pixels.shape[1] == min(len(found), COLUMNS) * (SIDE + MARGIN) + MARGIN
    reds = (pixels[..., 0].astype(int) - pixels[..., 2] > 150).sum()
    assert reds == pytest.approx(1600 * len(found), rel=0.1)
    assert not (pixels[..., 2].astype(int) - pixels[..., 0] > 150).any()
    with pytest.raises(ConfigError, match="Nothing was found, so there is no sheet of pictures"):
        write_sheet(index.store, index.search("cup", where="price < -1"), tmp_path / "no.png")
    plain = plait.index(space, things(5), tmp_path / "p.lance", group="code", progress=QUIET)
    with pytest.raises(ConfigError, match="The index has no column of pictures, so there is no"):
        write_sheet(plain.store, plain.search("cup"), tmp_path / "no.png")
