"""Tiles: which there are, what is cut, how predictions are put together."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import plait
from plait.segmenter.tiles import Box, boxes_of, put_together, size_of_cell, tiled


def test_one_tile_is_the_whole_picture() -> None:
    assert boxes_of(30, 50, 0) == [Box(0, 0, 30, 50)]
    assert boxes_of(30, 50, 64) == [Box(0, 0, 30, 50)]


@pytest.mark.parametrize(("height", "width"), [(100, 64), (65, 300), (48, 47), (1000, 31)])
def test_tiles_cover_all_and_overlap(height: int, width: int) -> None:
    boxes, seen = boxes_of(height, width, 64), np.zeros((height, width), int)
    for box in boxes:
        assert (box.height, box.width) == (min(64, height), min(64, width))
        box.cut(seen)[...] += 1
    assert seen.min() == 1
    starts = sorted({box.top for box in boxes})
    assert all(later - sooner <= 48 for sooner, later in pairwise(starts))


def test_what_is_put_together_is_what_was_cut() -> None:
    """Where tiles agree, so does the whole: probabilities that vary in a line over the picture."""
    line = np.linspace(0, 1, 40)[None, :, None] * np.array([1.0, -1.0]) + np.array([0.0, 1.0])
    whole = np.broadcast_to(line, (60, 40, 2)).astype(np.float32)
    boxes = boxes_of(60, 40, 32)
    parts = [np.moveaxis(box.cut(whole), 2, 0) for box in boxes]
    assert np.allclose(put_together(parts, boxes, 60, 40), whole, atol=1e-6)


def test_the_middle_of_a_tile_counts_for_more() -> None:
    """By hand: two tiles of width 4 at 0 and 2, of which one says 0 and the other 1."""
    boxes = [Box(0, 0, 4, 4), Box(0, 2, 4, 4)]
    found = put_together([np.zeros((1, 4, 4)), np.ones((1, 4, 4))], boxes, 4, 6)[0, :, 0]
    # weights from the edges: 1/8 3/8 3/8 1/8 of each
    assert found == pytest.approx([0, 0, 1 / 4, 3 / 4, 1, 1])


def test_a_table_of_tiles(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    large = random.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    mask = random.integers(0, 3, (40, 60)).astype(np.uint8)
    Image.fromarray(large).save(tmp_path / "large.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    table = plait.read(
        {"photo": ["broken.png", "large.png"], "mask": ["mask.png", "mask.png"], "n": [1, 2]},
        folder=tmp_path,
    )
    sizes = [size_of_cell(table, "photo", row) for row in range(2)]
    assert sizes == [None, (40, 60)]
    boxes = [size and boxes_of(*size, 32) for size in sizes]
    cut = tiled(table, "photo", boxes, "mask")
    assert len(cut.table) == 1 + 2 * 3
    assert cut.table.values("n") == [1, *[2] * 6]
    assert cut.table.cell("photo", 0) == "broken.png"
    for row, box in enumerate(boxes[1] or ()):
        assert (cut.table.cell("photo", row + 1) == box.cut(large)).all()
        assert (cut.table.cell("mask", row + 1) == box.cut(mask)).all()
    assert [cut.row_number(row) for row in range(7)] == [0, *[1] * 6]


def test_a_table_without_large_pictures_stays_as_it_is(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "small.png")
    table = plait.read({"photo": ["small.png"]}, folder=tmp_path)
    size = size_of_cell(table, "photo", 0)
    assert size == (10, 20)
    assert tiled(table, "photo", [boxes_of(*size, 32)]).table is table
    assert size_of_cell(table, "other", 0) is None


def test_a_broken_mask_is_left_to_be_noted(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "photo.png")
    table = plait.read({"photo": ["photo.png"], "mask": ["gone.png"]}, folder=tmp_path)
    cut = tiled(table, "photo", [boxes_of(40, 40, 32)], "mask")
    assert set(cut.table.values("mask")) == {"gone.png"}


def test_sizes_are_those_of_upright_pictures(tmp_path: Path) -> None:
    turned = Image.new("RGB", (20, 10))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    table = plait.read({"photo": ["turned.jpg", [np.zeros((3, 4), np.uint8)]]}, folder=tmp_path)
    assert size_of_cell(table, "photo", 0) == (20, 10)
    assert size_of_cell(table, "photo", 1) == (3, 4)
