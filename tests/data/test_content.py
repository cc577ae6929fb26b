"""What a cell holds, as a hash: all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import plait
from plait.data.content import content
from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.types import Column, Modality


def hashes(table: Table, name: str, modality: Modality) -> list[bytes | None]:
    source = Source(name, modality.value, (Column(name, modality),))
    reader = Reader(table, Ledger())
    return [content(reader, source, row) for row in range(len(table))]


@pytest.mark.parametrize("modality", [Modality.SERIES, Modality.VECTOR])
def test_arrays_that_differ_in_the_middle_differ(modality: Modality) -> None:
    """Of more than a thousand numbers NumPy's own words for them hold the ends alone."""
    one = np.zeros(3000)
    other, again = one.copy(), one.copy()
    other[1500] = 1.0
    found = hashes(Table.of({"it": [one, other, again]}), "it", modality)
    assert None not in found
    assert found[0] == found[2] != found[1]


def test_equal_files_of_other_names_and_equal_texts(tmp_path: Path) -> None:
    for name, shade in (("a", 1), ("b", 2), ("c", 1)):
        Image.new("RGB", (4, 4), (shade, 0, 0)).save(tmp_path / f"{name}.png")
    table = plait.read({"it": ["a.png", "b.png", "c.png", None, "gone.png"]}, folder=tmp_path)
    a, b, c, none, gone = hashes(table, "it", Modality.IMAGE)
    assert a == c != b
    assert none is gone is None
    one, other, again = hashes(Table.of({"it": ["x", "y", "x"]}), "it", Modality.TEXT)
    assert one == again != other
