"""What lies behind a reference is prepared once, however many rows refer to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.data.detect import detect
from plait.data.loader import Reader, Source, sources_of
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.referred import Referred, behind, contents_of
from plait.data.table import Table
from plait.encoders.classical_image import ClassicalImage
from plait.encoders.config import EncoderConfig
from plait.errors import TableError
from plait.model import prepare
from plait.progress import Progress
from plait.types import Column, Modality


@pytest.fixture
def table(tmp_path: Path) -> Table:
    for number in range(4):
        Image.new("RGB", (16, 16), (60 * number, 0, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"broken")
    films = {"film": list(range(4)), "poster": [f"{n}.png" for n in range(4)], "year": [1, 2, 3, 4]}
    asked = [3, 0, 9, 0, 2, 3, 3, 2]
    other = read(films, folder=tmp_path)
    return read({"film": asked, "stars": list(range(8))}, join={"film": other})


def poster(table: Table) -> Source:
    (found,) = (source for source in sources_of(detect(table)) if source.name == "film.poster")
    return found


class Counting(ClassicalImage):
    """Counts the pictures that it prepares."""

    seen = 0

    def preprocess(self, value: Any) -> Any:
        """Return what it would."""
        Counting.seen += 1
        return super().preprocess(value)


def test_a_poster_is_prepared_once(table: Table) -> None:
    ledger, source = Ledger(), poster(table)
    Counting.seen = 0
    encoder = Counting(EncoderConfig().image)
    found, seconds = prepare(Reader(table, ledger), [source], {source.name: encoder}, Progress())
    samples = found["film.poster"]
    assert Counting.seen == 2  # of four: one is broken, one is not referred to
    assert [sample is not None for sample in samples] == [True, True, False, True, False, True,
                                                          True, False]  # fmt: skip
    again = encoder.preprocess(Reader(table, Ledger()).value(source, 0))
    for one, other in zip(samples[0], again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert ledger.entries.keys() == {(2, "film.poster")}  # once, with its row in its own table
    assert "in the table of 'film': not a picture" in next(iter(ledger.entries.values()))
    assert seconds.keys() == {"film.poster"}


def test_a_file_counts_once_and_before_the_next_is_read(table: Table) -> None:
    """One poster of three is broken, though many rows are without trouble."""
    first, second = poster(table), replace(poster(table), name="again")
    encoders = {one.name: Counting(EncoderConfig().image) for one in (first, second)}
    Counting.seen = 0
    broken = (
        r"1 of 3 cells of column 'film\.poster' cannot be read, more than the 30% .* \(row 2: in"
    )
    with pytest.raises(TableError, match=broken):
        prepare(Reader(table, Ledger()), [first, second], encoders, Progress(), 0.3)
    assert Counting.seen == 2  # of the first alone
    prepare(Reader(table, Ledger()), [first], encoders, Progress(), 0.34)


def test_cells_behind_references_are_noted_in_their_own_table() -> None:
    """However many rows refer to them, through however many tables."""
    makers = read({"maker": ["a", "b"], "size": [{"no": 1}, "3"]})
    films = read({"film": [7, 8, 9], "maker": ["b", "a", "a"]}, join={"maker": makers})
    table = read({"film": [9, 8, 8, 7]}, join={"film": films})
    reader = Reader(table.take([1, 2, 3]), Ledger())
    column = Column("film.maker.size", Modality.NUMBER, 1.0, "")
    assert [reader.cell(column, row) for row in range(3)] == [None, None, 3.0]
    ((place, reason),) = reader.ledger.entries.items()
    assert place == (0, "film.maker.size")
    assert reason.startswith("in the table of 'film': in the table of 'maker': ")
    with pytest.raises(TableError, match="1 of 2 cells"):
        reader.require_readable(Source("sizes", "table", (column,)), 0.4)


def test_a_view_refers_to_fewer(table: Table) -> None:
    found = behind(Reader(table.take([1, 3, 2]), Ledger()), poster(table))
    assert found is not None
    assert found.reader.table.values("poster") == ["0.png"]
    assert found.places.tolist() == [0, 0, -1]


def test_what_is_not_behind_a_reference(table: Table) -> None:
    source = poster(table)
    assert behind(Reader(table.take([2]), Ledger()), source) is None  # refers to nothing
    own = read({"film.poster": ["a.png"]})
    assert behind(Reader(own, Ledger()), source) is None
    assert behind(Reader(read({"x": [1]}), Ledger()), source) is None


def test_rows_that_refer_to_rows_that_refer() -> None:
    once = Referred([(1,), (2,), (3,)], np.array([2, -1, 0]))
    twice = Referred(once, np.array([0, 0, -1, 1, 2]))
    assert list(twice) == [(3,), (3,), None, None, (1,)]
    assert twice.places.tolist() == [2, 2, -1, -1, 0]


def test_what_is_known_to_be_the_same() -> None:
    rows = np.array([3, 0, 1, 3])
    assert contents_of(Referred([(1,)], np.array([0, 0, -1, 0])), rows).tolist() == [0, 0, 0, 0]
    assert contents_of(["the owl", "a", "a", "the owl"], rows).tolist() == [0, 0, 1, 0]
    arrays = [np.ones(2), np.ones(2), None, np.ones(2)]  # nobody compares them
    assert contents_of(arrays, rows).tolist() == [0, 1, 2, 0]
