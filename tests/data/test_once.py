"""What rows hold is prepared once, and what cannot be is told of every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.data.loader import Reader, Source
from plait.data.once import prepare_once
from plait.data.quality import Ledger
from plait.data.read import read
from plait.types import Column, Modality

SOURCE = Source("photo", "image", (Column("photo", Modality.IMAGE),))


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Six hundred rows of two pictures, one of them under two names, a broken one, and none."""
    for name, shade in (("a", 10), ("b", 200), ("again", 10)):
        Image.new("RGB", (8, 6), (shade, 0, 0)).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG broken")
    names = ["a.png", "b.png", "again.png", "broken.png", None, "gone.png"] * 100
    return Reader(read({"photo": names}, folder=tmp_path), Ledger())


def test_each_content_is_prepared_once(reader: Reader) -> None:
    seen: list[int] = []
    done: list[int] = []

    def prepare(pictures: Any) -> tuple[np.ndarray]:
        seen.append(int(pictures[0][0, 0, 0]))
        return (pictures[0][:1, :1, 0],)

    samples = prepare_once(reader, SOURCE, prepare, done.append)
    assert sorted(seen) == [10, 200]
    assert done == [256, 256, 88]
    assert len(samples) == 600
    shades = [None if sample is None else int(sample[0][0, 0]) for sample in samples]
    assert shades == [10, 200, 10, None, None, None] * 100
    assert len(samples.samples) == 2


def test_every_row_that_cannot_be_read_is_told(reader: Reader) -> None:
    prepare_once(reader, SOURCE, lambda pictures: (pictures[0],), lambda _: None)
    rows = {row for row, _ in reader.ledger.entries}
    assert rows == {row for row in range(600) if row % 6 in (3, 5)}
    assert "not a picture" in reader.ledger.entries[9, "photo"]


def test_an_error_of_the_encoder_is_not_hidden(reader: Reader) -> None:
    with pytest.raises(ZeroDivisionError):
        prepare_once(reader, SOURCE, lambda _: 1 // 0, lambda _: None)
